"""What the pages share."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin.utils import quote, unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
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
    """Closes a dialog and goes on to a page of these ids, as they are in the database."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:{viewname}", args=[quote(one) for one in args])})


def get_or_404(model_admin: ModelAdmin, request: HttpRequest, object_id: str) -> Any:
    """Finds the record that an address names (ids stand quoted there); 404 where it is gone or never was."""
    record = model_admin.get_object(request, unquote(object_id))
    if record is None:
        raise Http404(f"There is no {model_admin.opts.verbose_name} {object_id}.")
    return record


class SummaryAboveForm(StoredRecordAdmin):
    """A page that tells of its record, as it is stored, above the form; a new one has nothing to be told."""

    def summary(self, record: Any) -> dict[str, Any]:
        """What the template above the form draws."""
        raise NotImplementedError

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Read once a page: what is shown above the form and the form itself are of one row."""
        found = getattr(request, "found", None)
        if found is None or str(found.pk) != object_id:
            found = request.found = super().get_object(request, object_id, from_field)  # type: ignore[attr-defined]
        return found

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any) -> Any:
        answer = super().render_change_form(request, context, *args, **more)
        if (record := context.get("original")) is not None:
            answer.context_data |= self.summary(record)
        return answer


class DeferringChangeList(ChangeList):
    """Leaves columns that may be long to the record's own page."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str] | None = None) -> QuerySet[Any]:
        return super().get_queryset(request, exclude_parameters).defer(*self.model_admin.deferred_columns)


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the system writes."""

    deferred_columns: ClassVar[Sequence[str]] = ()  # columns

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeferringChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
