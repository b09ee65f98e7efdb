"""The page that compares two model versions: metrics, training curves, and the lists of sampled viewers."""

from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from catalog import selectors
from recommender.admin.cards import make_cards
from recommender.admin.svg_charts import line_chart
from recommender.models import ModelVersion
from recommender.monitoring.model_comparison import top_k_by_model
from recommender.serving.concurrency import Overloaded

SAMPLED_VIEWERS, LIST_LENGTH = 10, 10
MAX_CHOICES = 100  # the newest versions
ACCURACY_METRICS = ("ndcg", "hr", "mrr")  # prefixes of metrics that are better when higher


class MetricRow(NamedTuple):
    """Hold one metric of both versions, formatted. `state` is "good", "bad" or empty, of the second version."""

    name: str
    figures: tuple[str, str]
    difference: str
    state: str


class CompareForm(forms.Form):
    """Choose two versions: by default the active one and the newest other one."""

    a = forms.ChoiceField(label="First version", widget=UnfoldAdminSelectWidget)
    b = forms.ChoiceField(label="Second version", widget=UnfoldAdminSelectWidget)
    lists = forms.BooleanField(label="Lists of ten viewers", required=False, widget=UnfoldBooleanSwitchWidget)

    def __init__(self, versions: list[ModelVersion], data: Any) -> None:
        active = next((version.name for version in versions if version.status == ModelVersion.Status.ACTIVE), "")
        other = next((version.name for version in versions if version.name != active), active)
        super().__init__({"a": active, "b": other} | {name: data[name] for name in ("a", "b", "lists") if name in data})
        choices = [(version.name, f"{version.name} ({version.status})") for version in versions]
        self.fields["a"].choices = self.fields["b"].choices = choices  # type: ignore[attr-defined]


def compare_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Render the comparison of the versions that the query string names. Raises PermissionDenied."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    versions = list(ModelVersion.objects.all()[:MAX_CHOICES])
    form = CompareForm(versions, request.GET)
    context = model_admin.admin_site.each_context(request) | {
        "title": "Two versions side by side",
        "opts": model_admin.opts,
        "form": form,
    }
    if form.is_valid():
        by_name = {version.name: version for version in versions}
        a, b = by_name[form.cleaned_data["a"]], by_name[form.cleaned_data["b"]]
        context |= {"versions": (a, b), "same_data": bool(a.data_hash) and a.data_hash == b.data_hash}
        context |= {"tables": _tables(a, b), "curves": training_curves(a, b)}
        if form.cleaned_data["lists"] and request.user.has_perm("catalog.view_viewer"):
            context |= _sampled_lists(a, b)
    return TemplateResponse(request, "recommender/compare.html", context)


def _tables(a: ModelVersion, b: ModelVersion) -> list[tuple[str, list[MetricRow]]]:
    """Return the titled tables that have a row."""
    gates = [version.metrics.get("gate", {}) for version in (a, b)]
    segments = [
        {name: metrics.get("candidate") for name, metrics in gate.get("segments", {}).items()} for gate in gates
    ]
    lists = [gate.get("lists", {}).get("candidate", {}) for gate in gates]
    tables = [
        ("On the viewers held out", _metric_rows(a.metrics, b.metrics)),
        ("NDCG@10 by kind of viewer and genre", _metric_rows(*segments)),
        ("What the lists are like", _metric_rows(*lists)),
    ]
    return [(title, rows) for title, rows in tables if rows]


def _metric_rows(a: Any, b: Any) -> list[MetricRow]:
    """Return a row for each number that a or b has. Only accuracy metrics are known to be better when higher."""
    rows = []
    for name in dict.fromkeys([*a, *b]):
        left, right = a.get(name), b.get(name)
        if not _is_number(left) and not _is_number(right):
            continue
        difference = right - left if _is_number(left) and _is_number(right) else None
        state = ""
        if difference and name.startswith(ACCURACY_METRICS):
            state = "good" if difference > 0 else "bad"
        formatted = "-" if difference is None else f"{difference:+.4f}"
        rows.append(MetricRow(name, (_format_value(left), _format_value(right)), formatted, state))
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and value > 1 else f"{value:.4f}"
    return "-" if value is None else str(value)


def training_curves(*versions: ModelVersion) -> list[tuple[str, Any, str]]:
    """Return (metric, chart, last values) for each metric that was measured after every epoch."""
    names = dict.fromkeys(name for version in versions for epoch in version.history for name in epoch)
    curves = []
    for name in names:
        series = [
            [float(epoch[name]) for epoch in version.history if _is_number(epoch.get(name))] for version in versions
        ]
        if name not in ("epoch", "seconds") and any(len(values) > 1 for values in series):
            last = " and ".join(f"{values[-1]:.4f}" if values else "-" for values in series)
            curves.append((name, line_chart(series, [version.name for version in versions]), last))
    return curves


def _sampled_lists(a: ModelVersion, b: ModelVersion) -> dict[str, Any]:
    """Return the template's context for the lists of sampled viewers under both versions.

    Movies on one of a viewer's two lists only are highlighted.
    """
    viewer_ids = selectors.sample_viewers(SAMPLED_VIEWERS)
    try:
        lists_by_viewer = top_k_by_model([a.name, b.name], viewer_ids, LIST_LENGTH)
    except Overloaded:
        return {"busy": True}
    movies = selectors.movie_cards(
        {movie_id for lists in lists_by_viewer.values() for movie_ids in lists for movie_id in movie_ids}
    )
    keys = selectors.viewer_keys(lists_by_viewer)
    pairs = []
    for viewer_id, (left, right) in lists_by_viewer.items():
        shared = set(left) & set(right)
        left_cards, right_cards = make_cards(left, movies), make_cards(right, movies)
        for card in (*left_cards, *right_cards):
            card.is_highlighted = card.movie_id not in shared
        pairs.append((viewer_id, keys.get(viewer_id, ""), (left_cards, right_cards, len(shared))))
    return {"viewers": pairs}
