"""Check Postgres and Redis, each on a connection of its own with short timeouts: a frozen server must not freeze the
check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from redis.exceptions import RedisError

from catalog.plurals import count_noun
from infrastructure import disk_space, read_replica
from infrastructure.disk_space import format_bytes
from infrastructure.redis_address import RedisAddress
from infrastructure.shared_settings import describe_differences, find_differences
from recommender import cache
from recommender.monitoring.checks import Check, Status, format_duration

CONNECT_SECONDS = 2
ANSWER_SECONDS = 1.0
TIMEOUTS = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
FRESH_SECONDS = 120.0  # after its start Redis may not have heard of every process yet
MAX_LAG_SECONDS = 30.0  # of a replica
MAX_MEMORY_SHARE = 0.9  # of maxmemory, where nothing may be evicted
QUEUES = ("light", "batch", "training")
NO_EVICTION = "noeviction"
# A replica that has replayed all is not behind, whenever the last transaction was.
_LAG = """SELECT pg_is_in_recovery(), greatest(lag, 0),
      CASE WHEN lag <= 0 THEN 0 ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END
    FROM (SELECT coalesce(pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn()), 0) AS lag) AS l"""
START = "Start it, or restart it if it runs and hangs"


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
    question = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"
    try:
        row = _ask_postgres(DEFAULT_DB_ALIAS, question)
    except psycopg.Error as error:
        folder = settings.WRITTEN_FOLDERS.get("database")
        detail = disk_space.disk_full_message(folder) if folder and disk_space.is_full(folder) else str(error).strip()
        remedy = f"{START} (docs/operations.md, Incidents). Clients send refused events again."
        return Check(name, label, Status.FAIL, "does not answer", detail, remedy)
    if full_disk_refusals:
        refused = count_noun(full_disk_refusals, "call was refused", "calls were refused")
        detail = f"In the last 10 minutes {refused}, as its disk is full."
        return Check(
            name,
            label,
            Status.FAIL,
            "disk full",
            detail,
            "Make room there: old backups and logs (docs/operations.md, Incidents).",
        )
    if row is not None and (row[0] or row[1] == "on"):
        remedy = "Point DATABASE_URL at the primary; see to its disk, then to default_transaction_read_only."
        return Check(name, label, Status.FAIL, "read-only", "It takes no writes: events are refused.", remedy)
    return Check(name, label, Status.OK, "answers")


def check_replica() -> list[Check]:
    """Check that the replica answers, is one, and lags by little; nothing where there is none."""
    if not read_replica.is_configured():
        return []
    name, label = "replica", "Replica of Postgres"
    [position] = _ask_postgres(DEFAULT_DB_ALIAS, "SELECT pg_current_wal_lsn()::text")
    remedy = "Start it, or take DATABASE_REPLICA_URL away. What it would serve is read from the primary meanwhile."
    try:
        is_replica, behind, seconds = _ask_postgres(read_replica.ALIAS, _LAG, [position])
    except psycopg.Error as error:
        return [Check(name, label, Status.FAIL, "does not answer", str(error).strip(), remedy)]
    if not is_replica:
        detail = "It takes writes, so it follows no primary any more."
        return [Check(name, label, Status.FAIL, "is no replica", detail, remedy)]
    figures = {"lag_bytes": float(behind), "lag_seconds": float(seconds)}
    value = f"{format_duration(seconds)} behind" if seconds >= 1 else "follows"
    if seconds > MAX_LAG_SECONDS:
        detail = f"It has {format_bytes(behind)} to replay. The primary is read meanwhile."
        remedy = "Look at its load, its disk and the connection to the primary."
        return [Check(name, label, Status.WARN, value, detail, remedy, figures)]
    return [Check(name, label, Status.OK, value, figures=figures)]


def _ask_postgres(alias: str, statement: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the row of a statement, over a connection of its own. Raises psycopg.Error."""
    params = connections[alias].get_connection_params() | {"connect_timeout": CONNECT_SECONDS, "autocommit": True}
    params.pop("cursor_factory", None)
    params.pop("pool", None)
    with psycopg.connect(**params) as probe:
        return probe.execute(statement, parameters).fetchone()


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
            infos += _read_infos(address)
            queue_lengths |= _read_queue_lengths() if "queues" in names else {}
        except (RedisError, OSError) as error:
            detail = str(error) if len(uses) == 1 else f"The one of {' and '.join(names)}: {error}"
            remedy = f"{START}: empty is fine. Lists are computed at every read meanwhile, and nothing is queued."
            check = Check("redis", "Redis", Status.FAIL, "does not answer", detail, remedy)
            return RedisState(check, answers=False, is_fresh=False, queue_lengths={})
    is_fresh = infos[0]["uptime_in_seconds"] < FRESH_SECONDS  # the lists' one, or one of their cluster
    checks = [_check_writes() or _check_memory(infos[0]), *map(_check_memory, infos[1:])]
    check = max(checks, key=lambda check: list(Status).index(check.status))
    return RedisState(check, answers=True, is_fresh=is_fresh, queue_lengths=queue_lengths)


def _read_infos(address: RedisAddress) -> list[dict[str, Any]]:
    """Return the sections "server" and "memory" of INFO, of one server or of each master of a cluster."""
    infos = []
    with address.servers(**TIMEOUTS) as servers:
        for server in servers:
            pipe = server.pipeline(transaction=False)
            pipe.info("server")
            pipe.info("memory")
            sections = pipe.execute()
            infos.append(sections[0] | sections[1])
    return infos


def _read_queue_lengths() -> dict[str, int]:
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    with settings.BROKER_REDIS.servers(**TIMEOUTS) as [client]:
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
        detail, remedy = (
            (problem.message, "") if problem else (str(error), "Its log says why: see to its memory and its disk.")
        )
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
