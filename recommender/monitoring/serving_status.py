"""How serving is doing: what the admin's first page shows, and nothing that costs more than a few reads."""

import time
from dataclasses import dataclass
from typing import NamedTuple

from catalog import selectors
from recommender import cache
from recommender.cache import CacheUnavailable, StoredList, Versions
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions

SAMPLE_SIZE = 200  # viewers whose lists are looked at


@dataclass(frozen=True, slots=True)
class ListCoverage:
    """Of viewers with a history, drawn at random: how many have a list, and how many one that is true now."""

    sampled: int
    stored: int
    current: int


def stored_list_coverage() -> ListCoverage | None:
    """None without Redis, without an active model, or without viewers."""
    drawn = _sample_lists()
    if drawn is None or not drawn.viewers:
        return None
    versions = selectors.viewer_versions(list(drawn.lists))
    valid = sum(
        stored.is_current(drawn.current_versions._replace(viewer=versions.get(viewer)))
        for viewer, stored in drawn.lists.items()
    )
    return ListCoverage(drawn.viewers, len(drawn.lists), valid)


def movie_exposure(movie_id: int) -> tuple[int, int, float] | None:
    """Of the lists of drawn viewers: how many there are, how many have the film, and its mean place there (from 1)."""
    drawn = _sample_lists()
    if drawn is None:
        return None
    films = [stored.movie_ids for stored in drawn.lists.values()]
    places = [int((ids == movie_id).argmax()) + 1 for ids in films if movie_id in ids]
    return len(films), len(places), sum(places) / max(len(places), 1)


class _ListSample(NamedTuple):
    viewers: int  # with a history
    lists: dict[int, StoredList]  # of those that have one under the active model
    current_versions: Versions


def _sample_lists() -> _ListSample | None:
    """None without Redis or without an active model."""
    look = current_versions.read_versions(None)
    if not look.redis_up or not look.versions.model:
        return None
    ids = selectors.sample_viewers(SAMPLE_SIZE)
    try:
        return _ListSample(len(ids), cache.read_lists(look.versions.model, ids), look.versions)
    except CacheUnavailable:
        return None


def models_by_process() -> dict[str, str] | None:
    """Live web process -> the newest model it holds; None without Redis."""
    try:
        return cache.models_by_process()
    except CacheUnavailable:
        return None


def available_counts() -> tuple[int, int]:
    """How many films can be watched now, of how many."""
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    total = len(films.table.ids)
    return total - films.availability(int(time.time())).unavailable_count, total
