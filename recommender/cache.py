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

from movierec.lines import REDIS
from recommender.link import CacheUnavailable, Link
from recommender.packed import BytesSerializer, RuledOut, Stamps, StoredList, pack_state, unpack_state

__all__ = ["BytesSerializer", "CacheUnavailable", "RuledOut", "Stamps", "StoredList"]  # and the functions below

STAMP_TTL = 30 * 86_400  # seconds; far beyond any list's life, so that a stamp outlives the lists it judges
HEARTBEAT_TTL = 10  # seconds
ALIVE_TTL = 7 * 86_400  # seconds that a process is remembered which has fallen silent
ANNOUNCEMENT_TTL = 120  # seconds
CHART_TTL = 3_600  # seconds
MARK_TTL = 10  # seconds: longer than reading the truth takes
TALLY_SPANS = {60: 2 * 3_600, 3_600: 8 * 86_400}  # seconds: length of a sum -> how long it is kept
PIPELINE = 10_000  # commands sent together

_MODEL, _EPOCH, _CATALOGUE, _ANNOUNCED = "model", "epoch", "catalogue", "model:announced"
_PROCESSES, _STOCKED, _ALIVE = "processes", "models:stocked", "alive"

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
_PUT_BACK = """
local held = redis.call('GET', KEYS[1])
if held == ARGV[3] or (tonumber(held or '') or math.huge) < (tonumber(ARGV[1]) or -1) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
_MARK = b"\0"  # begins a mark, and no model's name

_raise_epoch: Callable[[], int] | None = None
_active_model = ""  # as last read: lets `read` ask for its list in the same round trip


def on_new_server(raise_epoch: Callable[[], int]) -> None:
    """Wires the one thing the shelf cannot do itself: raise the epoch in Postgres, commit, and return it."""
    global _raise_epoch
    _raise_epoch = raise_epoch


def _distrust() -> None:
    if _raise_epoch is not None:
        publish_epoch(_raise_epoch())


_link = Link(_distrust)
REDIS.on_return.append(lambda: _link.verify_server())


def _key(name: str) -> str:
    return str(caches["lists"].make_key(name))


def _list_key(model: str, viewer_id: int) -> str:
    return f"viewer:{viewer_id}:list:{model}"


def _version_key(viewer_id: int) -> str:
    return f"viewer:{viewer_id}:version"


def _state_key(model: str, viewer_id: int) -> str:
    return f"user:{viewer_id}:embedding:{model}"


def _chart_key(name: str) -> str:
    return f"chart:{name}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _name(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) and not value.startswith(_MARK) else None


# The lists ----------------------------------------------------------------------------------------------------------


def read(viewer_id: int) -> tuple[Stamps, StoredList | None]:
    """The stamps and the viewer's list in one round trip; a second only just after the active model changed.

    The list is not judged here: ask `.valid(stamps)`.
    """
    global _active_model
    guess = _active_model
    names = [_MODEL, _EPOCH, _CATALOGUE, _version_key(viewer_id), _list_key(guess, viewer_id)]
    with _link.contact():
        found = caches["lists"].get_many(names)
        model = _name(found.get(_MODEL))
        packed = found.get(names[4])
        if model is not None and model != guess:
            _active_model = model
            packed = caches["lists"].get(_list_key(model, viewer_id))
    stamps = Stamps(model, *(_number(found.get(name)) for name in names[1:4]))
    return stamps, StoredList.unpack(packed)


def store_list(viewer_id: int, stored: StoredList) -> None:
    store_lists({viewer_id: stored})


def store_lists(lists: Mapping[int, StoredList]) -> None:
    """One pipeline. A key a model, so that the lists of the model to come lie beside those being served."""
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        for viewer_id, stored in lists.items():
            pipe.set(_key(_list_key(stored.model, viewer_id)), stored.pack(), ex=settings.LIST_TTL)
        _stock(pipe, {stored.model for stored in lists.values()})
        pipe.execute()


def _stock(pipe: Any, models: Iterable[str]) -> None:
    """Remembers under which models anything is stored of a viewer, so that erasing needs no scan."""
    for model in models:
        pipe.sadd(_key(_STOCKED), model)
    pipe.expire(_key(_STOCKED), STAMP_TTL)


def erase_viewer(viewer_id: int, known_models: Collection[str] = ()) -> None:
    """Forgets everything about one viewer. `known_models`: also those, should Redis have dropped its note of them."""
    with _link.contact() as redis:
        models = {model.decode() for model in redis.smembers(_key(_STOCKED))} | set(known_models)
        names = [_version_key(viewer_id)]
        names += [make(model, viewer_id) for model in models for make in (_list_key, _state_key)]
        caches["lists"].delete_many(names)


def forget_all() -> None:
    """Empties the shelf: the lists, and every stamp that would judge them."""
    with _link.contact():
        caches["lists"].clear()


def read_lists(model: str, viewer_ids: Sequence[int]) -> dict[int, StoredList]:
    """Viewer id -> the list under this model, of those that have one; not judged."""
    names = {_list_key(model, viewer_id): viewer_id for viewer_id in viewer_ids}
    with _link.contact():
        found = caches["lists"].get_many(list(names))
    lists = ((names[name], StoredList.unpack(value)) for name, value in found.items())
    return {viewer_id: stored for viewer_id, stored in lists if stored is not None}


def read_chart(name: str) -> StoredList | None:
    """A list for everyone; `name` says of what. Its epoch tells whether an import came since."""
    with _link.contact():
        return StoredList.unpack(caches["lists"].get(_chart_key(name)))


def store_chart(name: str, stored: StoredList) -> None:
    with _link.contact():
        caches["lists"].set(_chart_key(name), stored.pack(), CHART_TTL)


# User embeddings ----------------------------------------------------------------------------------------------------


def read_embedding(model: str, viewer_id: int, version: int) -> np.ndarray | None:
    """The model's state of the viewer (float32 [S]) at exactly this viewer version."""
    with _link.contact():
        value = caches["lists"].get(_state_key(model, viewer_id))
    return unpack_state(value, version)


