"""The processes: each kind of work has to be done by one at least, and says so every ten seconds."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings

from infrastructure.heartbeat import SUPERVISOR_FILE
from recommender.monitoring.checks import Check, Status, format_duration

MAX_SILENCE, LATE_AFTER = 120.0, 45.0  # seconds without a sign of life: it is gone, it may be
TASKS_KIND, MAX_TASKS_SILENCE = "repair", 300.0  # seconds: small tasks may wait behind a share of everyone's lists
REPORT_SILENT_FOR = 3_600.0  # seconds that one which fell silent is told beside others that do the same work


class ExpectedProcess(NamedTuple):
    name: str  # of the check
    label: str
    service: str  # under ./run, systemd and Docker


# No list of machines has to be kept: what is needed is that somebody does each kind of work.
EXPECTED = {
    "web": ExpectedProcess("process:web", "Web processes", "web"),
    "light": ExpectedProcess("process:light", "Worker: small tasks", "worker"),
    "batch": ExpectedProcess("process:batch", "Worker: lists for everyone", "worker"),
    "training": ExpectedProcess("process:training", "Trainer", "trainer"),
    "beat": ExpectedProcess("process:beat", "Schedule (beat)", "beat"),
    TASKS_KIND: ExpectedProcess("tasks", "Small tasks get done", "worker"),
}


def check_processes(heartbeats: Mapping[str, Mapping[str, float]] | None, *, redis_is_fresh: bool) -> list[Check]:
    """`signs`: kind of work -> process -> seconds since its last sign; None: Redis, which keeps them, is gone. `fresh`:
    it has only just come up."""
    return [
        _check_process(kind, expected, heartbeats, redis_is_fresh) for kind, expected in EXPECTED.items()
    ] + check_supervisor()


def _check_process(
    kind: str, expected: ExpectedProcess, signs: Mapping[str, Mapping[str, float]] | None, fresh: bool
) -> Check:
    name, label, service = expected
    silent = MAX_TASKS_SILENCE if kind == TASKS_KIND else MAX_SILENCE
    if signs is None:
        words = "Redis, which keeps the signs of life, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", words, "Start Redis.")
    ages = signs.get(kind, {})
    age = min(ages.values(), default=None)
    if age is None and fresh:
        words = "Redis was started a moment ago and has not heard of it yet."
        return Check(name, label, Status.UNKNOWN, "not heard of yet", words, "Look again in two minutes.")
    if age is None:
        return Check(name, label, Status.FAIL, "none", "Nothing does this work.", _restart_advice(service))
    figures = {"age_seconds": round(age, 1), "processes": sum(one <= silent for one in ages.values())}
    words = f"Last sign of life {format_duration(age)} ago"
    if age > silent:
        return Check(
            name,
            label,
            Status.FAIL,
            f"silent for {format_duration(age)}",
            f"{words}.",
            _restart_advice(service),
            figures,
        )
    gone = sorted(process for process, one in ages.items() if silent < one < REPORT_SILENT_FOR)
    if gone:
        words += f"; {', '.join(gone)} fell silent in the last hour"
        return Check(name, label, Status.WARN, "some are silent", f"{words}.", _restart_advice(service), figures)
    state = Status.OK if age <= LATE_AFTER or kind == TASKS_KIND else Status.WARN
    remedy = "" if state == Status.OK else "Look again in a minute."
    return Check(name, label, state, "running", f"{words}.", remedy, figures)


def _restart_advice(service: str) -> str:
    return (
        f"Restart it: ./run (or systemctl restart movierec), or the service {service} alone where it has a unit or a "
        f"container of its own. The log of {service} says why."
    )


def check_supervisor() -> list[Check]:
    """`./run` of this machine's state folder, where one was started and did not end in order."""
    try:
        age = max(0.0, time.time() - (settings.STATE_DIR / SUPERVISOR_FILE).stat().st_mtime)
    except OSError:
        return []
    figures, label = {"age_seconds": round(age, 1)}, "Supervisor (./run)"
    if age <= MAX_SILENCE:
        words = f"Last sign of life {format_duration(age)} ago."
        return [Check("process:supervisor", label, Status.OK, "running", words, figures=figures)]
    words = "What ends is not started again."
    remedy = "Restart it: `systemctl restart movierec`, or ./run."
    return [
        Check("process:supervisor", label, Status.FAIL, f"silent for {format_duration(age)}", words, remedy, figures)
    ]
