"""The whole system's health. What cannot be judged because Postgres or Redis is gone is said to be unknown, and is not
asked for: the report comes within seconds whatever is away or frozen."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError, ProgrammingError
from django.utils import timezone

from recommender import cache
from recommender.monitoring import (
    call_checks,
    disk_checks,
    nightly_checks,
    process_checks,
    queue_checks,
    server_checks,
)
from recommender.monitoring.checks import Check, Status, worst_status
from recommender.serving import metrics

POSTGRES_CHECKS = {
    "model": "Age of the model",
    "night": "Last night's run",
    "nights_refused": "Nights without a new model",
    "schedules": "Schedules",
    "queue": "Queue",
    "jobs_failed": "Failed jobs, last day",
    "outbox": "Waiting to be published",
}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class SystemReport:
    checked_at: datetime
    checks: list[Check]

    @property
    def status(self) -> Status:
        return worst_status(self.checks)

    @property
    def is_partial(self) -> bool:
        """Whether Postgres or Redis is gone, so that only a part could be judged."""
        return any(one.name in ("postgres", "redis") and one.value == "does not answer" for one in self.checks)


def check_system() -> SystemReport:
    redis = server_checks.check_redis()
    signs = _read_or_none(cache.heartbeat_ages) if redis.answers else None
    minutes = metrics.read_buckets(call_checks.MINUTE, call_checks.WINDOW_MINUTES) if redis.answers else []
    postgres = server_checks.check_postgres(call_checks.count_full_disk_refusals(minutes))
    found = [
        *process_checks.check_processes(signs, redis_is_fresh=redis.is_fresh),
        postgres,
        redis.check,
        *disk_checks.check_disks(),
    ]
    found += call_checks.check_calls(minutes)
    found += _check_postgres_contents(postgres, redis)
    found.append(
        queue_checks.check_charts() if redis.answers else _unknown_check("charts", "Age of the charts", "Redis")
    )
    return SystemReport(timezone.now(), found)


def _check_postgres_contents(postgres: Check, redis: server_checks.RedisState) -> list[Check]:
    waiting = redis.queue_lengths if redis.answers else None
    lacking: list[Check] = []
    if postgres.value != "does not answer":
        try:
            return [
                *nightly_checks.check_nightly(),
                *nightly_checks.check_schedules(),
                *queue_checks.check_jobs(waiting),
                queue_checks.check_outbox(),
            ]
        except ProgrammingError:
            words = "The database lacks tables of this version."
            lacking.append(Check("tables", "Tables", Status.FAIL, "missing", words, "Run `./run manage migrate`."))
        except DatabaseError:  # it went away meanwhile
            pass
    return lacking + [_unknown_check(name, label, "Postgres") for name, label in POSTGRES_CHECKS.items()]


def _unknown_check(name: str, label: str, gone: str) -> Check:
    return Check(name, label, Status.UNKNOWN, "unknown", f"{gone} does not answer.", f"Start {gone}.")


def _read_or_none(ask: Callable[[], Result]) -> Result | None:
    with suppress(cache.CacheUnavailable):
        return ask()
    return None


def worst_first(checks: Sequence[Check]) -> list[Check]:
    """The worst first, else as they are."""
    order = list(Status)
    return sorted(checks, key=lambda one: -order.index(one.status))
