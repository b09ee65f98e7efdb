"""How serving is doing: what the admin's first page shows, and nothing that costs more than a few reads."""

import time
from dataclasses import dataclass

from catalog import selectors
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving import stamps
from recommender.serving.eligibility import catalogue

DRAWN = 200  # viewers whose lists are looked at


@dataclass(frozen=True, slots=True)
class Shelved:
    """Of viewers with a history, drawn at random: how many have a list, and how many one that is true now."""

    drawn: int
    stored: int
    valid: int


def shelved() -> Shelved | None:
    """None without Redis, without an active model, or without viewers."""
    look = stamps.look(None)
    if not look.redis or not look.stamps.model:
        return None
    ids = selectors.drawn_viewers(DRAWN)
    try:
        found = cache.read_lists(look.stamps.model, ids)
    except CacheUnavailable:
        return None
    versions = selectors.viewer_versions(list(found))
    now = (look.stamps._replace(viewer=versions.get(viewer)) for viewer in found)
    valid = sum(stored.valid(stamps) for stored, stamps in zip(found.values(), now, strict=True))
    return Shelved(len(ids), len(found), valid) if ids else None


def on_lists(movie_id: int) -> tuple[int, int, float] | None:
    """Of the lists of drawn viewers: how many there are, how many have the film, and its mean place there (from 1)."""
    look = stamps.look(None)
    if not look.redis or not look.stamps.model:
        return None
    try:
        found = cache.read_lists(look.stamps.model, selectors.drawn_viewers(DRAWN)).values()
    except CacheUnavailable:
        return None
    places = [int((stored.movie_ids == movie_id).argmax()) + 1 for stored in found if movie_id in stored.movie_ids]
    return len(found), len(places), sum(places) / max(len(places), 1)


def processes() -> dict[str, str] | None:
    """Live web process -> the newest model it holds; None without Redis."""
    try:
        return cache.loaded_by()
    except CacheUnavailable:
        return None


def films_open() -> tuple[int, int]:
    """How many films can be watched now, of how many."""
    films = catalogue(stamps.look(None).stamps.catalogue or 0)
    total = len(films.table.ids)
    return total - films.spell(int(time.time())).closed, total
