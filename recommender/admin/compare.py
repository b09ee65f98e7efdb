"""Two model versions side by side: what was measured, how they were trained, and the lists of ten viewers."""

from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from catalog import selectors
from recommender.admin.cards import Card, make_cards
from recommender.admin.svg_charts import line_chart
from recommender.models import ModelVersion
from recommender.monitoring.model_comparison import top_k_by_model
from recommender.serving.concurrency import Overloaded

SAMPLED_VIEWERS, LIST_LENGTH = 10, 10
MAX_CHOICES = 100  # the newest versions


class MetricRow(NamedTuple):
    name: str
    figures: tuple[str, str]
    difference: str
    state: str


class CompareForm(forms.Form):
    a = forms.ChoiceField(label="First version", widget=UnfoldAdminSelectWidget)
    b = forms.ChoiceField(label="Second version", widget=UnfoldAdminSelectWidget)
    lists = forms.BooleanField(label="Lists of ten viewers", required=False, widget=UnfoldBooleanSwitchWidget)

    def __init__(self, versions: list[ModelVersion], data: Any) -> None:
        active = next((one.name for one in versions if one.status == ModelVersion.Status.ACTIVE), "")
        other = next((one.name for one in versions if one.name != active), active)
        super().__init__({"a": active, "b": other} | {name: data[name] for name in ("a", "b", "lists") if name in data})
        choices = [(one.name, f"{one.name} ({one.status})") for one in versions]
        self.fields["a"].choices = self.fields["b"].choices = choices  # type: ignore[attr-defined]


def compare_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
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
        by_name = {one.name: one for one in versions}
        a, b = by_name[form.cleaned_data["a"]], by_name[form.cleaned_data["b"]]
        context |= {"versions": (a, b), "same_data": bool(a.data_hash) and a.data_hash == b.data_hash}
        context |= {"tables": _tables(a, b), "curves": training_curves(a, b)}
        if form.cleaned_data["lists"] and request.user.has_perm("catalog.view_viewer"):
            context |= _sampled_lists(a, b)
    return TemplateResponse(request, "recommender/compare.html", context)


def _tables(a: ModelVersion, b: ModelVersion) -> list[tuple[str, list[MetricRow]]]:
    both = (a.metrics, b.metrics)
    gates = [one.get("gate", {}) for one in both]
    segments = [{name: of.get("candidate") for name, of in gate.get("segments", {}).items()} for gate in gates]
    lists = [gate.get("lists", {}).get("candidate", {}) for gate in gates]
    found = [
        ("On the viewers held out", _rows(*both)),
        ("NDCG@10 by kind of viewer and genre", _rows(*segments)),
        ("What the lists are like", _rows(*lists)),
    ]
    return [(title, rows) for title, rows in found if rows]


def _rows(a: Any, b: Any) -> list[MetricRow]:
    """Of every figure that either has; accuracy is better when it is higher, of the others nobody can say so."""
    names = [name for name in dict.fromkeys([*a, *b]) if any(_number(of.get(name)) for of in (a, b))]
    rows = []
    for name in names:
        left, right = a.get(name), b.get(name)
        difference = right - left if _number(left) and _number(right) else None
        better = "" if not difference or not name.startswith(("ndcg", "hr", "mrr")) else _state(difference)
        told = "-" if difference is None else f"{difference:+.4f}"
        rows.append(MetricRow(name, (_format_value(left), _format_value(right)), told, better))
    return rows


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and value > 1 else f"{value:.4f}"
    return "-" if value is None else str(value)


def _state(difference: float) -> str:
    return "good" if difference > 0 else "bad"


def training_curves(*versions: ModelVersion) -> list[tuple[str, Any, str]]:
    """A picture of each figure that was taken after every epoch, with its last values."""
    names = list(dict.fromkeys(name for one in versions for epoch in one.history for name in epoch))
    found = []
    for name in names:
        series = [[float(epoch[name]) for epoch in one.history if _number(epoch.get(name))] for one in versions]
        if name not in ("epoch", "seconds") and any(len(values) > 1 for values in series):
            last = " and ".join(f"{values[-1]:.4f}" if values else "-" for values in series)
            found.append((name, line_chart(series, [one.name for one in versions]), last))
    return found


def _sampled_lists(a: ModelVersion, b: ModelVersion) -> dict[str, Any]:
    try:
        found = top_k_by_model([a.name, b.name], selectors.sample_viewers(SAMPLED_VIEWERS), LIST_LENGTH)
    except Overloaded:
        return {"busy": True}
    known = selectors.movie_cards({movie for lists in found.values() for ids in lists for movie in ids})
    return {"viewers": [(viewer, _card_pair(lists[0], lists[1], known)) for viewer, lists in found.items()]}


def _card_pair(left: list[int], right: list[int], known: Any) -> tuple[list[Card], list[Card], int]:
    """Films that the other list has not are marked; and how many both have."""
    shared = set(left) & set(right)
    sides = [make_cards(ids, known) for ids in (left, right)]
    for one in (*sides[0], *sides[1]):
        one.is_highlighted = one.movie_id not in shared
    return sides[0], sides[1], len(shared)
