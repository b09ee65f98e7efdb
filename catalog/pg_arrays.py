"""Arrays as Postgres reads them in text: a column of thousands of values is one parameter, made in no time."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID


def integer_array(values: Iterable[int]) -> str:
    """Return integers as the text of an array."""
    return "{" + ",".join(map(str, values)) + "}"


def real_array(values: Iterable[float | None]) -> str:
    """Return finite numbers as the text of an array."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def moment_array(values: Iterable[datetime]) -> str:
    """Return moments with a time zone as the text of an array."""
    return "{" + ",".join(map(datetime.isoformat, values)) + "}"


def uuid_array(values: Iterable[UUID | None]) -> str:
    """Return UUIDs as the text of an array."""
    return "{" + ",".join(["NULL" if value is None else value.hex for value in values]) + "}"
