"""What the pages of the catalogue's admin have in common."""

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import BaseModelAdmin
from django.db.models import Field, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from catalog import change_messages
from catalog.models import Credit
from catalog.services import delete_records, save_record


def cached_per_record(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Cache a read-only value on the record: a page displays it five times, and its query runs once."""

    @wraps(method)
    def cached(page: Any, record: Any) -> Any:
        values = vars(record).setdefault("displayed_values", {})
        if method.__name__ not in values:
            values[method.__name__] = method(page, record)
        return values[method.__name__]

    return cached


class BlankChoiceAdmin(BaseModelAdmin):
    """Leaves a choice without a default blank.

    The theme chooses the first value, so that an untouched row would count as filled in.
    """

    def formfield_for_choice_field(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if not db_field.has_default():
            kwargs["choices"] = db_field.get_choices(include_blank=True, blank_choice=[("", "Select value")])
        return super().formfield_for_choice_field(db_field, request, **kwargs)


class StoredRecordAdmin(ModelAdmin):
    """Shows the stored record, not the entered values, where a form is refused."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if change and obj is not None and request.method == "POST":
            obj = self.model._default_manager.get(pk=obj.pk)
            context["adminform"].form.instance = context["original"] = obj
            context["subtitle"] = str(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _describe_linked(formsets: Iterable[Any]) -> str:
    """Name the kinds of records beside the form that changed: "People, availability by country changed"."""
    kinds = dict.fromkeys(
        "people" if inline.model is Credit else str(inline.model._meta.verbose_name_plural)
        for inline in formsets
        if inline.new_objects or inline.changed_objects or inline.deleted_objects
    )
    return f"{', '.join(kinds).capitalize()} changed" if kinds else ""


class CatalogueAdmin(BlankChoiceAdmin, StoredRecordAdmin):
    """Saves and deletes through the services; links and inlines are saved in the same transaction."""

    show_full_result_count = False
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        save_record(obj)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        """Return what each value was and is, for the history of the record."""
        if add:
            return "Added."
        changes = [change_messages.describe_changes(form), _describe_linked(formsets or ())]
        return "; ".join(filter(None, changes)) or "Saved without a change."

    def log_changes(self, request: HttpRequest, ids: Collection[int], message: str) -> None:
        """Add an entry to the history of each of these records."""
        records = self.model._default_manager.filter(pk__in=ids)
        LogEntry.objects.log_actions(int(request.user.pk or 0), records, CHANGE, change_message=message)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_records([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        delete_records(queryset)
