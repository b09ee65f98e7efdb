"""Check the health of the whole system.

Where Postgres or Redis does not answer, what it would tell is reported as unknown and not read: the report comes within
seconds whatever is away or frozen.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.db import DatabaseError, ProgrammingError
from django.utils import timezone

from recommender import cache, record_log
from recommender.monitoring import (
    call_checks,
    disk_checks,
    experiment_checks,
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
    "settings": "Settings of all machines",
    "outbox": "Waiting to be published",
    "webhooks": "Webhooks",
    "experiments": "Experiments",
}


@dataclass(frozen=True, slots=True)
class SystemReport:
    """Hold all checks of the system, and when they were made."""

    checked_at: datetime
    checks: list[Check]

    @property
    def status(self) -> Status:
        """Return the worst status of all checks."""
        return worst_status(self.checks)

    @property
    def is_partial(self) -> bool:
        """Return whether Postgres or Redis does not answer, so that only a part could be checked."""
        servers = [check for check in self.checks if check.name in ("postgres", "redis")]
        return any(check.value == "does not answer" for check in servers)


def check_system() -> SystemReport:
    """Run all checks, each server's own first."""
    redis = server_checks.check_redis()
    heartbeats, waiting, minutes = None, None, []
    if redis.answers:
        with suppress(cache.CacheUnavailable):
            heartbeats = cache.heartbeat_ages()
            waiting = {log: cache.count_waiting_records(log) for log in record_log.LOGS}
        minutes = metrics.read_buckets(call_checks.MINUTE, call_checks.WINDOW_MINUTES)
    postgres = server_checks.check_postgres(call_checks.count_full_disk_refusals(minutes))
    charts = queue_checks.check_charts() if redis.answers else _unknown_check("charts", "Age of the charts", "Redis")
    checks = [
        *process_checks.check_processes(heartbeats, redis_is_fresh=redis.is_fresh),
        postgres,
        redis.check,
        *disk_checks.check_disks(),
        call_checks.check_calls(minutes),
        queue_checks.check_logs(waiting, minutes),
        *_check_postgres_contents(postgres, redis),
        charts,
    ]
    return SystemReport(timezone.now(), checks)


def _check_postgres_contents(postgres: Check, redis: server_checks.RedisState) -> list[Check]:
    """Run the checks that read Postgres; UNKNOWN for each where it does not answer or lacks tables."""
    checks: list[Check] = []
    if postgres.value != "does not answer":
        try:
            return [
                *nightly_checks.check_nightly(),
                nightly_checks.check_schedules(),
                *queue_checks.check_jobs(redis.queue_lengths if redis.answers else None),
                queue_checks.check_outbox(),
                queue_checks.check_webhooks(),
                experiment_checks.check_experiments(),
                server_checks.check_shared_settings(),
                *server_checks.check_replica(),
            ]
        except ProgrammingError:
            detail = "The database lacks tables of this version."
            checks.append(Check("tables", "Tables", Status.FAIL, "missing", detail, "Run `./run manage migrate`."))
        except (DatabaseError, psycopg.Error):  # it went away meanwhile
            pass
    return checks + [_unknown_check(name, label, "Postgres") for name, label in POSTGRES_CHECKS.items()]


def _unknown_check(name: str, label: str, server: str) -> Check:
    return Check(name, label, Status.UNKNOWN, "unknown", f"{server} does not answer.", f"Start {server}.")


def worst_first(checks: Sequence[Check]) -> list[Check]:
    """Sort checks by status, the worst first, else in their order."""
    order = list(Status)
    return sorted(checks, key=lambda check: -order.index(check.status))
