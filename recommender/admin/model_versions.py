"""Model versions: what was measured, which one is active, and making another one so."""

import json
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from recommender import registry
from recommender.admin import compare
from recommender.admin.base import STATUS_COLOURS, ReadOnlyAdmin, close_dialog_to, get_or_404
from recommender.models import ModelVersion

_NOT_MEASURED = format_html("<p>{}</p>", "Not measured.")


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def signed_reason(self) -> str:
        """The reason with who gave it."""
        return f"{self.cleaned_data['reason']} ({self.request.user.get_username()}, in the admin)"


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "status_label", "ndcg10", "hr10", "movies", "created_at", "activated_at")
    list_filter = ("status", "preset")
    search_fields = ("name", "reason")
    deferred_columns = ("history",)
    fields = (
        ("name", "status_label", "preset"),
        "reason",
        "checks",
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
        comparison = self.admin_site.admin_view(partial(compare.compare_page, model_admin=self))
        return [path("compare/", comparison, name="recommender_modelversion_compare"), *super().get_urls()]

    @action(description="Compare two", url_path="to-compare", permissions=["view"])
    def comparison(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:recommender_modelversion_compare")

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        active = obj is not None and obj.status == ModelVersion.Status.ACTIVE
        return not active and super().has_delete_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("recommender.change_modelversion"))

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, version: ModelVersion) -> str:
        return version.status

    @display(description="NDCG@10")
    def ndcg10(self, version: ModelVersion) -> str:
        return _figure(version.metrics.get("ndcg10"))

    @display(description="HR@10")
    def hr10(self, version: ModelVersion) -> str:
        return _figure(version.metrics.get("hr10"))

    @display(description="Beside the others, on the same targets")
    def figures(self, version: ModelVersion) -> SafeString:
        others = version.metrics.get("baselines", {}) | {"active model": version.metrics.get("active") or {}}
        rows = [("this model", version.metrics)] + [(name, told) for name, told in others.items() if told]
        return _table(
            [(name, _figure(told.get("ndcg10")), _figure(told.get("hr10"))) for name, told in rows],
            ("ranked by", "NDCG@10", "HR@10"),
        )

    @display(description="Whether it may go live")
    def checks(self, version: ModelVersion) -> SafeString:
        found = version.metrics.get("gate", {}).get("checks", [])
        rows = [("✓" if one["passed"] else "✗", one["name"], one["told"]) for one in found]
        return _table(rows, ("passed", "check", "seen")) if rows else _NOT_MEASURED

    @display(description="NDCG@10 by kind of viewer and genre of the next film")
    def segments(self, version: ModelVersion) -> SafeString:
        names = ("targets", "candidate", "active", "difference", "low", "high")
        found = version.metrics.get("gate", {}).get("segments", {})
        rows = [(part, *(_figure(of[name]) for name in names)) for part, of in found.items()]
        return _table(rows, ("segment", *names)) if rows else _NOT_MEASURED

    @display(description="What the lists are like")
    def lists(self, version: ModelVersion) -> SafeString:
        found = version.metrics.get("gate", {}).get("lists", {})
        names = list(next(iter(found.values()), {}))
        rows = [(name, *(_figure(of.get(name)) for of in found.values())) for name in names]
        return _table(rows, ("figure", *found)) if rows else _NOT_MEASURED

    @display(description="Training")
    def curves(self, version: ModelVersion) -> SafeString:
        found = compare.training_curves(version)
        return format_html_join(
            "", "<div>{}, at the end {}{}</div>", ((name, last, made) for name, made, last in found)
        )

    @display(description="By epoch")
    def epochs(self, version: ModelVersion) -> SafeString:
        names = list(dict.fromkeys(name for epoch in version.history for name in epoch))
        return _table([tuple(_figure(epoch.get(name)) for name in names) for epoch in version.history], tuple(names))

    @display(description="Everything measured")
    def everything_measured(self, version: ModelVersion) -> SafeString:
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
        version = get_or_404(self, request, object_id)
        try:
            self.log_change(
                request, registry.activate(version.name, form.signed_reason()), f"Promoted: {form.signed_reason()}"
            )
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
        try:
            version = registry.rollback(form.signed_reason())
            self.log_change(request, version, f"Rolled back to: {form.signed_reason()}")
            messages.success(request, f"{version.name} is active again.")
        except registry.ActivationRefused as refusal:
            messages.error(request, str(refusal))
        return close_dialog_to("recommender_modelversion_changelist")


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def _table(rows: list[tuple[Any, ...]], head: tuple[str, ...]) -> SafeString:
    cells = [
        format_html("<tr>{}</tr>", format_html_join("", "<td class='pr-6'>{}</td>", ((c,) for c in row)))
        for row in rows
    ]
    titles = format_html_join("", "<th scope='col' class='pr-6 text-left'>{}</th>", ((title,) for title in head))
    rest = format_html_join("", "{}", ((cell,) for cell in cells))
    return format_html("<div class='mr-wide'><table><tr>{}</tr>{}</table></div>", titles, rest)
