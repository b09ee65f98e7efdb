"""Postgres and Redis, each asked on a connection of its own that waits for seconds at most: a server that is frozen
must not freeze whoever asks how it is."""

from dataclasses import dataclass

import psycopg
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infrastructure import disk_space
from recommender import cache
from recommender.monitoring.checks import Check, Status

CONNECT_SECONDS = 2
ANSWER_SECONDS = 1.0
FRESH_SECONDS = 120.0  # seconds after its start in which Redis may not have heard of everyone yet
MAX_MEMORY_SHARE = 0.9  # of maxmemory, where nothing may be evicted
QUEUES = ("light", "batch", "training")
NO_EVICTION = "noeviction"


@dataclass(frozen=True, slots=True)
class RedisState:
    check: Check
    answers: bool
    is_fresh: bool  # it has just been started, so that what it does not know means nothing
    queue_lengths: dict[str, int]  # queue -> messages


def check_postgres(full_disk_refusals: int) -> Check:
    """`refused_full`: calls of the last minutes that its full disk refused, as another machine's is not seen."""
    params = connection.get_connection_params() | {"connect_timeout": CONNECT_SECONDS, "autocommit": True}
    label = "Postgres"
    try:
        with psycopg.connect(**{name: value for name, value in params.items() if name != "cursor_factory"}) as own:
            row = own.execute("SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')").fetchone()
    except psycopg.Error as error:
        folder = settings.WRITTEN_FOLDERS.get("database")
        words = disk_space.disk_full_message(folder) if folder and disk_space.is_full(folder) else str(error).strip()
        remedy = "Start it (docs/operations.md, Incidents). Clients send refused events again."
        return Check("postgres", label, Status.FAIL, "does not answer", words, remedy)
    if full_disk_refusals:
        words = f"{full_disk_refusals:,} calls of the last 10 minutes were refused, as its disk is full."
        return Check("postgres", label, Status.FAIL, "disk full", words, "Make room on the disk of the database.")
    if row is not None and (row[0] or row[1] == "on"):
        remedy = "Point DATABASE_URL at the primary; see to its disk, then to default_transaction_read_only."
        return Check("postgres", label, Status.FAIL, "read-only", "It takes no writes: events are refused.", remedy)
    return Check("postgres", label, Status.OK, "answers")


def check_redis() -> RedisState:
    retry = Retry(NoBackoff(), 0)
    how = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS, "retry": retry}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **how) as client:
            pipe = client.pipeline(transaction=False)
            pipe.info("server")
            pipe.info("memory")
            for queue in QUEUES:
                pipe.llen(queue)
            server, memory, *lengths = pipe.execute()
    except (RedisError, OSError) as error:
        remedy = "Start it: empty is fine. Lists are computed at every read meanwhile, and nothing is queued."
        failed = Check("redis", "Redis", Status.FAIL, "does not answer", str(error), remedy)
        return RedisState(failed, answers=False, is_fresh=False, queue_lengths={})
    waiting = dict(zip(QUEUES, (int(one) for one in lengths), strict=True))
    return RedisState(_check_memory(memory), True, server["uptime_in_seconds"] < FRESH_SECONDS, waiting)


def _check_memory(memory: dict[str, float | str]) -> Check:
    used, most, policy = float(memory["used_memory"]), float(memory["maxmemory"]), str(memory["maxmemory_policy"])
    figures = {"used_bytes": used, "max_bytes": most}
    value = f"{disk_space.format_bytes(used)} used" + (f" of {disk_space.format_bytes(most)}" if most else "")
    try:
        cache.record_heartbeat(["judged"], "here")  # a write, as any other
    except cache.CacheUnavailable as error:
        trouble = disk_space.storage_problem(error)
        words, remedy = (trouble.message, "") if trouble else (str(error), "See to its log and its memory.")
        return Check("redis", "Redis", Status.FAIL, "refuses writes", words, remedy, figures)
    if most and policy == NO_EVICTION and used > MAX_MEMORY_SHARE * most:
        remedy = "Raise its maxmemory, or set maxmemory-policy volatile-lru."
        return Check("redis", "Redis", Status.WARN, value, f"Its policy is {policy}.", remedy, figures)
    return Check("redis", "Redis", Status.OK, value, figures=figures)