def store_embedding(model: str, viewer_id: int, version: int, state: np.ndarray) -> None:
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.set(_key(_state_key(model, viewer_id)), pack_state(version, state), ex=settings.LIST_TTL)
        _stock(pipe, [model])
        pipe.execute()


# The stamps ---------------------------------------------------------------------------------------------------------


def _stamp_names(viewer_id: int) -> list[str]:
    return [_MODEL, _EPOCH, _CATALOGUE, _version_key(viewer_id)]


def mark_absent(viewer_id: int, stamps: Stamps) -> bytes:
    """Marks the stamps that are None, before the truth is read, so that `put_back` may put it there."""
    return _mark(name for name, known in zip(_stamp_names(viewer_id), stamps, strict=True) if known is None)


def mark_viewers(viewer_ids: Iterable[int], mark: bytes = b"") -> bytes:
    """`mark`: the caller's own of before, if nothing that was read under it is still to be put back."""
    return _mark(map(_version_key, viewer_ids), mark)


def _mark(names: Iterable[str], mark: bytes = b"") -> bytes:
    mark = mark or _MARK + os.urandom(16)
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.set(_key(name), mark, ex=MARK_TTL, nx=True)
        pipe.execute()
    return mark


def put_back(mark: bytes, viewer_id: int, truth: Stamps) -> None:
    """The truth as it was read after marking; stamps that are None in it are left alone."""
    model = None if truth.model is None else truth.model.encode()
    values = zip(_stamp_names(viewer_id), (model, *truth[1:]), strict=True)
    _run(_PUT_BACK, {name: value for name, value in values if value is not None}, mark)


def put_back_viewers(mark: bytes, versions: Mapping[int, int]) -> None:
    _run(_PUT_BACK, {_version_key(viewer_id): version for viewer_id, version in versions.items()}, mark)


def publish_viewers(versions: Mapping[int, int]) -> None:
    _run(_PUBLISH, {_version_key(viewer_id): version for viewer_id, version in versions.items()})


def publish_epoch(epoch: int) -> None:
    _run(_PUBLISH, {_EPOCH: epoch})


def publish_catalogue(version: int) -> None:
    _run(_PUBLISH, {_CATALOGUE: version})


