"""The list shelf: the only file that names a Redis key.

Redis holds no truth. Every value has a TTL, a corrupt or foreign value is a miss, and an absent stamp is None: the
caller then reads the truth from Postgres and publishes it back. Every function raises CacheUnavailable when Redis
does not answer or refuses; after a lost connection all calls fail at once, without waiting, until a probe (one a
second) reaches it again. If the server found then is another one than before (restarted, failed over to a copy that
may lag), the epoch is raised in Postgres before anything read from it is trusted.
"""

import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

STAMP_TTL = 30 * 86_400  # seconds; far beyond any list's life, so that a stamp outlives the lists it judges
HEARTBEAT_TTL = 10  # seconds
ANNOUNCEMENT_TTL = 120  # seconds
POPULAR_TTL = 3_600  # seconds
PROBE_SECONDS = 1.0
PIPELINE = 10_000  # commands sent together

_MODEL, _EPOCH, _CATALOGUE, _ANNOUNCED = "model", "epoch", "catalogue", "model:announced"
_PROCESSES, _STOCKED = "processes", "models:stocked"
_LIST = struct.Struct("<4sBqqqHB")  # magic, format, epoch, viewer version, made_at, films, bytes of the model's name
_STATE = struct.Struct("<4sBq")  # magic, format, viewer version
_LIST_MAGIC, _STATE_MAGIC, _FORMAT = b"mrl\x00", b"mru\x00", 1

# A stamp only grows: a publisher that was overtaken must not put an older number back.
_PUBLISH_MAX = """
local stored = tonumber(redis.call('GET', KEYS[1]) or '') or -1
if tonumber(ARGV[1]) > stored then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
else redis.call('EXPIRE', KEYS[1], ARGV[2]) end
"""


class CacheUnavailable(Exception):
    """Redis did not answer, or refused the command. Nothing is known to have been read or written."""


