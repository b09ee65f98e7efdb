"""Base classes and helpers of the admin's pages."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from django.contrib.admin.utils import quote, unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.views import ChangeList

from catalog.admin import StoredRecordAdmin

STATUS_COLOURS = {
    "active": "success",
    "done": "success",
    "running": "info",
    "queued": "info",
    "candidate": "warning",
    "cancelled": "warning",
    "refused": "danger",
    "failed": "danger",
}


def close_dialog_to(viewname: str, *args: Any) -> HttpResponse:
    """Return a response that closes a dialog and opens an admin page. `args` are ids as they are in the database."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:{viewname}", args=[quote(pk) for pk in args])})


def get_or_404(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> Any:
    """Return the record of a URL, whose id is quoted as the admin does. Raises Http404."""
    record = model_admin.get_object(request, unquote(object_id))
    if record is None:
        raise Http404(f"There is no {model_admin.opts.verbose_name} {object_id}.")
    return record


class ActionsByState(ModelAdmin):
    """Offer on a record's page the actions that its state allows. One from a page that is out of date says why not."""

    def possible_actions(self, record: Any) -> Collection[str]:
        """Return the names of what can be done with the record as it is."""
        raise NotImplementedError

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Return what the member of staff may do and the record's state allows."""
        record = self.get_object(request, unquote(str(object_id)))
        possible = self.possible_actions(record) if record is not None else ()
        return [action for action in super().get_actions_detail(request, object_id) if action.path in possible]


class SummaryAboveForm(StoredRecordAdmin):
    """Show a summary of the stored record above its form. A new record has none."""

    def summary(self, record: Any) -> dict[str, Any]:
        """Return the context of the template above the form."""
        raise NotImplementedError

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Read the record once for each request, so that the summary and the form show the same row."""
        record = getattr(request, "admin_record", None)
        if record is None or str(record.pk) != object_id:
            record = super().get_object(request, object_id, from_field)
            request.admin_record = record  # type: ignore[attr-defined]
        return record

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any) -> Any:
        """Add the summary to the context of the page."""
        response = super().render_change_form(request, context, *args, **more)
        if (record := context.get("original")) is not None:
            response.context_data |= self.summary(record)
        return response


class DeferringChangeList(ChangeList):
    """Leave columns that may be long to the record's own page."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str] | None = None) -> QuerySet[Any]:
        """Select the rows without the deferred columns."""
        return super().get_queryset(request, exclude_parameters).defer(*self.model_admin.deferred_columns)


class ReadOnlyAdmin(ModelAdmin):
    """Show rows that only the system writes."""

    deferred_columns: ClassVar[Sequence[str]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that leaves long columns out."""
        return DeferringChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse adding to everyone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse editing to everyone."""
        return False
