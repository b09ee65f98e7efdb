"""One thing that was looked at, and how it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400  # seconds


class Status(StrEnum):
    """Unknown: what it would be judged by is gone. It is not well either."""

    OK = "ok"
    WARN = "warn"
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is for programs and stays; the rest is for people. `figures` have their unit in the name (age_seconds,
    free_bytes, waiting)."""

    name: str
    label: str
    status: Status
    value: str
    detail: str = ""
    remedy: str = ""  # what to do; empty where nothing has to be done
    figures: Mapping[str, float] = field(default_factory=dict)


def worst_status(checks: Iterable[Check]) -> Status:
    order = list(Status)
    return max((one.status for one in checks), key=order.index, default=Status.OK)


def join_sentences(detail: str, remedy: str) -> str:
    """What was found and what to do, apart from each other."""
    between = "" if not detail or not remedy or detail.endswith((".", "!", "?", ":")) else "."
    return f"{detail}{between} {remedy}".strip()


def format_duration(seconds: float) -> str:
    """A length of time in its largest unit, as people say it."""
    for unit, size in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if seconds >= size:
            return _counted(int(seconds // size), unit)
    return _counted(int(seconds), "second")


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
