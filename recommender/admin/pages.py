"""What the pages share."""

import textwrap
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

LONGEST_WORDS = 200  # characters of a value in a history
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


def to_page(viewname: str, *args: Any) -> HttpResponse:
    """Closes a dialog and goes on to a page."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:recommender_{viewname}", args=args)})


def told_changes(form: Any) -> str:
    """What a form changed, with the values before and after: for the record's history."""
    told = []
    for name in form.changed_data:
        before, after = (_in_words(value) for value in (form.initial.get(name), form.cleaned_data.get(name)))
        if before != after:
            label = form.fields[name].label or name
            told.append(f"{str(label).capitalize()}: {before} → {after}")
    return "; ".join(told) or "Saved without a change."


def _in_words(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, list | tuple | QuerySet):
        return textwrap.shorten(", ".join(map(str, value)), LONGEST_WORDS, placeholder=" ...")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return textwrap.shorten(str(getattr(value, "pk", value)), LONGEST_WORDS, placeholder=" ...")


class ReadOnly(ModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
