"""Lists for everyone: what is popular, what is watched more than usual lately, what is new.

For viewers without a history, for times without a model, and to fill up a list.
"""

import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from catalog import selectors
from recommender import cache
from recommender.cache import CacheUnavailable, StoredList
from recommender.serving import trend
from recommender.serving.eligibility import Catalogue, Gate
from recommender.serving.query import ChartName
from recommender.serving.ranking import Ranked

LENGTH = 50_000  # films kept, best first
SAMPLE_ROWS = 200_000  # events looked at when a request finds no list: bounds how long it waits, about a second
REFRESH_ROWS = 4_000_000  # events looked at by beat: some twenty seconds, whatever the size of the site
HELD_SECONDS = 60.0
LATELY_MOST, USUALLY_MOST = 20.0, 200.0  # films that one viewer counts for in each of the two, however many they watch
_NO_MODEL = ""


class Chart(NamedTuple):
    """The films of a chart in one catalogue, best first."""

    rows: np.ndarray  # int64 [n], of the catalogue's table
    scores: np.ndarray  # float32 [n], 0..1


class _Held(NamedTuple):
    stored: StoredList
    until: float  # monotonic seconds


class _Ordered(NamedTuple):
    catalogue: Catalogue
    stored: StoredList | None  # None: the chart is made of the catalogue alone
    chart: Chart


_held: dict[ChartName, _Held] = {}
_ordered: dict[ChartName, _Ordered] = {}
_computing = threading.Lock()


def refresh() -> dict[str, int]:
    """Counts anew and stores the charts; beat calls it. Returns the number of films on each."""
    counted = _count(selectors.catalogue_and_epoch()[1], REFRESH_ROWS)
    for name, chart in counted.items():
        cache.store_chart(name, chart)
    return {name: len(chart.movie_ids) for name, chart in counted.items()}


def listed(name: ChartName, gate: Gate, k: int, exclude: np.ndarray, epoch: int) -> Ranked:
    """The chart's first k films that pass, without the film ids of `exclude`; scores in 0..1."""
    films, scores = chart(name, gate.catalogue, epoch)
    allowed = gate.films()
    barred = gate.catalogue.table.rows_of(np.concatenate([exclude, gate.exclude]))
    allowed[barred[barred >= 0]] = False
    first = np.flatnonzero(allowed[films])[:k]
    return Ranked(gate.catalogue.table.ids[films[first]], scores[first])


def chart(name: ChartName, catalogue: Catalogue, epoch: int) -> Chart:
    """Popular: every film, those that nobody has watched last, the newest first. Trending: only the films that are
    watched more than usual. Latest: every film, by the day since which it can be watched here, then by its year."""
    stored = None if name == "latest" else _list(name, epoch)
    known = _ordered.get(name)
    if known is None or known.catalogue is not catalogue or known.stored is not stored:
        made = _newest_first(catalogue) if stored is None else _placed(catalogue, stored, whole=name == "popular")
        known = _ordered[name] = _Ordered(catalogue, stored, made)
    return known.chart


def _newest_first(catalogue: Catalogue) -> Chart:
    """An import brings many films on one day: among them the year decides."""
    table = catalogue.table
    day = np.maximum(table.added_at, table.available_from) // trend.DAY
    rows = np.lexsort((-table.ids, -table.year.astype(np.int32), -day))
    return Chart(rows, np.linspace(1, 0, len(rows), endpoint=False, dtype=np.float32))


def _placed(catalogue: Catalogue, stored: StoredList, *, whole: bool) -> Chart:
    table = catalogue.table
    score = np.zeros(len(table.ids), np.float32)
    rows = table.rows_of(stored.movie_ids)
    score[rows[rows >= 0]] = stored.scores[rows >= 0]
    order = np.lexsort((table.ids, -table.year.astype(np.int32), -score))
    if not whole:
        order = order[: np.count_nonzero(score)]
    return Chart(order, score[order])


def _list(name: ChartName, epoch: int) -> StoredList:
    """This process's copy while it is fresh and of this epoch; else Redis's; else a count over a sample."""
    if (held := _fresh(name, epoch)) is not None:
        return held
    with _computing:
        if (held := _fresh(name, epoch)) is not None:
            return held
        for each, made in _found(name, epoch).items():
            _held[each] = _Held(made, time.monotonic() + HELD_SECONDS)
        return _held[name].stored


def _found(name: ChartName, epoch: int) -> dict[ChartName, StoredList]:
    found = _stored(name, epoch)
    if found is not None:
        return {name: found}
    try:
        return _counted_and_stored(epoch)
    except selectors.DATABASE_ERRORS:
        if name not in _held:
            raise
        return {name: _held[name].stored._replace(epoch=epoch)}  # an older chart does better than none


def _fresh(name: ChartName, epoch: int) -> StoredList | None:
    held = _held.get(name)
    return held.stored if held and held.stored.epoch == epoch and time.monotonic() < held.until else None


def _stored(name: ChartName, epoch: int) -> StoredList | None:
    try:
        found = cache.read_chart(name)
    except CacheUnavailable:
        # Yesterday's popular films do better than a count over the database at every request.
        found = _held[name].stored if name in _held else None
    return found if found is not None and found.epoch == epoch else None


def _counted_and_stored(epoch: int) -> dict[ChartName, StoredList]:
    counted = _count(epoch, SAMPLE_ROWS)
    with suppress(CacheUnavailable):  # this process's copy serves until Redis is back
        for name, made in counted.items():
            cache.store_chart(name, made)
    return counted


def _count(epoch: int, sample_rows: int) -> dict[ChartName, StoredList]:
    now = int(time.time())
    audience = selectors.choose_audience()
    fading = trend.fading(*selectors.viewers_by_day(audience, sample_rows=SAMPLE_ROWS))
    found = selectors.watch_weights(
        audience,
        fading.first,
        fading.lately.tolist(),
        fading.usually.tolist(),
        max_recent=LATELY_MOST,
        max_long_term=USUALLY_MOST,
        limit=LENGTH,
        sample_rows=sample_rows,
    )
    more = trend.rising(found.recent, found.long_term)
    rising = np.argsort(-more, kind="stable")[: np.count_nonzero(more > 0)]

    def stored(movie_ids: np.ndarray, weights: np.ndarray) -> StoredList:
        scores = (weights / weights.max(initial=1e-9)).astype(np.float32)
        return StoredList(_NO_MODEL, epoch, 0, movie_ids, scores, now)

    return {
        "popular": stored(found.movie_ids, found.long_term),
        "trending": stored(found.movie_ids[rising], more[rising]),
    }
