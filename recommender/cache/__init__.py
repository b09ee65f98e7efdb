"""The list shelf: the only file that names a Redis key.

Redis holds no truth. Every value has a TTL, a corrupt or foreign value is a miss, and an absent stamp is None: the
caller then reads the truth from Postgres and puts it back. Every function raises CacheUnavailable when Redis
does not answer or refuses. Where Redis is another server than before, the epoch is raised in Postgres before anything
read from it is trusted.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.conf import settings
from django.core.cache import caches
from redis.exceptions import RedisError

from infrastructure.connectivity import REDIS
from recommender.cache.codec import (
    BytesSerializer,
    ExclusionCounts,
    StoredList,
    Versions,
    pack_embedding,
    unpack_embedding,
)
from recommender.cache.connection import CacheUnavailable, RedisConnection

__all__ = [
    "BytesSerializer",
    "CacheUnavailable",
    "ExclusionCounts",
    "StoredList",
    "Versions",
]  # and the functions below

VERSION_TTL = 30 * 86_400  # seconds; far beyond any list's life, so that a stamp outlives the lists it judges
LOADED_MODEL_TTL = 10  # seconds
SILENT_PROCESS_TTL = 7 * 86_400  # seconds that a process is remembered which has fallen silent
ANNOUNCEMENT_TTL = 120  # seconds
CHART_TTL = 3_600  # seconds
RESERVATION_TTL = 10  # seconds: longer than reading the truth takes
COUNTER_BUCKETS = {60: 2 * 3_600, 3_600: 8 * 86_400}  # seconds: length of a sum -> how long it is kept
MAX_PIPELINE = 10_000  # commands sent together

_MODEL, _EPOCH, _CATALOGUE, _NEXT_MODEL = "model", "epoch", "catalogue", "model:announced"
_PROCESSES, _MODELS_WITH_LISTS, _HEARTBEATS = "processes", "models:stocked", "alive"

# A stamp only grows, and an absent one is not put there by a publisher: one that was overtaken by another, whose number
# was then evicted, would bring an older truth back. It takes away the mark of whoever is reading the truth meanwhile.
_PUBLISH = """
local held = redis.call('GET', KEYS[1])
if not held then return end
local number = tonumber(held)
if not number then redis.call('DEL', KEYS[1])
elseif number < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
else redis.call('EXPIRE', KEYS[1], ARGV[2]) end
"""
# The truth read after the mark was set is the truth still if the mark is there still. A number may be raised anyway.
_FILL_RESERVED = """
local held = redis.call('GET', KEYS[1])
if held == ARGV[3] or (tonumber(held or '') or math.huge) < (tonumber(ARGV[1]) or -1) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
_TOKEN_PREFIX = b"\0"  # begins a mark, and no model's name

_bump_epoch: Callable[[], int] | None = None
_active_model = ""  # as last read: lets `read` ask for its list in the same round trip


def set_epoch_bumper(bump_epoch: Callable[[], int]) -> None:
    """Wires the one thing the shelf cannot do itself: raise the epoch in Postgres, commit, and return it."""
    global _bump_epoch
    _bump_epoch = bump_epoch


def _invalidate_all() -> None:
    if _bump_epoch is not None:
        publish_epoch(_bump_epoch())


_connection = RedisConnection(_invalidate_all)
REDIS.on_recovery.append(lambda: _connection.verify_server())


def _key(name: str) -> str:
    return str(caches["lists"].make_key(name))


def _list_key(model: str, viewer_id: int) -> str:
    return f"viewer:{viewer_id}:list:{model}"


def _version_key(viewer_id: int) -> str:
    return f"viewer:{viewer_id}:version"


def _embedding_key(model: str, viewer_id: int) -> str:
    return f"user:{viewer_id}:embedding:{model}"


def _chart_key(name: str) -> str:
    return f"chart:{name}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _name(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) and not value.startswith(_TOKEN_PREFIX) else None


# The lists ----------------------------------------------------------------------------------------------------------


def read_list_and_versions(viewer_id: int) -> tuple[Versions, StoredList | None]:
    """The stamps and the viewer's list in one round trip; a second only just after the active model changed.

    The list is not judged here: ask `.valid(stamps)`.
    """
    global _active_model
    guess = _active_model
    names = [_MODEL, _EPOCH, _CATALOGUE, _version_key(viewer_id), _list_key(guess, viewer_id)]
    with _connection.checked_client():
        found = caches["lists"].get_many(names)
        model = _name(found.get(_MODEL))
        packed = found.get(names[4])
        if model is not None and model != guess:
            _active_model = model
            packed = caches["lists"].get(_list_key(model, viewer_id))
    stamps = Versions(model, *(_number(found.get(name)) for name in names[1:4]))
    return stamps, StoredList.unpack(packed)