def _run(script: str, values: Mapping[str, int | bytes], *more: bytes) -> None:
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        run = redis.register_script(script)
        for place, (name, value) in enumerate(values.items(), start=1):
            run(keys=[_key(name)], args=[value, STAMP_TTL, *more], client=pipe)
            if place % PIPELINE == 0 or place == len(values):
                pipe.execute()


def publish_model(name: str | None) -> None:
    """Points at the active model, or nowhere. For whoever holds the right to activate: it does not look at what is
    there."""
    with _link.contact() as redis:
        if name is None:
            caches["lists"].delete(_MODEL)
        else:
            redis.set(_key(_MODEL), name.encode(), ex=STAMP_TTL)


# Activation: who has loaded what ------------------------------------------------------------------------------------


def announce_model(name: str) -> None:
    """Asks every live process to load this model beside the one it serves."""
    with _link.contact():
        caches["lists"].set(_ANNOUNCED, name.encode(), ANNOUNCEMENT_TTL)


def announced() -> str | None:
    with _link.contact():
        return _name(caches["lists"].get(_ANNOUNCED))


def report_loaded(process: str, name: str) -> None:
    """A serving process's heartbeat and the newest model it holds ('' is none). Checks on the way that the server is
    the one known: a broken connection may have been replaced without anyone noticing."""
    with _link.contact() as redis:
        _link.verify_server()
        pipe = redis.pipeline(transaction=False)
        pipe.sadd(_key(_PROCESSES), process)
        pipe.expire(_key(_PROCESSES), STAMP_TTL)
        pipe.set(_key(f"process:{process}"), name.encode(), ex=HEARTBEAT_TTL)
        pipe.execute()


def loaded_by() -> dict[str, str]:
    """Live serving process -> the newest model it holds."""
    with _link.contact() as redis:
        known = sorted(member.decode() for member in redis.smembers(_key(_PROCESSES)))
        values = redis.mget([_key(f"process:{process}") for process in known]) if known else []
        loaded = {process: value.decode() for process, value in zip(known, values, strict=True) if value is not None}
        if len(loaded) < len(known):
            redis.srem(_key(_PROCESSES), *(set(known) - set(loaded)))
    return loaded


# Signs of life -------------------------------------------------------------------------------------------------------

# By Redis' own clock, so that machines whose clocks differ are judged alike.
_TELL = """
local now = redis.call('TIME')[1]
for n = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[n]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def tell_alive(kinds: Iterable[str], process: str) -> None:
    """Notes that this process does these kinds of work now. It trusts nothing that Redis holds, so it needs no known
    server: called where no query to Postgres may follow."""
    try:
        client = _link.client()
        client.eval(_TELL, 1, _key(_ALIVE), ALIVE_TTL, *(f"{kind} {process}" for kind in kinds))
    except (RedisError, OSError) as error:
        raise CacheUnavailable(f"Redis took no sign of life: {error}") from error


def signs_of_life() -> dict[str, dict[str, float]]:
    """Kind of work -> process -> seconds since it was last heard of; nothing older than ALIVE_TTL."""
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.time()
        pipe.zrange(_key(_ALIVE), 0, -1, withscores=True)
        (now, micro), found = pipe.execute()
    ages: dict[str, dict[str, float]] = {}
    for member, told_at in found:
        kind, _, process = member.decode().partition(" ")
        ages.setdefault(kind, {})[process] = max(0.0, now + micro / 1e6 - told_at)
    return ages


# What was answered: sums over all processes -------------------------------------------------------------------------


def _tally_key(span: int, at: int) -> str:
    return f"tally:{span}:{at // span}"


def add_tally(at: int, counts: Mapping[str, int]) -> None:
    """Adds to the sums of the minute and of the hour of `at`, unix seconds."""
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        for span, life in TALLY_SPANS.items():
            key = _key(_tally_key(span, at))
            for name, count in counts.items():
                pipe.hincrby(key, name, count)
            pipe.expire(key, life)
        pipe.execute()


def read_tally(at: int, span: int, count: int) -> list[dict[str, int]]:
    """The `count` sums of that span up to the one of `at`, the oldest first."""
    with _link.contact() as redis:
        pipe = redis.pipeline(transaction=False)
        for back in reversed(range(count)):
            pipe.hgetall(_key(_tally_key(span, at - back * span)))
        return [{name.decode(): int(number) for name, number in found.items()} for found in pipe.execute()]
