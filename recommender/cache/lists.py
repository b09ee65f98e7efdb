"""Stored lists, charts, watch counts and embeddings of viewers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings

from recommender import process_state
from recommender.cache.codec import (
    StoredList,
    TextVectors,
    Versions,
    WatchCounts,
    pack_embedding,
    unpack_embedding,
)
from recommender.cache.connection import CacheUnavailable, RawRead, counters_connection, redis_connection
from recommender.cache.erasures import announce_erasure
from recommender.cache.home_pages import viewer_home_keys
from recommender.cache.keys import (
    MODELS_WITH_LISTS,
    TEXT_VECTORS,
    WATCH_COUNTS,
    as_name,
    as_number,
    chart_key,
    embedding_key,
    full_key,
    list_key,
    version_key,
    viewer_id_key,
)
from recommender.cache.pages import end_sessions
from recommender.cache.scripts import Script, run_for_keys
from recommender.cache.versions import VERSION_TTL, version_names

CHART_TTL = 3_600  # seconds
TEXT_VECTORS_TTL = 2 * 86_400  # seconds; the task that computes them stores them again long before
WATCH_COUNTS_TTL = 2 * 86_400  # seconds; after that the model's own counts are as good

_STORE = Script.of("for n, key in ipairs(KEYS) do redis.call('SET', key, ARGV[n + 1], 'EX', ARGV[1]) end")

# Lets `read_list_and_versions` ask for the list of the active model in the same round trip.
last_active_model = process_state.Value("cache: the active model as last read", "")


class ListRead(NamedTuple):
    """What Redis has of a viewer's list; the list is not judged: ask `.is_current(versions)`."""

    viewer_id: int
    versions: Versions
    stored_list: StoredList | None
    raw: RawRead | None = None  # all of that as it was read; None where it took more than one read


def read_list_and_versions(viewer_id: int) -> tuple[Versions, StoredList | None]:
    """Return the versions and the list of `read_list`."""
    _, versions, stored_list, _ = read_list(viewer_id)
    return versions, stored_list


def read_list(viewer_id: int) -> ListRead:
    """Read the versions and the viewer's list, in one round trip; a second only just after the active model changed."""
    guess = last_active_model.current
    command = read_command(guess, viewer_id)
    [values] = redis_connection.run(command)
    return judge_values(guess, viewer_id, RawRead(command, values))


def read_command(model: str, viewer_id: int) -> tuple[str, ...]:
    """Return the command that reads the versions and the list of a viewer under a model, for `judge_values`."""
    names = [*version_names(viewer_id), list_key(model, viewer_id)]
    return ("MGET", *map(full_key, names))


def judge_values(guess: str, viewer_id: int, read: RawRead) -> ListRead:
    """Return the versions and the list among the values that Redis had for a model; reads the list anew where that is
    not the active one. Raises CacheUnavailable where Redis refused."""
    values = read.reply
    if isinstance(values, Exception):
        raise CacheUnavailable(f"Redis refused: {values}") from values
    model, packed = as_name(values[0]), values[4]
    if model is not None and model != guess:
        last_active_model.current = model
        [packed] = redis_connection.run(("GET", full_key(list_key(model, viewer_id))))
    versions, is_whole = Versions(model, *map(as_number, values[1:4])), packed is values[4]
    return ListRead(viewer_id, versions, StoredList.unpack(packed), read if is_whole else None)


def read_lists(model: str, viewer_ids: Sequence[int]) -> dict[int, StoredList]:
    """Return viewer id -> the list under this model, of the viewers who have one; the lists are not judged."""
    names = {list_key(model, viewer_id): viewer_id for viewer_id in viewer_ids}
    values = redis_connection.read_values([full_key(name) for name in names])
    lists = zip(names.values(), map(StoredList.unpack, values), strict=True)
    return {viewer_id: stored for viewer_id, stored in lists if stored is not None}


def store_list(viewer_id: int, stored: StoredList) -> None:
    """Store one viewer's list, under its own model."""
    store_lists({viewer_id: stored})


def store_lists(lists: Mapping[int, StoredList]) -> None:
    """Store lists by viewer id, many in a command.

    The model is a part of the key, so that the lists of the next model lie beside those being served.
    """
    note = full_key(MODELS_WITH_LISTS)
    by_model: dict[str, dict[str, bytes]] = {}
    for viewer_id, stored in lists.items():
        key = full_key(list_key(stored.model, viewer_id))
        by_model.setdefault(stored.model, {})[key] = stored.pack()
    for model, packed in by_model.items():
        noted = (("SADD", note, model), ("EXPIRE", note, VERSION_TTL))
        run_for_keys(_STORE, list(packed), list(packed.values()), settings.LIST_TTL, beside=noted)