def store_list(viewer_id: int, stored: StoredList) -> None:
    store_lists({viewer_id: stored})


def store_lists(lists: Mapping[int, StoredList]) -> None:
    """One pipeline. A key a model, so that the lists of the model to come lie beside those being served."""
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for viewer_id, stored in lists.items():
            pipe.set(_key(_list_key(stored.model, viewer_id)), stored.pack(), ex=settings.LIST_TTL)
        _remember_models(pipe, {stored.model for stored in lists.values()})
        pipe.execute()


def _remember_models(pipe: Any, models: Iterable[str]) -> None:
    """Remembers under which models anything is stored of a viewer, so that erasing needs no scan."""
    for model in models:
        pipe.sadd(_key(_MODELS_WITH_LISTS), model)
    pipe.expire(_key(_MODELS_WITH_LISTS), VERSION_TTL)


def erase_viewer(viewer_id: int, known_models: Collection[str] = ()) -> None:
    """Forgets everything about one viewer. `known_models`: also those, should Redis have dropped its note of them."""
    with _connection.checked_client() as redis:
        models = {model.decode() for model in redis.smembers(_key(_MODELS_WITH_LISTS))} | set(known_models)
        names = [_version_key(viewer_id)]
        names += [make(model, viewer_id) for model in models for make in (_list_key, _embedding_key)]
        caches["lists"].delete_many(names)


def delete_all() -> None:
    """Empties the shelf: the lists, and every stamp that would judge them."""
    with _connection.checked_client():
        caches["lists"].clear()


def read_lists(model: str, viewer_ids: Sequence[int]) -> dict[int, StoredList]:
    """Viewer id -> the list under this model, of those that have one; not judged."""
    names = {_list_key(model, viewer_id): viewer_id for viewer_id in viewer_ids}
    with _connection.checked_client():
        found = caches["lists"].get_many(list(names))
    lists = ((names[name], StoredList.unpack(value)) for name, value in found.items())
    return {viewer_id: stored for viewer_id, stored in lists if stored is not None}


def read_chart(name: str) -> StoredList | None:
    """A list for everyone; `name` says of what. Its epoch tells whether an import came since."""
    with _connection.checked_client():
        return StoredList.unpack(caches["lists"].get(_chart_key(name)))


def store_chart(name: str, stored: StoredList) -> None:
    with _connection.checked_client():
        caches["lists"].set(_chart_key(name), stored.pack(), CHART_TTL)


# User embeddings ----------------------------------------------------------------------------------------------------


def read_embedding(model: str, viewer_id: int, version: int) -> np.ndarray | None:
    """The model's state of the viewer (float32 [S]) at exactly this viewer version."""
    with _connection.checked_client():
        value = caches["lists"].get(_embedding_key(model, viewer_id))
    return unpack_embedding(value, version)


def store_embedding(model: str, viewer_id: int, version: int, embedding: np.ndarray) -> None:
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.set(_key(_embedding_key(model, viewer_id)), pack_embedding(version, embedding), ex=settings.LIST_TTL)
        _remember_models(pipe, [model])
        pipe.execute()


# The stamps ---------------------------------------------------------------------------------------------------------


def _version_names(viewer_id: int) -> list[str]:
    return [_MODEL, _EPOCH, _CATALOGUE, _version_key(viewer_id)]


def reserve_missing_versions(viewer_id: int, versions: Versions) -> bytes:
    """Marks the stamps that are None, before the truth is read, so that `put_back` may put it there."""
    return _reserve(name for name, known in zip(_version_names(viewer_id), versions, strict=True) if known is None)


def reserve_viewer_versions(viewer_ids: Iterable[int], token: bytes = b"") -> bytes:
    """`mark`: the caller's own of before, if nothing that was read under it is still to be put back."""
    return _reserve(map(_version_key, viewer_ids), token)


def _reserve(names: Iterable[str], token: bytes = b"") -> bytes:
    token = token or _TOKEN_PREFIX + os.urandom(16)
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.set(_key(name), token, ex=RESERVATION_TTL, nx=True)
        pipe.execute()
    return token


def fill_reserved_versions(token: bytes, viewer_id: int, versions: Versions) -> None:
    """The truth as it was read after marking; stamps that are None in it are left alone."""
    model = None if versions.model is None else versions.model.encode()
    values = zip(_version_names(viewer_id), (model, *versions[1:]), strict=True)
    _run(_FILL_RESERVED, {name: value for name, value in values if value is not None}, token)


def fill_reserved_viewer_versions(token: bytes, versions: Mapping[int, int]) -> None:
    _run(_FILL_RESERVED, {_version_key(viewer_id): version for viewer_id, version in versions.items()}, token)


def publish_viewer_versions(versions: Mapping[int, int]) -> None:
    _run(_PUBLISH, {_version_key(viewer_id): version for viewer_id, version in versions.items()})


