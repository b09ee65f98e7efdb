"""Find viewers by their keys: a number is its own id; a text is looked up in this process, in Redis, in Postgres.

What this process and Redis know may be out of date: the viewer was erased or merged, and another may have the key now.
An id below zero is never given twice, so whoever finds no row under one calls `look_up_again`.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from catalog import selectors
from catalog.keys import Key
from recommender import cache, process_state
from recommender.cache import CacheUnavailable

MAX_REMEMBERED = 50_000  # keys of this process: about 10 MB

log = logging.getLogger(__name__)

_remembered: OrderedDict[str, int] = OrderedDict()  # the one asked for last is last
_lock = threading.Lock()


def _forget(viewer_ids: Collection[int]) -> None:
    with _lock:
        for key in [key for key, viewer_id in _remembered.items() if viewer_id in viewer_ids]:
            del _remembered[key]


process_state.register("viewers: ids by key", _remembered.clear, _forget)


def viewer_id(key: Key) -> int | None:
    """Return the id of the viewer with this key; None where there is no such viewer. A number may be nobody's yet."""
    return viewer_ids([key]).get(key)


def recall(key: Key) -> int | None:
    """Return the id of the viewer with this key as far as this process knows it, without a read or a query."""
    return key if isinstance(key, int) else _recall(key)


def viewer_ids(keys: Iterable[Key]) -> dict[Key, int]:
    """Return ids by key; a text that is nobody's is left out. At most one read of Redis and one query."""
    ids: dict[Key, int] = {}
    missing = []
    for key in keys:
        if isinstance(key, int):
            ids[key] = key
        elif (remembered := _recall(key)) is not None:
            ids[key] = remembered
        else:
            missing.append(key)
    if missing:
        ids.update(_look_up(missing))
    return ids


def look_up_again(keys: Collection[str]) -> dict[str, int]:
    """Return the ids as Postgres has them, where those known here proved to be nobody's; of new viewers alone."""
    with _lock:
        for key in keys:
            _remembered.pop(key, None)
    try:
        cache.delete_viewer_ids(keys)
    except CacheUnavailable as error:
        log.info("Ids of %d viewers stay in Redis until they are read again: %s", len(keys), error)
    return _look_up_in_database(keys)


def _recall(key: str) -> int | None:
    with _lock:
        remembered = _remembered.get(key)
        if remembered is not None:
            _remembered.move_to_end(key)
    return remembered


def _remember(ids: Mapping[str, int]) -> None:
    with _lock:
        _remembered.update(ids)
        while len(_remembered) > MAX_REMEMBERED:
            _remembered.popitem(last=False)


def _look_up(keys: Collection[str]) -> dict[str, int]:
    """Look up keys that this process does not know."""
    try:
        ids = cache.read_viewer_ids(keys)
    except CacheUnavailable:
        ids = {}
    _remember(ids)
    missing = [key for key in keys if key not in ids]
    return ids | (_look_up_in_database(missing) if missing else {})


def _look_up_in_database(keys: Collection[str]) -> dict[str, int]:
    ids = {key: number for key, number in selectors.find_viewers(keys).items() if isinstance(key, str)}
    if ids:
        _remember(ids)
        try:
            cache.store_viewer_ids(ids)
        except CacheUnavailable as error:
            log.info("Ids of %d viewers are not kept in Redis: %s", len(ids), error)
    return ids
