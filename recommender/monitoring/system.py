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
from recommender.monitoring import calls, nights, processes, queues, room, servers
from recommender.monitoring.checks import Check, Status, worst
from recommender.serving import tally

UNKNOWN_WITHOUT_POSTGRES = {
    "model": "Age of the model",
    "night": "Last night's run",
    "nights_refused": "Nights without a new model",
    "schedules": "Schedules",
    "queue": "Queue",
    "jobs_failed": "Failed jobs, last day",
    "outbox": "Waiting to be published",
}

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Report:
    checked_at: datetime
    checks: list[Check]

    @property
    def status(self) -> Status:
        return worst(self.checks)

    @property
    def blind(self) -> bool:
        """Whether Postgres or Redis is gone, so that only a part could be judged."""
        return any(one.name in ("postgres", "redis") and one.value == "does not answer" for one in self.checks)


def report() -> Report:
    redis = servers.redis_server()
    signs = _known(cache.heartbeat_ages) if redis.answers else None
    minutes = tally.sums(calls.MINUTE, calls.LOOKED_AT) if redis.answers else []
    postgres = servers.postgres(calls.refused_by_full_disk(minutes))
    found = [*processes.processes(signs, fresh=redis.fresh), postgres, redis.check, *room.room()]
    found += calls.calls(minutes)
    found += _of_postgres(postgres, redis)
    found.append(queues.charts() if redis.answers else _unknown("charts", "Age of the charts", "Redis"))
    return Report(timezone.now(), found)


def _of_postgres(postgres: Check, redis: servers.Redis) -> list[Check]:
    waiting = redis.waiting if redis.answers else None
    lacking: list[Check] = []
    if postgres.value != "does not answer":
        try:
            return [*nights.nights(), *nights.schedules(), *queues.jobs(waiting), queues.outbox()]
        except ProgrammingError:
            words = "The database lacks tables of this version."
            lacking.append(Check("tables", "Tables", Status.FAIL, "missing", words, "Run `./run manage migrate`."))
        except DatabaseError:  # it went away meanwhile
            pass
    return lacking + [_unknown(name, label, "Postgres") for name, label in UNKNOWN_WITHOUT_POSTGRES.items()]


def _unknown(name: str, label: str, gone: str) -> Check:
    return Check(name, label, Status.UNKNOWN, "unknown", f"{gone} does not answer.", f"Start {gone}.")


def _known(ask: Callable[[], Found]) -> Found | None:
    with suppress(cache.CacheUnavailable):
        return ask()
    return None


def in_order(checks: Sequence[Check]) -> list[Check]:
    """The worst first, else as they are."""
    order = list(Status)
    return sorted(checks, key=lambda one: -order.index(one.status))