class BytesSerializer(BaseSerializer):
    """django-redis keeps ints native; everything else here is bytes already."""

    def dumps(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise TypeError(f"The list cache stores bytes and ints, not {type(value).__name__}: pack it first.")
        return value

    def loads(self, value: bytes) -> bytes:
        return value


class Stamps(NamedTuple):
    """What is true now, as far as Redis knows; None is unknown and matches nothing."""

    model: str | None
    epoch: int | None
    catalogue: int | None
    viewer: int | None


class StoredList(NamedTuple):
    """Films best first with their scores, and the stamps of the facts they come from. `made_at`: unix seconds."""

    model: str
    epoch: int
    viewer_version: int
    movie_ids: np.ndarray  # int32 [n]
    scores: np.ndarray  # float32 [n]
    made_at: int

    def valid(self, stamps: Stamps) -> bool:
        return (self.model, self.epoch, self.viewer_version) == (stamps.model, stamps.epoch, stamps.viewer)

    def pack(self) -> bytes:
        name = self.model.encode()
        head = _LIST.pack(
            _LIST_MAGIC, _FORMAT, self.epoch, self.viewer_version, self.made_at, len(self.movie_ids), len(name)
        )
        ids, scores = np.asarray(self.movie_ids, "<i4"), np.asarray(self.scores, "<f4")
        return b"".join((head, name, ids.tobytes(), scores.tobytes()))

    @classmethod
    def unpack(cls, value: Any) -> "StoredList | None":
        if not isinstance(value, bytes) or len(value) < _LIST.size:
            return None
        magic, layout, epoch, viewer_version, made_at, count, name_length = _LIST.unpack_from(value)
        ids_at = _LIST.size + name_length
        if magic != _LIST_MAGIC or layout != _FORMAT or len(value) != ids_at + 8 * count:
            return None
        return cls(
            model=value[_LIST.size : ids_at].decode(errors="replace"),
            epoch=epoch,
            viewer_version=viewer_version,
            movie_ids=np.frombuffer(value, "<i4", count, ids_at),
            scores=np.frombuffer(value, "<f4", count, ids_at + 4 * count),
            made_at=made_at,
        )


class _Link:
    """This process's view of the Redis server."""

    def __init__(self) -> None:
        self.lost = False
        self.server: str | None = None  # identity of the server whose contents are trusted
        self.probe_at = 0.0  # monotonic seconds
        self.raise_epoch: Callable[[], int] | None = None
        self.model = ""  # the active model as last read: lets `read` ask for its list in the same round trip
        self.lock = threading.RLock()
        self.restoring = False  # by the thread that has the lock: what it publishes meanwhile goes through

    def probe(self) -> None:
        with self.lock:
            if self.restoring or (self.server is not None and not self.lost):  # or another thread was faster
                return
            now = time.monotonic()
            if now < self.probe_at:
                raise CacheUnavailable("Redis was lost less than a second ago; it is asked again shortly.")
            self.probe_at = now + PROBE_SECONDS
            with _translated():
                self.verify_server()
            self.probe_at = 0.0

    def verify_server(self) -> None:
        """Raises the epoch if another server answers than the one known: its contents may be older."""
        with self.lock:
            redis = _redis()
            server = f"{redis.info('server')['run_id']} {redis.info('replication').get('master_replid')}"
            if self.server not in (None, server) and self.raise_epoch is not None:
                self.lost = self.restoring = True  # until the new epoch is out, no other thread reads from this server
                try:
                    redis.eval(_PUBLISH_MAX, 1, _key(_EPOCH), self.raise_epoch(), STAMP_TTL)
                finally:
                    self.restoring = False
            self.server, self.lost = server, False


_link = _Link()


def on_new_server(raise_epoch: Callable[[], int]) -> None:
    """Wires the one thing the shelf cannot do itself: raise the epoch in Postgres, commit, and return it."""
    _link.raise_epoch = raise_epoch


def _redis() -> Any:
    return caches["lists"].client.get_client(write=True)  # type: ignore[attr-defined]


def _key(name: str) -> str:
    return str(caches["lists"].make_key(name))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        _link.lost = True
        raise CacheUnavailable(f"Redis is unreachable: {error}") from error
    except RedisError as error:  # out of memory, read-only, ...
        raise CacheUnavailable(f"Redis refused: {error}") from error
    except DatabaseError as error:  # the epoch could not be raised, so nothing here may be trusted yet
        raise CacheUnavailable(f"Redis is another server than before, and Postgres did not answer: {error}") from error


@contextmanager
def _contact() -> Iterator[None]:
    if _link.lost or _link.server is None:
        _link.probe()
    with _translated():
        yield


def _list_key(model: str, viewer_id: int) -> str:
    return f"viewer:{viewer_id}:list:{model}"


def _version_key(viewer_id: int) -> str:
    return f"viewer:{viewer_id}:version"


def _state_key(model: str, viewer_id: int) -> str:
    return f"user:{viewer_id}:embedding:{model}"


def _popular_key(name: str) -> str:
    return f"popular:{name}"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _name(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else None


# The lists ----------------------------------------------------------------------------------------------------------


def read(viewer_id: int) -> tuple[Stamps, StoredList | None]:
    """The stamps and the viewer's list in one round trip; a second only just after the active model changed.

    The list is not judged here: ask `.valid(stamps)`.
    """
    guess = _link.model
    names = [_MODEL, _EPOCH, _CATALOGUE, _version_key(viewer_id), _list_key(guess, viewer_id)]
    with _contact():
        found = caches["lists"].get_many(names)
        model = _name(found.get(_MODEL))
        packed = found.get(names[4])
        if model is not None and model != guess:
            _link.model = model
            packed = caches["lists"].get(_list_key(model, viewer_id))
    stamps = Stamps(model, *(_number(found.get(name)) for name in names[1:4]))
    return stamps, StoredList.unpack(packed)


def store_list(viewer_id: int, stored: StoredList) -> None:
    store_lists({viewer_id: stored})


def store_lists(lists: Mapping[int, StoredList]) -> None:
    """One pipeline. A key a model, so that the lists of the model to come lie beside those being served."""
    with _contact():
        pipe = _redis().pipeline(transaction=False)
        for viewer_id, stored in lists.items():
            pipe.set(_key(_list_key(stored.model, viewer_id)), stored.pack(), ex=settings.LIST_TTL)
        _stock(pipe, {stored.model for stored in lists.values()})
        pipe.execute()


def _stock(pipe: Any, models: Iterable[str]) -> None:
    """Remembers under which models anything is stored of a viewer, so that erasing needs no scan."""
    for model in models:
        pipe.sadd(_key(_STOCKED), model)
    pipe.expire(_key(_STOCKED), STAMP_TTL)


def erase_viewer(viewer_id: int) -> None:
    """Forgets everything about one viewer."""
    with _contact():
        models = [model.decode() for model in _redis().smembers(_key(_STOCKED))]
        names = [_version_key(viewer_id)]
        names += [make(model, viewer_id) for model in models for make in (_list_key, _state_key)]
        caches["lists"].delete_many(names)


def read_popular(name: str) -> StoredList | None:
    """A list for everyone; `name` says of what. Its epoch tells whether an import came since."""
    with _contact():
        return StoredList.unpack(caches["lists"].get(_popular_key(name)))


def store_popular(name: str, stored: StoredList) -> None:
    with _contact():
        caches["lists"].set(_popular_key(name), stored.pack(), POPULAR_TTL)


# User embeddings ----------------------------------------------------------------------------------------------------


def read_embedding(model: str, viewer_id: int, version: int) -> np.ndarray | None:
    """The model's state of the viewer (float32 [S]) at exactly this viewer version."""
    with _contact():
        value = caches["lists"].get(_state_key(model, viewer_id))
    if not isinstance(value, bytes) or len(value) <= _STATE.size or (len(value) - _STATE.size) % 4:
        return None
    if _STATE.unpack_from(value) != (_STATE_MAGIC, _FORMAT, version):
        return None
    return np.frombuffer(value, "<f4", offset=_STATE.size)


def store_embedding(model: str, viewer_id: int, version: int, state: np.ndarray) -> None:
    packed = _STATE.pack(_STATE_MAGIC, _FORMAT, version) + np.asarray(state, "<f4").tobytes()
    with _contact():
        pipe = _redis().pipeline(transaction=False)
        pipe.set(_key(_state_key(model, viewer_id)), packed, ex=settings.LIST_TTL)
        _stock(pipe, [model])
        pipe.execute()


# The stamps ---------------------------------------------------------------------------------------------------------


def publish_viewers(versions: Mapping[int, int]) -> None:
    _publish_max({_version_key(viewer_id): version for viewer_id, version in versions.items()})


def publish_epoch(epoch: int) -> None:
    _publish_max({_EPOCH: epoch})


def publish_catalogue(version: int) -> None:
    _publish_max({_CATALOGUE: version})


def _publish_max(numbers: Mapping[str, int]) -> None:
    with _contact():
        pipe = _redis().pipeline(transaction=False)
        publish = _redis().register_script(_PUBLISH_MAX)
        for place, (name, number) in enumerate(numbers.items(), start=1):
            publish(keys=[_key(name)], args=[number, STAMP_TTL], client=pipe)
            if place % PIPELINE == 0 or place == len(numbers):
                pipe.execute()


def publish_model(name: str | None, *, only_if_absent: bool = False) -> None:
    """Points at the active model, or nowhere. A reader that found no pointer restores it with `only_if_absent`, so that
    it cannot overwrite an activation that happened between its look at Postgres and this call."""
    with _contact():
        if name is None:
            caches["lists"].delete(_MODEL)
        else:
            _redis().set(_key(_MODEL), name.encode(), ex=STAMP_TTL, nx=only_if_absent)


# Activation: who has loaded what ------------------------------------------------------------------------------------


def announce_model(name: str) -> None:
    """Asks every live process to load this model beside the one it serves."""
    with _contact():
        caches["lists"].set(_ANNOUNCED, name.encode(), ANNOUNCEMENT_TTL)


def announced() -> str | None:
    with _contact():
        return _name(caches["lists"].get(_ANNOUNCED))


def report_loaded(process: str, name: str) -> None:
    """A serving process's heartbeat and the newest model it holds ('' is none). Checks on the way that the server is
    the one known: a broken connection may have been replaced without anyone noticing."""
    with _contact():
        _link.verify_server()
        pipe = _redis().pipeline(transaction=False)
        pipe.sadd(_key(_PROCESSES), process)
        pipe.expire(_key(_PROCESSES), STAMP_TTL)
        pipe.set(_key(f"process:{process}"), name.encode(), ex=HEARTBEAT_TTL)
        pipe.execute()


def loaded_by() -> dict[str, str]:
    """Live serving process -> the newest model it holds."""
    with _contact():
        known = sorted(member.decode() for member in _redis().smembers(_key(_PROCESSES)))
        values = _redis().mget([_key(f"process:{process}") for process in known]) if known else []
        loaded = {process: value.decode() for process, value in zip(known, values, strict=True) if value is not None}
        if len(loaded) < len(known):
            _redis().srem(_key(_PROCESSES), *(set(known) - set(loaded)))
    return loaded


def live_processes() -> set[str]:
    return set(loaded_by())