def _remember_models(pipe: Any, models: Iterable[str]) -> None:
    """Remember under which models anything is stored of a viewer, so that erasing needs no scan."""
    for model in models:
        pipe.sadd(full_key(MODELS_WITH_LISTS), model)
    pipe.expire(full_key(MODELS_WITH_LISTS), VERSION_TTL)


def erase_viewer(viewer_id: int | None, known_models: Collection[str] = (), key: str = "") -> None:
    """Delete everything about one viewer. `known_models`: these too, should Redis have dropped its note of them.

    `viewer_id`: None where nothing is known of the viewer but what was asked for. `key`: the viewer's, where it is a
    text. Other processes notice by the version that is gone, and take the viewer out of their memory within a second.
    """
    erase_viewers([] if viewer_id is None else [viewer_id], known_models, [key] if key else [])


def erase_viewers(ids: Collection[int], known_models: Collection[str] = (), keys: Collection[str] = ()) -> None:
    """Delete everything about viewers, as erase_viewer() does about one. `keys`: of those whose keys are texts."""
    process_state.forget_viewers(ids)
    names = [viewer_id_key(key) for key in keys]
    with redis_connection.checked_client() as redis:
        models = {model.decode() for model in redis.smembers(full_key(MODELS_WITH_LISTS))} | set(known_models)
        for viewer_id in ids:
            names += [version_key(viewer_id), *viewer_home_keys(viewer_id)]
            names += [make_key(model, viewer_id) for model in models for make_key in (list_key, embedding_key)]
        if names:
            redis.delete(*map(full_key, names))
        announce_erasure(redis, ids)
    end_sessions([*ids, *keys])


def delete_all() -> None:
    """Delete all lists, every version that would judge them, and the counters."""
    for connection in {redis_connection, counters_connection}:
        with connection.checked_client() as redis:
            if settings.KEY_PREFIX:  # the database has others' keys too
                found = redis.scan_iter(full_key("*"), count=1_000)
                while keys := list(islice(found, 1_000)):
                    redis.delete(*keys)
            else:
                redis.flushdb()


def read_chart(name: str) -> StoredList | None:
    """Return a list for everyone, by the chart's name. Its epoch tells whether an import came since."""
    with redis_connection.checked_client() as redis:
        return StoredList.unpack(redis.get(full_key(chart_key(name))))


def store_chart(name: str, stored: StoredList) -> None:
    """Store a list for everyone for CHART_TTL."""
    with redis_connection.checked_client() as redis:
        redis.set(full_key(chart_key(name)), stored.pack(), ex=CHART_TTL)


def read_watch_counts() -> WatchCounts | None:
    """Return how many viewers watched each movie lately."""
    with redis_connection.checked_client() as redis:
        return WatchCounts.unpack(redis.get(full_key(WATCH_COUNTS)))


def store_watch_counts(counts: WatchCounts) -> None:
    """Store how many viewers watched each movie lately, for WATCH_COUNTS_TTL."""
    with redis_connection.checked_client() as redis:
        redis.set(full_key(WATCH_COUNTS), counts.pack(), ex=WATCH_COUNTS_TTL)


def read_text_vectors() -> TextVectors | None:
    """Return what is said of movies, as vectors."""
    with redis_connection.checked_client() as redis:
        return TextVectors.unpack(redis.get(full_key(TEXT_VECTORS)))


def store_text_vectors(vectors: TextVectors) -> None:
    """Store what is said of movies, as vectors, for TEXT_VECTORS_TTL."""
    with redis_connection.checked_client() as redis:
        redis.set(full_key(TEXT_VECTORS), vectors.pack(), ex=TEXT_VECTORS_TTL)


def read_embedding(model: str, viewer_id: int, version: int) -> np.ndarray | None:
    """Return the model's embedding of the viewer, float32 [S], at exactly this viewer version; None without one."""
    with redis_connection.checked_client() as redis:
        value = redis.get(full_key(embedding_key(model, viewer_id)))
    return unpack_embedding(value, version)


def store_embedding(model: str, viewer_id: int, version: int, embedding: np.ndarray) -> None:
    """Store the model's embedding of the viewer (float32 [S]) at this viewer version."""
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.set(full_key(embedding_key(model, viewer_id)), pack_embedding(version, embedding), ex=settings.LIST_TTL)
        _remember_models(pipe, [model])
        pipe.execute()