def publish_epoch(epoch: int) -> None:
    _run(_PUBLISH, {_EPOCH: epoch})


def publish_catalogue_version(version: int) -> None:
    _run(_PUBLISH, {_CATALOGUE: version})


def _run(script: str, values: Mapping[str, int | bytes], *more: bytes) -> None:
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        run = redis.register_script(script)
        for place, (name, value) in enumerate(values.items(), start=1):
            run(keys=[_key(name)], args=[value, VERSION_TTL, *more], client=pipe)
            if place % MAX_PIPELINE == 0 or place == len(values):
                pipe.execute()


def publish_model(name: str | None) -> None:
    """Points at the active model, or nowhere. For whoever holds the right to activate: it does not look at what is
    there."""
    with _connection.checked_client() as redis:
        if name is None:
            caches["lists"].delete(_MODEL)
        else:
            redis.set(_key(_MODEL), name.encode(), ex=VERSION_TTL)


# Activation: who has loaded what ------------------------------------------------------------------------------------


def announce_next_model(name: str) -> None:
    """Asks every live process to load this model beside the one it serves."""
    with _connection.checked_client():
        caches["lists"].set(_NEXT_MODEL, name.encode(), ANNOUNCEMENT_TTL)


def next_model() -> str | None:
    with _connection.checked_client():
        return _name(caches["lists"].get(_NEXT_MODEL))


def report_loaded_model(process: str, name: str) -> None:
    """A serving process's heartbeat and the newest model it holds ('' is none). Checks on the way that the server is
    the one known: a broken connection may have been replaced without anyone noticing."""
    with _connection.checked_client() as redis:
        _connection.verify_server()
        pipe = redis.pipeline(transaction=False)
        pipe.sadd(_key(_PROCESSES), process)
        pipe.expire(_key(_PROCESSES), VERSION_TTL)
        pipe.set(_key(f"process:{process}"), name.encode(), ex=LOADED_MODEL_TTL)
        pipe.execute()


def models_by_process() -> dict[str, str]:
    """Live serving process -> the newest model it holds."""
    with _connection.checked_client() as redis:
        known = sorted(member.decode() for member in redis.smembers(_key(_PROCESSES)))
        values = redis.mget([_key(f"process:{process}") for process in known]) if known else []
        loaded = {process: value.decode() for process, value in zip(known, values, strict=True) if value is not None}
        if len(loaded) < len(known):
            redis.srem(_key(_PROCESSES), *(set(known) - set(loaded)))
    return loaded


# Signs of life -------------------------------------------------------------------------------------------------------

# By Redis' own clock, so that machines whose clocks differ are judged alike.
_RECORD_HEARTBEAT = """
local now = redis.call('TIME')[1]
for n = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[n]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def record_heartbeat(kinds: Iterable[str], process: str) -> None:
    """Notes that this process does these kinds of work now. It trusts nothing that Redis holds, so it needs no known
    server: called where no query to Postgres may follow."""
    try:
        client = _connection.client()
        client.eval(
            _RECORD_HEARTBEAT, 1, _key(_HEARTBEATS), SILENT_PROCESS_TTL, *(f"{kind} {process}" for kind in kinds)
        )
    except (RedisError, OSError) as error:
        raise CacheUnavailable(f"Redis took no sign of life: {error}") from error


def heartbeat_ages() -> dict[str, dict[str, float]]:
    """Kind of work -> process -> seconds since it was last heard of; nothing older than ALIVE_TTL."""
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.time()
        pipe.zrange(_key(_HEARTBEATS), 0, -1, withscores=True)
        (now, micro), found = pipe.execute()
    ages: dict[str, dict[str, float]] = {}
    for member, told_at in found:
        kind, _, process = member.decode().partition(" ")
        ages.setdefault(kind, {})[process] = max(0.0, now + micro / 1e6 - told_at)
    return ages


# What was answered: sums over all processes -------------------------------------------------------------------------


def _counters_key(span: int, at: int) -> str:
    return f"tally:{span}:{at // span}"


def add_counters(at: int, counts: Mapping[str, int]) -> None:
    """Adds to the sums of the minute and of the hour of `at`, unix seconds."""
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for span, life in COUNTER_BUCKETS.items():
            key = _key(_counters_key(span, at))
            for name, count in counts.items():
                pipe.hincrby(key, name, count)
            pipe.expire(key, life)
        pipe.execute()


def read_counters(at: int, span: int, count: int) -> list[dict[str, int]]:
    """The `count` sums of that span up to the one of `at`, the oldest first."""
    with _connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for back in reversed(range(count)):
            pipe.hgetall(_key(_counters_key(span, at - back * span)))
        return [{name.decode(): int(number) for name, number in found.items()} for found in pipe.execute()]
