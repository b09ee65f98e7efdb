"""Jobs: their progress and logs, and how staff start and cancel them."""

import json
import textwrap
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from recommender import tasks
from recommender.admin.base import STATUS_COLOURS, ActionsByState, ReadOnlyAdmin, close_dialog_to, get_or_404
from recommender.ingest import import_undo
from recommender.jobs import queue
from recommender.jobs.results import readable_parameters, readable_result
from recommender.models import Job

MAX_PARAMETERS_LENGTH = 2_000  # characters; a batch may hold thousands of posted histories
MAX_VIEWERS_SHOWN = 100  # of them; more do not fit


class TakeBackForm(BaseDialogForm):
    """Says what goes before staff confirm it."""

    form_before_template = "recommender/take_back.html"

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        """Return what the import made, or why it cannot be taken back."""
        try:
            job = get_object_or_404(Job, pk=UUID(unquote(str(object_id))), kind=Job.Kind.IMPORT)
            import_undo.check(job)
        except import_undo.CannotTakeBack as reason:
            return {"reason": str(reason)}
        except ValueError:
            raise Http404(f"There is no job {object_id}.") from None
        made = import_undo.count_texts(import_undo.made_counts(job.pk))
        return {"made": made, "is_running": job.status in import_undo.UNENDED, "undo": import_undo.undo_of(job)}


@admin.register(Job)
class JobAdmin(ActionsByState, ReadOnlyAdmin):
    """List jobs, start them and cancel them."""

    list_display = ("kind", "status_label", "phase", "progress", "started_by", "created_at", "finished_at")
    list_filter = ("kind", "status")
    deferred_columns = ("parameters", "result", "log_tail")
    fields = (
        ("kind", "status_label", "attempts"),
        ("started_by", "cancelled_by"),
        ("phase", "progress"),
        "error",
        "outcome",
        "log",
        ("created_at", "started_at", "finished_at"),
        "parameters_text",
        ("id", "lease_until"),
    )
    readonly_fields = ("status_label", "progress", "outcome", "log", "parameters_text", "id", "created_at")
    actions_list = ("start_nightly", "start_batch")
    actions_detail = ("cancel", "take_back")

    def possible_actions(self, record: Job) -> Collection[str]:
        """Offer to cancel what has not ended, and to take back an import that made something."""
        cancels = ["cancel"] if record.status in import_undo.UNENDED else []
        if record.kind != Job.Kind.IMPORT:
            return cancels
        try:
            import_undo.check(record)
        except import_undo.CannotTakeBack:
            return cancels
        return [*cancels, "take_back"]

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Refuse deletion to everyone: maintenance prunes old jobs."""
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow starting and cancelling to staff who may change jobs."""
        return bool(request.user.has_perm("recommender.change_job"))

    def has_take_back_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow taking back to staff who may change jobs, on the pages of imports."""
        job = None if obj is None else self.get_object(request, unquote(str(obj)))
        return self.has_operate_permission(request) and (job is None or job.kind == Job.Kind.IMPORT)

    @display(description="status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, job: Job) -> str:
        """Return the status, which the theme colours."""
        return job.status

    @display(description="progress")
    def progress(self, job: Job) -> SafeString | str:
        """Draw a progress bar."""
        if not job.total:
            return "-"
        bar = "<progress value='{}' max='{}'></progress> <span class='whitespace-nowrap'>{} of {}</span>"
        return format_html(bar, job.done, job.total, f"{job.done:,}", f"{job.total:,}")

    @display(description="result")
    def outcome(self, job: Job) -> SafeString:
        """Show the result as JSON."""
        return format_html("<pre>{}</pre>", json.dumps(readable_result(job), indent=2, ensure_ascii=False))

    @display(description="parameters")
    def parameters_text(self, job: Job) -> str:
        """Show the parameters as JSON, cut to MAX_PARAMETERS_LENGTH."""
        text = json.dumps(readable_parameters(job, MAX_VIEWERS_SHOWN), ensure_ascii=False)
        return textwrap.shorten(text, MAX_PARAMETERS_LENGTH, placeholder=" ...")

    @display(description="end of the log")
    def log(self, job: Job) -> SafeString:
        """Show the end of the log."""
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
        """Start the nightly job now."""
        return self._start(request, Job.Kind.NIGHTLY)

    @action(
        description="Fill lists now",
        permissions=["operate"],
        dialog={
            "title": "Compute the lists of all viewers again",
            "description": "By the active model.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Start",
        },
    )
    def start_batch(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        """Start a batch job for all viewers now."""
        return self._start(request, Job.Kind.BATCH)

    def _start(self, request: HttpRequest, kind: Job.Kind) -> HttpResponse:
        job = queue.create_unless_pending(kind)
        if job is None:
            messages.warning(request, f"A {kind.label.lower()} job is waiting or running already; see it in the list.")
            return close_dialog_to("recommender_job_changelist")
        tasks.enqueue(job)
        messages.success(request, "Started.")
        return close_dialog_to("recommender_job_change", job.pk)

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
        """Cancel a job that waits or runs."""
        job = get_or_404(self, request, object_id)
        if queue.cancel(job.pk):
            messages.success(request, "Cancelled.")
        else:
            messages.warning(request, "The job had ended already.")
        return close_dialog_to("recommender_job_change", job.pk)

    @action(
        description="Take back",
        permissions=["take_back"],
        dialog={
            "title": "Take this import back",
            "description": "A job deletes what the import made. What something else has changed or uses since is left "
            "alone, and what the import changed of records that were there stays as it is.",
            "form_class": TakeBackForm,
            "form_submit_text": "Take it back",
        },
    )
    def take_back(self, request: HttpRequest, form: TakeBackForm, object_id: str) -> HttpResponse:
        """Start the job that takes an import back, and open its page."""
        job = get_or_404(self, request, object_id)
        try:
            undo = tasks.enqueue_import_undo(job.pk)
        except import_undo.CannotTakeBack as reason:
            messages.error(request, str(reason))
            return close_dialog_to("recommender_job_change", job.pk)
        if undo.status == Job.Status.DONE:
            messages.warning(request, "It was taken back before; this is what came of it.")
        else:
            messages.success(request, "It is being taken back.")
        return close_dialog_to("recommender_job_change", undo.pk)
