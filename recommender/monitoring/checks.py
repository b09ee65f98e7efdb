"""The result of one health check, and how it is worded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from catalog.plurals import count_noun

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400  # seconds


class Status(StrEnum):
    """Rank the outcomes of a check, from good to bad. UNKNOWN: the server that would tell does not answer."""

    OK = "ok"
    WARN = "warn"
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """Hold the result of one check. `name` and `figures` are for programs and stable, the rest is for people."""

    name: str
    label: str
    status: Status
    value: str
    detail: str = ""
    remedy: str = ""  # what to do; empty where nothing has to be done
    figures: Mapping[str, float] = field(default_factory=dict)  # with the unit in the name: age_seconds, free_bytes


def worst_status(checks: Iterable[Check]) -> Status:
    """Return the worst status of all checks; OK where there are none."""
    order = list(Status)
    return max((check.status for check in checks), key=order.index, default=Status.OK)


def join_sentences(detail: str, remedy: str) -> str:
    """Join what is wrong and what to do, with a full stop between them where one is missing."""
    between = "" if not detail or not remedy or detail.endswith((".", "!", "?", ":")) else "."
    return f"{detail}{between} {remedy}".strip()


def format_duration(seconds: float) -> str:
    """Format a duration in its largest unit, rounded down: "2 hours"."""
    for unit, size in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if seconds >= size:
            return count_noun(int(seconds // size), unit)
    return count_noun(int(seconds), "second")
