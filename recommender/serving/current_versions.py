"""What holds now: the versions as Redis has them, and from Postgres where it does not; and what follows from them at
once: the model to serve (`active_ranker`) and the ids of movies that a client named (`load_movie_ids`).

Inside `as_of` what held at a former moment does: lists are computed as they would have been then, and nothing of them
is stored.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from catalog import selectors
from recommender import cache, process_state, registry
from recommender.cache import CacheUnavailable, ListRead, RateWindow, RawRead, StoredList, Versions
from recommender.movies.movie_ids import MovieId, resolve_movie_ids
from recommender.movies.popularity_counts import at_current_counts
from recommender.movies.snapshot import CatalogueSnapshot, current_snapshot

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

ANONYMOUS = 0  # no viewer has this id: asks for the versions that concern everyone
UNKNOWN = Versions(None, None, None, None)


class CacheRead(NamedTuple):
    """What one read of Redis said. `versions.viewer` is None where there is no stored list to judge by it, 0 for a
    viewer who is not known."""

    versions: Versions
    stored_list: StoredList | None
    redis_up: bool
    token: bytes = b""  # reserves the place of the versions that were absent
    raw: RawRead | None = None  # all of that as it was read; None where it took more than one read

    @property
    def epoch(self) -> int:
        """The epoch of all data, 0 where it is not known."""
        return self.versions.epoch or 0

    def current_list(self) -> StoredList | None:
        """Return the viewer's stored list if it was made of what holds now."""
        return self.stored_list if self.stored_list is not None and self.stored_list.is_current(self.versions) else None

    def load_snapshot(self) -> CatalogueSnapshot:
        """Return the catalogue of this version or a later one, read anew where this process has another."""
        return current_snapshot(self.versions.catalogue or 0)


class Moment(NamedTuple):
    """A former moment, as far as it is known: what lists of then were made from."""

    versions: Versions  # the model's is of then; the catalogue and the epoch are those of now
    at: int  # unix seconds
    histories: Mapping[int, selectors.History]  # of viewers; of others the one of now. Versions below 0: never cached


_moment: ContextVar[Moment | None] = ContextVar("the moment as of which lists are computed", default=None)


