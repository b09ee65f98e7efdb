"""The processes: each kind of work has to be done by one at least, and says so every ten seconds."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings

from movierec.supervisor import SIGN_OF_LIFE
from recommender.monitoring.checks import Check, Status, length

SILENT, LATE = 120.0, 45.0  # seconds without a sign of life: it is gone, it may be
TASKS, TASKS_SILENT = "repair", 300.0  # seconds: small tasks may wait behind a share of everyone's lists
REMEMBERED = 3_600.0  # seconds that one which fell silent is told beside others that do the same work


class Expected(NamedTuple):
    name: str  # of the check
    label: str
    service: str  # under ./run, systemd and Docker


# No list of machines has to be kept: what is needed is that somebody does each kind of work.
EXPECTED = {
    "web": Expected("process:web", "Web processes", "web"),
    "light": Expected("process:light", "Worker: small tasks", "worker"),
    "batch": Expected("process:batch", "Worker: lists for everyone", "worker"),
    "training": Expected("process:training", "Trainer", "trainer"),
    "beat": Expected("process:beat", "Schedule (beat)", "beat"),
    TASKS: Expected("tasks", "Small tasks get done", "worker"),
}


def processes(signs: Mapping[str, Mapping[str, float]] | None, *, fresh: bool) -> list[Check]:
    """`signs`: kind of work -> process -> seconds since its last sign; None: Redis, which keeps them, is gone. `fresh`:
    it has only just come up."""
    return [_judged(kind, expected, signs, fresh) for kind, expected in EXPECTED.items()] + supervisor()


def _judged(kind: str, expected: Expected, signs: Mapping[str, Mapping[str, float]] | None, fresh: bool) -> Check:
    name, label, service = expected
    silent = TASKS_SILENT if kind == TASKS else SILENT
    if signs is None:
        words = "Redis, which keeps the signs of life, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", words, "Start Redis.")
    ages = signs.get(kind, {})
    age = min(ages.values(), default=None)
    if age is None and fresh:
        words = "Redis was started a moment ago and has not heard of it yet."
        return Check(name, label, Status.UNKNOWN, "not heard of yet", words, "Look again in two minutes.")
    if age is None:
        return Check(name, label, Status.FAIL, "none", "Nothing does this work.", _start(service))
    figures = {"age_seconds": round(age, 1), "processes": sum(one <= silent for one in ages.values())}
    words = f"Last sign of life {length(age)} ago"
    if age > silent:
        return Check(name, label, Status.FAIL, f"silent for {length(age)}", f"{words}.", _start(service), figures)
    gone = sorted(process for process, one in ages.items() if silent < one < REMEMBERED)
    if gone:
        words += f"; {', '.join(gone)} fell silent in the last hour"
        return Check(name, label, Status.WARN, "some are silent", f"{words}.", _start(service), figures)
    state = Status.OK if age <= LATE or kind == TASKS else Status.WARN
    remedy = "" if state == Status.OK else "Look again in a minute."
    return Check(name, label, state, "running", f"{words}.", remedy, figures)


def _start(service: str) -> str:
    return (
        f"Restart it: ./run (or systemctl restart movierec), or the service {service} alone where it has a unit or a "
        f"container of its own. The log of {service} says why."
    )


def supervisor() -> list[Check]:
    """`./run` of this machine's state folder, where one was started and did not end in order."""
    try:
        age = max(0.0, time.time() - (settings.STATE_DIR / SIGN_OF_LIFE).stat().st_mtime)
    except OSError:
        return []
    figures, label = {"age_seconds": round(age, 1)}, "Supervisor (./run)"
    if age <= SILENT:
        words = f"Last sign of life {length(age)} ago."
        return [Check("process:supervisor", label, Status.OK, "running", words, figures=figures)]
    words = "What ends is not started again."
    remedy = "Restart it: `systemctl restart movierec`, or ./run."
    return [Check("process:supervisor", label, Status.FAIL, f"silent for {length(age)}", words, remedy, figures)]
