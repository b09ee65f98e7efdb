"""Messages of what staff changed, for the history of a record: the values before and after."""

import textwrap
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

MAX_LENGTH = 200  # characters of a value


def describe_changes(form: Any) -> str:
    """Describe each field of the form that changed: its name, and the values before and after."""
    changes = []
    for name in form.changed_data:
        before, after = (_describe_value(value) for value in (form.initial.get(name), form.cleaned_data.get(name)))
        if before != after:
            label = form.fields[name].label or name
            changes.append(f"{str(label).capitalize()}: {before} → {after}")
    return "; ".join(changes)


def _describe_value(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, list | tuple | QuerySet):
        return textwrap.shorten(", ".join(map(str, value)), MAX_LENGTH, placeholder=" ...") or "none"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return textwrap.shorten(str(getattr(value, "pk", value)), MAX_LENGTH, placeholder=" ...")