@contextmanager
def as_of(moment: Moment) -> Iterator[None]:
    """Compute lists as of a former moment in this block."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def clock() -> int:
    """Return the time that lists are made for, unix seconds: now, or the moment of `as_of`."""
    moment = _moment.get()
    return int(time.time()) if moment is None else moment.at


def read_histories(viewer_ids: Sequence[int]) -> list[selectors.History]:
    """Read the histories of viewers in one query, or those of the moment of `as_of`; unknown viewers are left out."""
    moment = _moment.get()
    former = {} if moment is None else moment.histories
    known = [former[viewer_id] for viewer_id in viewer_ids if viewer_id in former]
    others = [viewer_id for viewer_id in viewer_ids if viewer_id not in former]
    return known + (selectors.histories(others) if others or not known else [])


_last_seen = UNKNOWN  # as this process last saw them


def _forget() -> None:
    global _last_seen
    _last_seen = UNKNOWN


process_state.register("serving: the versions as last seen", _forget)


class CountedCall(NamedTuple):
    """How many calls a caller made in a window, None where Redis does not count; and what was read along with it."""

    calls: int | None
    list_read: ListRead | None = None


def count_call(window: RateWindow, calls: int = 1, *, viewer_id: int | None = None) -> CountedCall:
    """Add calls to a window in one round trip to Redis, in which what `read_versions` begins with is read as well, for
    the viewer with this id."""
    try:
        if viewer_id is None:
            return CountedCall(cache.count_calls(window, calls))
        return CountedCall(*cache.count_call_and_read(window, viewer_id))
    except CacheUnavailable:
        return CountedCall(None)


def count_call_and_repeat(window: RateWindow, command: tuple[str, ...]) -> tuple[int | None, RawRead | None]:
    """Add a call to a window and repeat a read in one round trip to Redis; None where Redis does not count, or does not
    answer."""
    try:
        return cache.count_call_and_repeat(window, command)
    except CacheUnavailable:
        return None, None


def read_versions(viewer_id: int | None, list_read: ListRead | None = None) -> CacheRead:
    """Read the versions and the viewer's stored list: one round trip to Redis, no query while every version is there.

    `list_read`: what was read before in this call; it counts where it is of this viewer. While Postgres is down an
    absent version is what this process last saw, and no list is judged by it. Raises OperationalError where it has seen
    none.
    """
    global _last_seen
    if (moment := _moment.get()) is not None:
        return CacheRead(moment.versions, None, redis_up=False)
    redis_up, token = True, b""
    try:
        if list_read is not None and list_read.viewer_id == (viewer_id or ANONYMOUS):
            _, versions, stored_list, raw = list_read
        else:
            _, versions, stored_list, raw = cache.read_list(viewer_id or ANONYMOUS)
        if viewer_id is None:
            versions = versions._replace(viewer=ANONYMOUS)
        if None not in versions:
            _last_seen = versions
            return CacheRead(versions, stored_list, redis_up, raw=raw)
        token = cache.reserve_missing_versions(viewer_id or ANONYMOUS, versions)
    except CacheUnavailable:
        versions, stored_list, redis_up = UNKNOWN, None, False
    try:
        _last_seen = loaded = _load_missing(versions, viewer_id if stored_list is not None else None)
    except selectors.DATABASE_ERRORS:
        if _last_seen.catalogue is None:
            raise
        newer = {name: value for name, value in versions._asdict().items() if value is not None}
        return CacheRead(_last_seen._replace(**newer)._replace(viewer=None), None, redis_up)
    with suppress(CacheUnavailable):  # the next reader tries again
        if redis_up:
            cache.fill_reserved_versions(token, viewer_id or ANONYMOUS, loaded)
    return CacheRead(loaded, stored_list, redis_up, token)


def _load_missing(versions: Versions, viewer_id: int | None) -> Versions:
    """Read from Postgres every absent version; the viewer's where one is given."""
    if versions.epoch is None or versions.catalogue is None:
        catalogue, epoch = selectors.catalogue_and_epoch()
        versions = versions._replace(catalogue=catalogue, epoch=epoch)
    if versions.model is None:
        versions = versions._replace(model=registry.active_name())
    if versions.viewer is None and viewer_id is not None:
        # A list may be there for a number that is no viewer yet. An id below zero is nobody's once its viewer is gone.
        unknown = 0 if viewer_id > 0 else None
        versions = versions._replace(viewer=selectors.viewer_versions([viewer_id]).get(viewer_id, unknown))
    return versions


def load_movie_ids(movie_ids: Sequence[MovieId]) -> list[int]:
    """Return the catalogue's own ids by the catalogue as it is now; 0 for a key that is no number, or an id at IMDB or
    TMDB, that it does not have.

    Reads Redis once, and only where an id is no number.
    """
    numbers = [movie for movie in movie_ids if isinstance(movie, int)]
    if len(numbers) == len(movie_ids):
        return numbers
    ids: list[int] = resolve_movie_ids(read_versions(None).load_snapshot(), movie_ids).tolist()
    return ids


def active_ranker(cache_read: CacheRead) -> "Ranker | None":
    """Return the active model's ranker at what is popular now, or that of the version before where its folder cannot be
    used.

    None where it was trained on other data than the catalogue is of: its ids mean other movies.
    """
    ranker = registry.ranker(cache_read.versions.model) if cache_read.versions.model is not None else None
    if ranker is None:
        return None
    data_set = cache_read.load_snapshot().table.data_set
    return at_current_counts(ranker) if ranker.metadata.get("data_set", 0) == data_set else None


def under_model(cache_read: CacheRead, model: str, viewer_id: int | None) -> CacheRead | None:
    """Return what holds for a viewer whose lists are another model's than the active one: that model, and the viewer's
    list under it. None where the model is missing, or was trained on other data than the catalogue is of."""
    ranker = registry.get_or_load(model)
    if ranker is None or ranker.metadata.get("data_set", 0) != cache_read.load_snapshot().table.data_set:
        return None
    if model == cache_read.versions.model:
        return cache_read
    stored_list = None
    if cache_read.redis_up and viewer_id is not None:
        with suppress(CacheUnavailable):
            stored_list = cache.read_lists(model, [viewer_id]).get(viewer_id)
    versions = cache_read.versions._replace(model=model)
    return cache_read._replace(versions=versions, stored_list=stored_list, raw=None)


def is_active_model(ranker: "Ranker | None", cache_read: CacheRead) -> bool:
    """Say whether this is the model that should answer: the active one, or none where none is active."""
    return cache_read.versions.model == (None if ranker is None else ranker.version)
