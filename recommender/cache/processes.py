"""What other processes are doing: which model each serves, which one is about to go live, and who was heard of when."""

from collections.abc import Iterable

from redis.exceptions import RedisError

from recommender.cache.connection import CacheUnavailable, redis_connection
from recommender.cache.keys import HEARTBEATS, NEXT_MODEL, PROCESSES, as_name, full_key, loaded_model_key
from recommender.cache.scripts import Script, evaluate
from recommender.cache.versions import VERSION_TTL

LOADED_MODEL_TTL = 10  # seconds
ANNOUNCEMENT_TTL = 120  # seconds
SILENT_PROCESS_TTL = 7 * 86_400  # seconds that a process is remembered which has fallen silent

_READ_HEARTBEATS = Script.of("return {redis.call('TIME'), redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}")
# By Redis' own clock, so that machines whose clocks differ are judged alike.
_RECORD_HEARTBEAT = """
local now = redis.call('TIME')[1]
for n = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[n]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def announce_next_model(name: str) -> None:
    """Ask every serving process to load this model beside the one it serves."""
    with redis_connection.checked_client() as redis:
        redis.set(full_key(NEXT_MODEL), name.encode(), ex=ANNOUNCEMENT_TTL)


def next_model() -> str | None:
    """Return the model that was announced last; None when none was within ANNOUNCEMENT_TTL."""
    with redis_connection.checked_client() as redis:
        return as_name(redis.get(full_key(NEXT_MODEL)))


def report_loaded_model(process: str, name: str) -> None:
    """Report that a serving process is up, and the newest model it holds ('' for none).

    Checks on the way that the server is the one known: a broken connection may have been replaced unnoticed.
    """
    with redis_connection.checked_client() as redis:
        redis_connection.verify_server()
        pipe = redis.pipeline(transaction=False)
        pipe.sadd(full_key(PROCESSES), process)
        pipe.expire(full_key(PROCESSES), VERSION_TTL)
        pipe.set(full_key(loaded_model_key(process)), name.encode(), ex=LOADED_MODEL_TTL)
        pipe.execute()


def models_by_process() -> dict[str, str]:
    """Return the newest model that each live serving process holds ('' for none), by the process's name."""
    with redis_connection.checked_client() as redis:
        known = sorted(member.decode() for member in redis.smembers(full_key(PROCESSES)))
        values = redis_connection.read_values([full_key(loaded_model_key(process)) for process in known])
        loaded = {process: value.decode() for process, value in zip(known, values, strict=True) if value is not None}
        if len(loaded) < len(known):
            redis.srem(full_key(PROCESSES), *(set(known) - set(loaded)))
    return loaded


def record_heartbeat(kinds: Iterable[str], process: str) -> None:
    """Record that this process does these kinds of work now.

    Trusts nothing that Redis holds, so it needs no known server: it may be called where no query may follow.
    """
    members = [f"{kind} {process}" for kind in kinds]
    try:
        redis_connection.client().eval(_RECORD_HEARTBEAT, 1, full_key(HEARTBEATS), SILENT_PROCESS_TTL, *members)
    except (RedisError, OSError) as error:
        raise CacheUnavailable(f"Redis took no heartbeat: {error}") from error


def heartbeat_ages() -> dict[str, dict[str, float]]:
    """Return kind of work -> process -> seconds since its last heartbeat, none older than SILENT_PROCESS_TTL."""
    (seconds, micro), members = evaluate(_READ_HEARTBEATS, [full_key(HEARTBEATS)])
    now = int(seconds) + int(micro) / 1e6
    ages: dict[str, dict[str, float]] = {}
    for member, recorded_at in zip(members[::2], members[1::2], strict=True):
        kind, _, process = member.decode().partition(" ")
        ages.setdefault(kind, {})[process] = max(0.0, now - float(recorded_at))
    return ages
