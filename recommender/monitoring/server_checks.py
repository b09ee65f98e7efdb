"""Check Postgres and Redis, each on a connection of its own with short timeouts: a frozen server must not freeze the
check."""

from dataclasses import dataclass

import psycopg
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infrastructure import disk_space
from infrastructure.disk_space import format_bytes
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


def check_redis() -> RedisState:
    """Check that Redis answers, takes writes and has memory left, and read the lengths of the queues."""
    timeouts = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **timeouts) as client:
            pipe = client.pipeline(transaction=False)
            pipe.info("server")
            pipe.info("memory")
            for queue in QUEUES:
                pipe.llen(queue)
            server, memory, *lengths = pipe.execute()
    except (RedisError, OSError) as error:
        remedy = "Start it: empty is fine. Lists are computed at every read meanwhile, and nothing is queued."
        check = Check("redis", "Redis", Status.FAIL, "does not answer", str(error), remedy)
        return RedisState(check, answers=False, is_fresh=False, queue_lengths={})
    queue_lengths = {queue: int(length) for queue, length in zip(QUEUES, lengths, strict=True)}
    is_fresh = server["uptime_in_seconds"] < FRESH_SECONDS
    return RedisState(_check_memory(memory), answers=True, is_fresh=is_fresh, queue_lengths=queue_lengths)


def _check_memory(memory: dict[str, float | str]) -> Check:
    """Check that Redis takes a write, and how much of its memory is used, from its INFO section "memory"."""
    used, limit, policy = float(memory["used_memory"]), float(memory["maxmemory"]), str(memory["maxmemory_policy"])
    figures = {"used_bytes": used, "max_bytes": limit}
    value = f"{format_bytes(used)} used" + (f" of {format_bytes(limit)}" if limit else "")
    try:
        cache.record_heartbeat(["judged"], "here")  # a write like any other
    except cache.CacheUnavailable as error:
        problem = disk_space.storage_problem(error)
        detail, remedy = (problem.message, "") if problem else (str(error), "See to its log and its memory.")
        return Check("redis", "Redis", Status.FAIL, "refuses writes", detail, remedy, figures)
    if limit and policy == NO_EVICTION and used > MAX_MEMORY_SHARE * limit:
        remedy = "Raise its maxmemory, or set maxmemory-policy volatile-lru."
        return Check("redis", "Redis", Status.WARN, value, f"Its policy is {policy}.", remedy, figures)
    return Check("redis", "Redis", Status.OK, value, figures=figures)
