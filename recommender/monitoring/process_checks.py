"""Check that each kind of work is done by at least one process. Each process sends a heartbeat every ten seconds."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings

from infrastructure.heartbeat import SUPERVISOR_FILE
from recommender.monitoring.checks import Check, Status, format_duration

MAX_SILENCE, LATE_AFTER = 120.0, 45.0  # seconds without a heartbeat: the process is gone, it may be
TASKS_KIND, MAX_TASKS_SILENCE = "repair", 300.0  # seconds: small tasks may wait behind a chunk of everyone's lists
REPORT_SILENT_FOR = 3_600.0  # seconds for which a silent process is named beside others that do the same work


class ExpectedProcess(NamedTuple):
    """Describe a kind of work: its check, and the service that does it under ./run, systemd and Docker."""

    name: str  # of the check
    label: str
    service: str


# Any machine may do the work, so no list of machines is needed.
EXPECTED = {
    "web": ExpectedProcess("process:web", "Web processes", "web"),
    "light": ExpectedProcess("process:light", "Worker: small tasks", "worker"),
    "batch": ExpectedProcess("process:batch", "Worker: lists for everyone", "worker"),
    "training": ExpectedProcess("process:training", "Trainer", "trainer"),
    "beat": ExpectedProcess("process:beat", "Schedule (beat)", "beat"),
    TASKS_KIND: ExpectedProcess("tasks", "Small tasks get done", "worker"),
}

Heartbeats = Mapping[str, Mapping[str, float]]  # kind of work -> process -> seconds since its last heartbeat


def check_processes(heartbeats: Heartbeats | None, *, redis_is_fresh: bool) -> list[Check]:
    """Check each kind of work, and the supervisor of this machine.

    `heartbeats` is None where Redis, which keeps them, does not answer; `redis_is_fresh`: it started a moment ago.
    """
    checks = [_check_process(kind, heartbeats, redis_is_fresh) for kind in EXPECTED]
    return [*checks, *check_supervisor()]


def _check_process(kind: str, heartbeats: Heartbeats | None, redis_is_fresh: bool) -> Check:
    name, label, service = EXPECTED[kind]
    max_silence = MAX_TASKS_SILENCE if kind == TASKS_KIND else MAX_SILENCE
    if heartbeats is None:
        detail = "Redis, which keeps the signs of life, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", detail, "Start Redis.")
    ages = heartbeats.get(kind, {})
    age = min(ages.values(), default=None)
    if age is None and redis_is_fresh:
        detail = "Redis was started a moment ago and has not heard of it yet."
        return Check(name, label, Status.UNKNOWN, "not heard of yet", detail, "Look again in two minutes.")
    restart = (
        f"Restart it: ./run (or systemctl restart movierec), or the service {service} alone where it has a unit or a "
        f"container of its own. Its log says why: logs/{service}.log in the state folder, or journalctl."
    )
    if age is None:
        return Check(name, label, Status.FAIL, "none", "Nothing does this work.", restart)
    figures = {"age_seconds": round(age, 1), "processes": sum(age <= max_silence for age in ages.values())}
    detail = f"Last sign of life {format_duration(age)} ago"
    if age > max_silence:
        return Check(name, label, Status.FAIL, f"silent for {format_duration(age)}", f"{detail}.", restart, figures)
    silent = sorted(process for process, age in ages.items() if max_silence < age < REPORT_SILENT_FOR)
    if silent:
        detail += f"; {', '.join(silent)} fell silent in the last hour"
        return Check(name, label, Status.WARN, "some are silent", f"{detail}.", restart, figures)
    status = Status.OK if age <= LATE_AFTER or kind == TASKS_KIND else Status.WARN
    remedy = "" if status == Status.OK else "Look again in a minute."
    return Check(name, label, status, "running", f"{detail}.", remedy, figures)


def check_supervisor() -> list[Check]:
    """Check `./run` of this machine's state folder. Empty where none was started, or it ended in order."""
    try:
        age = max(0.0, time.time() - (settings.STATE_DIR / SUPERVISOR_FILE).stat().st_mtime)
    except OSError:
        return []
    name, label, figures = "process:supervisor", "Supervisor (./run)", {"age_seconds": round(age, 1)}
    if age <= MAX_SILENCE:
        detail = f"Last sign of life {format_duration(age)} ago."
        return [Check(name, label, Status.OK, "running", detail, figures=figures)]
    detail, value = "What ends is not started again.", f"silent for {format_duration(age)}"
    remedy = "Restart it: `systemctl restart movierec`, or ./run."
    return [Check(name, label, Status.FAIL, value, detail, remedy, figures)]
