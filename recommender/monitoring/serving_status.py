"""Measure how serving is doing for the admin's dashboard, with no more than a few reads."""

import time
from dataclasses import dataclass
from typing import NamedTuple

from catalog import selectors
from recommender import cache
from recommender.cache import CacheUnavailable, StoredList, Versions
from recommender.serving.current_versions import read_versions

SAMPLE_SIZE = 200  # viewers


@dataclass(frozen=True, slots=True)
class ListCoverage:
    """Count, in a random sample of viewers with a history, those with a stored list and with a current one."""

    sampled: int
    stored: int
    current: int


class _ListSample(NamedTuple):
    viewer_count: int  # sampled viewers, all with a history
    lists: dict[int, StoredList]  # by viewer id, of those that have a list under the active model
    versions: Versions  # as they are now; without a viewer's


def stored_list_coverage() -> ListCoverage | None:
    """Return how many sampled viewers have a stored list. None without Redis, an active model or viewers."""
    sample = _sample_lists()
    if sample is None or not sample.viewer_count:
        return None
    viewer_versions = selectors.viewer_versions(list(sample.lists))
    current = sum(
        stored.is_current(sample.versions._replace(viewer=viewer_versions.get(viewer_id)))
        for viewer_id, stored in sample.lists.items()
    )
    return ListCoverage(sample.viewer_count, len(sample.lists), current)


def movie_exposure(movie_id: int) -> tuple[int, int, float] | None:
    """Return, for a sample of stored lists, their number, the number that hold the movie, and its mean position from 1.

    None without Redis or an active model.
    """
    sample = _sample_lists()
    if sample is None:
        return None
    lists = [stored.movie_ids for stored in sample.lists.values()]
    positions = [int((movie_ids == movie_id).argmax()) + 1 for movie_ids in lists if movie_id in movie_ids]
    return len(lists), len(positions), sum(positions) / max(len(positions), 1)


def _sample_lists() -> _ListSample | None:
    """Read the lists of sampled viewers. None without Redis or an active model."""
    cache_read = read_versions(None)
    if not cache_read.redis_up or not cache_read.versions.model:
        return None
    viewer_ids = selectors.sample_viewers(SAMPLE_SIZE)
    try:
        lists = cache.read_lists(cache_read.versions.model, viewer_ids)
    except CacheUnavailable:
        return None
    return _ListSample(len(viewer_ids), lists, cache_read.versions)


def models_by_process() -> dict[str, str] | None:
    """Return the newest model that each live web process holds. None without Redis."""
    try:
        return cache.models_by_process()
    except CacheUnavailable:
        return None


def available_counts() -> tuple[int, int]:
    """Return how many movies are available now, and how many there are."""
    snapshot = read_versions(None).load_snapshot()
    total = len(snapshot.table.ids)
    return total - snapshot.availability(int(time.time())).unavailable_count, total
