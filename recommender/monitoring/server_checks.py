"""Check Postgres and Redis, each on a connection of its own with short timeouts: a frozen server must not freeze the
check."""

from dataclasses import dataclass
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from infrastructure import disk_space
from infrastructure.disk_space import format_bytes
from infrastructure.redis_address import RedisAddress
from infrastructure.shared_settings import describe_differences, find_differences
from recommender import cache
from recommender.monitoring.checks import Check, Status

CONNECT_SECONDS = 2
ANSWER_SECONDS = 1.0
FRESH_SECONDS = 120.0  # after its start Redis may not have heard of every process yet
MAX_MEMORY_SHARE = 0.9  # of maxmemory, where nothing may be evicted
QUEUES = ("light", "batch", "training")
NO_EVICTION = "noeviction"


@dataclass(frozen=True, slots=True)
class RedisState:
    """Hold the check of Redis, and what was read on the way."""

    check: Check
    answers: bool
    is_fresh: bool  # started a moment ago, so that what it lacks means nothing
    queue_lengths: dict[str, int]  # messages by queue


def check_postgres(full_disk_refusals: int) -> Check:
    """Check that Postgres answers and takes writes.

    `full_disk_refusals` counts the calls of the last minutes that failed because its disk was full: the disk of another
    machine cannot be read from here.
    """
    name, label = "postgres", "Postgres"
    params = connection.get_connection_params() | {"connect_timeout": CONNECT_SECONDS, "autocommit": True}
    params.pop("cursor_factory", None)
    try:
        with psycopg.connect(**params) as probe:
            row = probe.execute(
                "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"
            ).fetchone()
    except psycopg.Error as error:
        folder = settings.WRITTEN_FOLDERS.get("database")
        detail = disk_space.disk_full_message(folder) if folder and disk_space.is_full(folder) else str(error).strip()
        remedy = "Start it (docs/operations.md, Incidents). Clients send refused events again."
        return Check(name, label, Status.FAIL, "does not answer", detail, remedy)
    if full_disk_refusals:
        detail = f"{full_disk_refusals:,} calls of the last 10 minutes were refused, as its disk is full."
        return Check(name, label, Status.FAIL, "disk full", detail, "Make room on the disk of the database.")
    if row is not None and (row[0] or row[1] == "on"):
        remedy = "Point DATABASE_URL at the primary; see to its disk, then to default_transaction_read_only."
        return Check(name, label, Status.FAIL, "read-only", "It takes no writes: events are refused.", remedy)
    return Check(name, label, Status.OK, "answers")


def check_shared_settings() -> Check:
    """Check that all processes of this database have the same values of what must be alike."""
    name, label = "settings", "Settings of all machines"
    if differences := find_differences():
        remedy = "Set them alike on all machines, and restart those that had another one."
        return Check(name, label, Status.WARN, "differ", describe_differences(differences), remedy)
    return Check(name, label, Status.OK, "alike")


def check_redis() -> RedisState:
    """Check that each Redis answers, that the lists' one takes writes, and that they have memory left; read the lengths
    of the queues."""
    uses: dict[RedisAddress, list[str]] = {}
    for use, address in (
        ("lists", settings.LISTS_REDIS),
        ("queues", settings.BROKER_REDIS),
        ("counters", settings.COUNTERS_REDIS),
    ):
        uses.setdefault(address._replace(database=0), []).append(use)
    infos: list[dict[str, Any]] = []
    queue_lengths: dict[str, int] = {}
    for address, names in uses.items():
        try:
            infos.append(_read_info(address))
            queue_lengths |= _read_queue_lengths() if "queues" in names else {}
        except (RedisError, OSError) as error:
            detail = str(error) if len(uses) == 1 else f"The one of {' and '.join(names)}: {error}"
            remedy = "Start it: empty is fine. Lists are computed at every read meanwhile, and nothing is queued."
            check = Check("redis", "Redis", Status.FAIL, "does not answer", detail, remedy)
            return RedisState(check, answers=False, is_fresh=False, queue_lengths={})
    is_fresh = infos[0]["uptime_in_seconds"] < FRESH_SECONDS
    checks = [_check_writes() or _check_memory(infos[0]), *map(_check_memory, infos[1:])]
    check = max(checks, key=lambda check: list(Status).index(check.status))
    return RedisState(check, answers=True, is_fresh=is_fresh, queue_lengths=queue_lengths)


def _client(address: RedisAddress) -> redis.Redis:
    timeouts = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    return redis.Redis.from_pool(address.connection_pool(**timeouts))


def _read_info(address: RedisAddress) -> dict[str, Any]:
    """Return the sections "server" and "memory" of INFO."""
    with _client(address) as client:
        pipe = client.pipeline(transaction=False)
        pipe.info("server")
        pipe.info("memory")
        server, memory = pipe.execute()
    return server | memory


def _read_queue_lengths() -> dict[str, int]:
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    with _client(settings.BROKER_REDIS) as client:
        pipe = client.pipeline(transaction=False)
        for queue in QUEUES:
            pipe.llen(f"{prefix}{queue}")
        return {queue: int(length) for queue, length in zip(QUEUES, pipe.execute(), strict=True)}


def _check_writes() -> Check | None:
    """Return what is wrong where the Redis of the lists takes no write."""
    try:
        cache.record_heartbeat(["judged"], "here")  # a write like any other
    except cache.CacheUnavailable as error:
        problem = disk_space.storage_problem(error)
        detail, remedy = (problem.message, "") if problem else (str(error), "See to its log and its memory.")
        return Check("redis", "Redis", Status.FAIL, "refuses writes", detail, remedy)
    return None


def _check_memory(memory: dict[str, Any]) -> Check:
    """Check how much of a server's memory is used, from its INFO section "memory"."""
    used, limit, policy = float(memory["used_memory"]), float(memory["maxmemory"]), str(memory["maxmemory_policy"])
    figures = {"used_bytes": used, "max_bytes": limit}
    value = f"{format_bytes(used)} used" + (f" of {format_bytes(limit)}" if limit else "")
    if limit and policy == NO_EVICTION and used > MAX_MEMORY_SHARE * limit:
        remedy = "Raise its maxmemory, or set maxmemory-policy volatile-lru."
        return Check("redis", "Redis", Status.WARN, value, f"Its policy is {policy}.", remedy, figures)
    return Check("redis", "Redis", Status.OK, value, figures=figures)
