"""Model versions: their metrics, and how staff promote one or roll back."""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog.selectors import data_set
from recommender import registry
from recommender.admin import compare
from recommender.admin.base import STATUS_COLOURS, ActionsByState, ReadOnlyAdmin, close_dialog_to, get_or_404
from recommender.admin.loop.insights import interval, percent
from recommender.admin.next_visit import next_visit_table
from recommender.models import ModelVersion
from recommender.outcomes import insights
from recommender.outcomes.insights import ratio
from recommender.outcomes.sums import RATES
from recommender.training import evidence

LIVE_DAYS = 14
LIVE_RATES = ("click_through", "play_rate")
_NOT_MEASURED = format_html("<p>{}</p>", "Not measured.")


class ReasonForm(BaseDialogForm):
    """Ask why a version goes live."""

    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def signed_reason(self) -> str:
        """Return the reason with the name of the staff member."""
        return f"{self.cleaned_data['reason']} ({self.request.user.get_username()}, in the admin)"


def _rate(counts: Mapping[str, int], numerator: str, denominator: str) -> str:
    rate = ratio(counts, numerator, denominator)
    return f"{percent(rate.value)} ({interval(rate)})" if interval(rate) else percent(rate.value)


@admin.register(ModelVersion)
class ModelVersionAdmin(ActionsByState, ReadOnlyAdmin):
    """List model versions, show what was measured of each, promote and roll back."""

    list_display = ("name", "status_label", "ndcg10", "hr10", "movies", "created_at", "activated_at")
    list_filter = ("status", "preset")
    search_fields = ("name", "reason")
    deferred_columns = ("history",)
    fields = (
        ("name", "status_label", "preset"),
        "reason",
        "checks",
        "next_visit",
        "counterfactual",
        "live",
        "figures",
        "segments",
        "lists",
        "curves",
        "epochs",
        ("parameters", "movies"),
        ("created_at", "activated_at"),
        ("data_hash", "code_revision"),
        "everything_measured",
    )
    readonly_fields = (
        "status_label",
        "checks",
        "next_visit",
        "counterfactual",
        "live",
        "figures",
        "segments",
        "lists",
        "curves",
        "epochs",
        "everything_measured",
    )
    actions_list = ("comparison", "rollback")
    actions_detail = ("promote",)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that compares two versions."""
        comparison = self.admin_site.admin_view(partial(compare.compare_page, model_admin=self))
        return [path("compare/", comparison, name="recommender_modelversion_compare"), *super().get_urls()]

    @action(description="Compare two", url_path="to-compare", permissions=["view"])
    def comparison(self, request: HttpRequest) -> HttpResponse:
        """Open the page that compares two versions."""
        return redirect("admin:recommender_modelversion_compare")

    def possible_actions(self, record: ModelVersion) -> Collection[str]:
        """Offer to promote a version of today's data that is not the active one."""
        is_active = record.status == ModelVersion.Status.ACTIVE
        return () if is_active or record.data_set != data_set() else ("promote",)

    def get_actions_list(self, request: HttpRequest) -> list[UnfoldAction]:
        """Leave the rollback out where there is nothing to go back to."""
        actions = super().get_actions_list(request)
        return actions if registry.rollback_target() else [action for action in actions if action.path != "rollback"]

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        """Protect the active version."""
        is_active = obj is not None and obj.status == ModelVersion.Status.ACTIVE
        return not is_active and super().has_delete_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow promotion and rollback to staff who may change versions."""
        return bool(request.user.has_perm("recommender.change_modelversion"))

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, version: ModelVersion) -> str:
        """Return the status, which the theme colours."""
        return version.status

    @display(description="NDCG@10")
    def ndcg10(self, version: ModelVersion) -> str:
        """Return NDCG@10 on the held-out viewers."""
        return _format_value(version.metrics.get("ndcg10"))

    @display(description="HR@10")
    def hr10(self, version: ModelVersion) -> str:
        """Return HR@10 on the held-out viewers."""
        return _format_value(version.metrics.get("hr10"))

    @display(description="The first film after the training's end, beside the others")
    def figures(self, version: ModelVersion) -> SafeString:
        """Tabulate accuracy beside the baselines and the model that was active then."""
        rankers = {"this model": version.metrics, **version.metrics.get("baselines", {})}
        rankers["active model"] = version.metrics.get("active") or {}
        rows = [
            (name, _format_value(accuracy.get("ndcg10")), _format_value(accuracy.get("hr10")))
            for name, accuracy in rankers.items()
            if accuracy or name == "this model"
        ]
        return _table(rows, ("ranked by", "NDCG@10", "HR@10"))

    @display(description="Whether it may go live")
    def checks(self, version: ModelVersion) -> SafeString:
        """Tabulate the checks of the promotion gate."""
        checks = version.metrics.get("gate", {}).get("checks", [])
        rows = [("✓" if check["passed"] else "✗", check["name"], check["told"]) for check in checks]
        return _table(rows, ("passed", "check", "seen")) if rows else _NOT_MEASURED

    @display(description="For the next visit, beside what needs no training")
    def next_visit(self, version: ModelVersion) -> SafeString:
        """Tabulate how good lists for the next visit are, beside ten baselines and the model that was active then."""
        return next_visit_table(version.metrics)

    @display(description="What would have come of its lists")
    def counterfactual(self, version: ModelVersion) -> SafeString:
        """Tell what was estimated from lists that were drawn before it was trained."""
        found = version.metrics.get("gate", {}).get("counterfactual", {})
        if not found:
            return _NOT_MEASURED
        if "reason" in found:
            return format_html("<p>{}</p>", found["reason"])
        difference = found["difference"]
        row = (
            f"{found['served']:.4f}",
            f"{found['candidate']:.4f}",
            f"{difference['value']:+.4f} ({difference['low']:+.4f} to {difference['high']:+.4f})",
            evidence.VERDICTS[found["verdict"]],
            f"{found['lists']:,}, worth {found['effective']:.0f}",
        )
        titles = ("clicks of a list as served", "of this model's", "difference, 95%", "so it is", "drawn lists")
        return _table([row], titles)

    @display(description="What came of its lists, of those that viewers got")
    def live(self, version: ModelVersion) -> SafeString:
        """Tabulate what came of the lists of the last two weeks, of this model and of the others."""
        today = timezone.now().date()
        groups = insights.read_groups(today - timedelta(days=LIVE_DAYS), today, "model")
        own = groups.pop(version.name, None)
        if own is None:
            return _NOT_MEASURED
        rows = [
            (name, f"{counts['lists']:,}", *(_rate(counts, *RATES[rate]) for rate in LIVE_RATES))
            for name, counts in [("this model", own), *groups.items()]
            if name
        ]
        return _table(rows, ("model", "lists", "clicks of a film seen, 95%", "plays of a film seen, 95%"))

    @display(description="NDCG@10 by kind of viewer and genre of the next film")
    def segments(self, version: ModelVersion) -> SafeString:
        """Tabulate NDCG@10 in each segment, with the interval of its difference to the active model."""
        names = ("targets", "candidate", "active", "difference", "low", "high")
        segments = version.metrics.get("gate", {}).get("segments", {})
        rows = [(segment, *(_format_value(values[name]) for name in names)) for segment, values in segments.items()]
        return _table(rows, ("segment", *names)) if rows else _NOT_MEASURED

    @display(description="What the lists are like")
    def lists(self, version: ModelVersion) -> SafeString:
        """Tabulate beyond-accuracy metrics of the lists beside those of the active model."""
        by_model = version.metrics.get("gate", {}).get("lists", {})
        names = list(next(iter(by_model.values()), {}))
        rows = [(name, *(_format_value(values.get(name)) for values in by_model.values())) for name in names]
        return _table(rows, ("figure", *by_model)) if rows else _NOT_MEASURED

    @display(description="Training")
    def curves(self, version: ModelVersion) -> SafeString:
        """Draw each metric that was measured after every epoch."""
        curves = ((name, last, chart) for name, chart, last in compare.training_curves(version))
        return format_html_join("", "<div>{}, at the end {}{}</div>", curves)

    @display(description="By epoch")
    def epochs(self, version: ModelVersion) -> SafeString:
        """Tabulate what was measured after every epoch."""
        names = tuple(dict.fromkeys(name for epoch in version.history for name in epoch))
        return _table([tuple(_format_value(epoch.get(name)) for name in names) for epoch in version.history], names)

    @display(description="Everything measured")
    def everything_measured(self, version: ModelVersion) -> SafeString:
        """Show all metrics as JSON."""
        return format_html("<pre>{}</pre>", json.dumps(version.metrics, indent=2, ensure_ascii=False))

    @action(
        description="Promote",
        permissions=["operate"],
        dialog={
            "title": "Make this version the active one",
            "description": "All processes load it first; lists made by another version are no longer served. "
            "Your name and the reason are kept with the version.",
            "form_class": ReasonForm,
            "form_submit_text": "Promote",
        },
    )
    def promote(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Activate a version for the reason given."""
        version, reason = get_or_404(self, request, object_id), form.signed_reason()
        try:
            self.log_change(request, registry.activate(version.name, reason), f"Promoted: {reason}")
            messages.success(request, f"{version.name} is active.")
        except registry.ActivationRefused as refusal:
            messages.error(request, str(refusal))
        return close_dialog_to("recommender_modelversion_change", version.pk)

    @action(
        description="Roll back",
        permissions=["operate"],
        dialog={
            "title": "Go back to the version that was active before",
            "description": "The one that is active now becomes a candidate.",
            "form_class": ReasonForm,
            "form_submit_text": "Roll back",
        },
    )
    def rollback(self, request: HttpRequest, form: ReasonForm) -> HttpResponse:
        """Activate the previous version again for the reason given."""
        try:
            version = registry.rollback(form.signed_reason())
            self.log_change(request, version, f"Rolled back to: {form.signed_reason()}")
            messages.success(request, f"{version.name} is active again.")
        except registry.ActivationRefused as refusal:
            messages.error(request, str(refusal))
        return close_dialog_to("recommender_modelversion_changelist")


def _format_value(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def _table(rows: list[tuple[Any, ...]], head: tuple[str, ...]) -> SafeString:
    """Draw rows under their column titles."""
    lines = [
        format_html("<tr>{}</tr>", format_html_join("", "<td class='pr-6'>{}</td>", ((cell,) for cell in row)))
        for row in rows
    ]
    titles = format_html_join("", "<th scope='col' class='pr-6 text-left'>{}</th>", ((title,) for title in head))
    body = format_html_join("", "{}", ((line,) for line in lines))
    return format_html("<div class='mr-wide'><table><tr>{}</tr>{}</table></div>", titles, body)
