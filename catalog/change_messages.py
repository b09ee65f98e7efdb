"""What staff changed, in words, for the history of a record: the values before and after."""

import textwrap
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

MAX_LENGTH = 200  # characters of a value


def describe_changes(form: Any) -> str:
    """Of each field that changed: its name, what it was and what it is."""
    found = []
    for name in form.changed_data:
        before, after = (_describe_value(value) for value in (form.initial.get(name), form.cleaned_data.get(name)))
        if before != after:
            label = form.fields[name].label or name
            found.append(f"{str(label).capitalize()}: {before} → {after}")
    return "; ".join(found)


def _describe_value(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, list | tuple | QuerySet):
        return textwrap.shorten(", ".join(map(str, value)), MAX_LENGTH, placeholder=" ...") or "none"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return textwrap.shorten(str(getattr(value, "pk", value)), MAX_LENGTH, placeholder=" ...")
