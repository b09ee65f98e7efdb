"""The operator's view of models, jobs and API keys."""

import json
import textwrap
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey as UnscopedKey
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from recommender import leases, registry, tasks
from recommender.models import ApiKey, Impression, Job, ModelVersion

LONGEST_PARAMETERS = 2_000  # characters; a batch may have been sent thousands of histories
COLOURS = {
    "active": "success",
    "done": "success",
    "running": "info",
    "queued": "info",
    "candidate": "warning",
    "cancelled": "warning",
    "refused": "danger",
    "failed": "danger",
}


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def words(self) -> str:
        """The reason with who gave it."""
        return f"{self.cleaned_data['reason']} ({self.request.user.get_username()}, in the admin)"


def _to(viewname: str, *args: Any) -> HttpResponse:
    """Closes a dialog and goes on to a page."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:recommender_{viewname}", args=args)})


def _table(rows: list[tuple[Any, ...]], head: tuple[str, ...]) -> SafeString:
    cells = [
        format_html("<tr>{}</tr>", format_html_join("", "<td class='pr-6'>{}</td>", ((c,) for c in row)))
        for row in rows
    ]
    titles = format_html_join("", "<th class='pr-6 text-left'>{}</th>", ((title,) for title in head))
    return format_html("<table><tr>{}</tr>{}</table>", titles, format_html_join("", "{}", ((cell,) for cell in cells)))


class ReadOnly(ModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnly):
    list_display = ("name", "status_label", "ndcg10", "hr10", "movies", "created_at", "activated_at")
    list_filter = ("status", "preset")
    search_fields = ("name", "reason")
    fields = (
        ("name", "status_label", "preset"),
        "reason",
        "figures",
        "epochs",
        ("parameters", "movies"),
        ("created_at", "activated_at"),
        ("data_hash", "code_revision"),
        "everything_measured",
    )
    readonly_fields = ("status_label", "figures", "epochs", "everything_measured")
    actions_list = ("rollback",)
    actions_detail = ("promote",)

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        active = obj is not None and obj.status == ModelVersion.Status.ACTIVE
        return not active and super().has_delete_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("recommender.change_modelversion"))

    @display(description="status", ordering="status", label=COLOURS)
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
            ("", "NDCG@10", "HR@10"),
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
        name = ModelVersion.objects.get(pk=object_id).name
        try:
            registry.activate(name, form.words())
            messages.success(request, f"{name} is active.")
        except registry.ActivationRefused as refusal:
            messages.error(request, str(refusal))
        return _to("modelversion_change", object_id)

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
            messages.success(request, f"{registry.rollback(form.words()).name} is active again.")
        except registry.ActivationRefused as refusal:
            messages.error(request, str(refusal))
        return _to("modelversion_changelist")


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ("kind", "status_label", "phase", "progress", "created_at", "finished_at", "attempts")
    list_filter = ("kind", "status")
    fields = (
        ("kind", "status_label", "attempts"),
        ("phase", "progress"),
        "error",
        "outcome",
        "log",
        ("created_at", "started_at", "finished_at"),
        "asked",
        ("id", "lease_until"),
    )
    readonly_fields = ("status_label", "progress", "outcome", "log", "asked", "id", "created_at")
    actions_list = ("start_nightly", "start_batch")
    actions_detail = ("cancel",)

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("recommender.change_job"))

    @display(description="status", ordering="status", label=COLOURS)
    def status_label(self, job: Job) -> str:
        return job.status

    @display(description="progress")
    def progress(self, job: Job) -> SafeString | str:
        if not job.total:
            return "-"
        bar = "<progress value='{}' max='{}'></progress> {} of {}"
        return format_html(bar, job.done, job.total, f"{job.done:,}", f"{job.total:,}")

    @display(description="result")
    def outcome(self, job: Job) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(job.result, indent=2, ensure_ascii=False))

    @display(description="parameters")
    def asked(self, job: Job) -> str:
        return textwrap.shorten(json.dumps(job.parameters), LONGEST_PARAMETERS, placeholder=" ...")

    @display(description="end of the log")
    def log(self, job: Job) -> SafeString:
        return format_html("<pre>{}</pre>", job.log_tail)

    @action(
        description="Train now",
        permissions=["operate"],
        dialog={
            "title": "Start the nightly run now",
            "description": "It trains, evaluates, fills all lists and activates the model if it is better.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Start",
        },
    )
    def start_nightly(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        return self._start(request, Job.Kind.NIGHTLY)

    @action(
        description="Fill lists now",
        permissions=["operate"],
        dialog={
            "title": "Make the lists of all viewers anew",
            "description": "Under the active model.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Start",
        },
    )
    def start_batch(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        return self._start(request, Job.Kind.BATCH)

    def _start(self, request: HttpRequest, kind: Job.Kind) -> HttpResponse:
        job = leases.new_unless_waiting(kind)
        if job is None:
            messages.warning(request, f"A {kind.label.lower()} job is waiting or running already.")
            return _to("job_changelist")
        tasks.enqueue(job)
        messages.success(request, "Started.")
        return _to("job_change", job.pk)

    @action(
        description="Cancel",
        permissions=["operate"],
        dialog={
            "title": "Cancel this job",
            "description": "It stops at its next step. What it has stored stays.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Cancel the job",
        },
    )
    def cancel(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        if leases.cancel(object_id):
            messages.success(request, "Cancelled.")
        else:
            messages.warning(request, "The job had ended already.")
        return _to("job_change", object_id)


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expiry_date", "revoked")


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin, ModelAdmin):
    """A new key is shown once, in the message after it was saved; only its hash is kept."""

    model = ApiKey
    form = ApiKeyForm
    list_display = ("prefix", "name", "scope_list", "created", "expiry_date", "revoked")
    list_filter = ("revoked",)

    @display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)


admin.site.unregister(UnscopedKey)  # a key without scopes opens nothing here


@admin.register(Impression)
class ImpressionAdmin(ReadOnly):
    list_display = ("occurred_at", "kind", "viewer_id", "movie_id", "position", "recommendation_id")
    list_filter = ("kind",)
    search_fields = ("=viewer_id", "=movie_id", "=recommendation_id")
    show_full_result_count = False
