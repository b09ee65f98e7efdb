"""What everyone watches lately: for viewers without a history, for times without a model, and to fill up a list."""

import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from catalog import selectors
from recommender import cache
from recommender.cache import CacheUnavailable, StoredList
from recommender.serving.eligibility import Catalogue, Gate
from recommender.serving.ranking import Ranked

HALF_LIFE_DAYS = 180
LENGTH = 50_000  # films kept, best first
SAMPLE_ROWS = 1_000_000  # events looked at when a request finds no list: bounds how long it waits
HELD_SECONDS = 60.0
_NAME = "everyone"
_NO_MODEL = ""


class _Held(NamedTuple):
    popular: StoredList
    until: float  # monotonic seconds


_held: _Held | None = None
_computing = threading.Lock()


def refresh_popular() -> int:
    """Counts anew over every event and stores the list; beat calls it. Returns the number of films on it."""
    popular = _count(selectors.revision()[1], sample_rows=None)
    cache.store_popular(_NAME, popular)
    return len(popular.movie_ids)


def popular(gate: Gate, k: int, exclude: np.ndarray, epoch: int) -> Ranked:
    """The k most popular films that pass, without the film ids of `exclude`; scores in 0..1. Films that nobody has
    watched stand last, the newest first."""
    order, scores = _whole_catalogue(gate.catalogue, _list(epoch))
    allowed = gate.films()
    barred = gate.catalogue.table.places(np.concatenate([exclude, gate.exclude]))
    allowed[barred[barred >= 0]] = False
    first = np.flatnonzero(allowed[order])[:k]
    return Ranked(gate.catalogue.table.ids[order[first]], scores[first])


def _whole_catalogue(catalogue: Catalogue, listed: StoredList) -> tuple[np.ndarray, np.ndarray]:
    """Rows of every film of the catalogue, the most popular first, and their scores."""
    score = np.zeros(len(catalogue.table.ids), np.float32)
    rows = catalogue.table.places(listed.movie_ids)
    score[rows[rows >= 0]] = listed.scores[rows >= 0]
    order = np.lexsort((catalogue.table.ids, -catalogue.table.year.astype(np.int32), -score))
    return order, score[order]


def _list(epoch: int) -> StoredList:
    """This process's copy while it is fresh and of this epoch; else Redis's; else a count over a sample."""
    global _held
    if (held := _fresh(epoch)) is not None:
        return held
    with _computing:
        if (held := _fresh(epoch)) is not None:
            return held
        popular = _stored(epoch)
        if popular is None:
            popular = _count(epoch, SAMPLE_ROWS)
            with suppress(CacheUnavailable):  # this process's copy serves until Redis is back
                cache.store_popular(_NAME, popular)
        _held = _Held(popular, time.monotonic() + HELD_SECONDS)
        return popular


def _fresh(epoch: int) -> StoredList | None:
    held = _held
    return held.popular if held and held.popular.epoch == epoch and time.monotonic() < held.until else None


def _stored(epoch: int) -> StoredList | None:
    try:
        found = cache.read_popular(_NAME)
    except CacheUnavailable:
        # Yesterday's popular films do better than a count over the database at every request.
        found = _held.popular if _held else None
    return found if found is not None and found.epoch == epoch else None


def _count(epoch: int, sample_rows: int | None) -> StoredList:
    movie_ids, weights = selectors.popularity(HALF_LIFE_DAYS, limit=LENGTH, sample_rows=sample_rows)
    top = float(weights[0]) if len(weights) else 1.0
    return StoredList(
        model=_NO_MODEL,
        epoch=epoch,
        viewer_version=0,
        movie_ids=movie_ids,
        scores=(weights / top).astype(np.float32),
        made_at=int(time.time()),
    )
