"""Lists for everyone: what is popular, what is watched more than usual lately, what is new.

For viewers without a history, for times without a model, and to fill up a list.
"""

import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from catalog import selectors
from recommender import cache, process_state
from recommender.cache import CacheUnavailable, StoredList
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates import trending
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import ChartName

MAX_LENGTH = 50_000  # films kept, best first
SAMPLE_ROWS = 200_000  # events looked at when a request finds no list: bounds how long it waits, about a second
REFRESH_ROWS = 4_000_000  # events looked at by beat: some twenty seconds, whatever the size of the site
LOCAL_TTL = 60.0
MAX_RECENT_PER_VIEWER, MAX_LONG_TERM_PER_VIEWER = (
    20.0,
    200.0,
)  # films that one viewer counts for in each of the two, however many they watch
_NO_MODEL = ""


class Chart(NamedTuple):
    """The films of a chart in one catalogue, best first."""

    rows: np.ndarray  # int64 [n], of the catalogue's table
    scores: np.ndarray  # float32 [n], 0..1


class _CachedChart(NamedTuple):
    stored_list: StoredList
    until: float  # monotonic seconds


class _RankedChart(NamedTuple):
    snapshot: CatalogueSnapshot
    stored_list: StoredList | None  # None: the chart is made of the catalogue alone
    chart: Chart


_cached: dict[ChartName, _CachedChart] = {}
_ranked: dict[ChartName, _RankedChart] = {}
_count_lock = threading.Lock()
process_state.register("serving: the charts as read from Redis", _cached.clear)
process_state.register("serving: the charts in the catalogue's rows", _ranked.clear)


def refresh() -> dict[str, int]:
    """Counts anew and stores the charts; beat calls it. Returns the number of films on each."""
    counted = _count(selectors.catalogue_and_epoch()[1], REFRESH_ROWS)
    for name, chart in counted.items():
        cache.store_chart(name, chart)
    return {name: len(chart.movie_ids) for name, chart in counted.items()}


def top_of_chart(
    name: ChartName, eligibility: EligibilityFilter, k: int, exclude: np.ndarray, epoch: int
) -> RankedMovies:
    """The chart's first k films that pass, without the film ids of `exclude`; scores in 0..1."""
    films, scores = rank_chart(name, eligibility.snapshot, epoch)
    allowed = eligibility.mask()
    barred = eligibility.snapshot.table.rows_of(np.concatenate([exclude, eligibility.excluded_ids]))
    allowed[barred[barred >= 0]] = False
    first = np.flatnonzero(allowed[films])[:k]
    return RankedMovies(eligibility.snapshot.table.ids[films[first]], scores[first])


def rank_chart(name: ChartName, snapshot: CatalogueSnapshot, epoch: int) -> Chart:
    """Popular: every film, those that nobody has watched last, the newest first. Trending: only the films that are
    watched more than usual. Latest: every film, by the day since which it can be watched here, then by its year."""
    stored = None if name == "latest" else _current_chart(name, epoch)
    known = _ranked.get(name)
    if known is None or known.snapshot is not snapshot or known.stored_list is not stored:
        made = _rank_by_date(snapshot) if stored is None else _rank_by_score(snapshot, stored, whole=name == "popular")
        known = _ranked[name] = _RankedChart(snapshot, stored, made)
    return known.chart


def _rank_by_date(snapshot: CatalogueSnapshot) -> Chart:
    """An import brings many films on one day: among them the year decides."""
    table = snapshot.table
    day = np.maximum(table.added_at, table.available_from) // trending.DAY
    rows = np.lexsort((-table.ids, -table.year.astype(np.int32), -day))
    return Chart(rows, np.linspace(1, 0, len(rows), endpoint=False, dtype=np.float32))


def _rank_by_score(snapshot: CatalogueSnapshot, stored_list: StoredList, *, whole: bool) -> Chart:
    table = snapshot.table
    score = np.zeros(len(table.ids), np.float32)
    rows = table.rows_of(stored_list.movie_ids)
    score[rows[rows >= 0]] = stored_list.scores[rows >= 0]
    order = np.lexsort((table.ids, -table.year.astype(np.int32), -score))
    if not whole:
        order = order[: np.count_nonzero(score)]
    return Chart(order, score[order])


def _current_chart(name: ChartName, epoch: int) -> StoredList:
    """This process's copy while it is fresh and of this epoch; else Redis's; else a count over a sample."""
    if (held := _unexpired(name, epoch)) is not None:
        return held
    with _count_lock:
        if (held := _unexpired(name, epoch)) is not None:
            return held
        for each, made in _load(name, epoch).items():
            _cached[each] = _CachedChart(made, time.monotonic() + LOCAL_TTL)
        return _cached[name].stored_list


def _load(name: ChartName, epoch: int) -> dict[ChartName, StoredList]:
    found = _read_stored(name, epoch)
    if found is not None:
        return {name: found}
    try:
        return _count_and_store(epoch)
    except selectors.DATABASE_ERRORS:
        if name not in _cached:
            raise
        return {name: _cached[name].stored_list._replace(epoch=epoch)}  # an older chart does better than none


def _unexpired(name: ChartName, epoch: int) -> StoredList | None:
    held = _cached.get(name)
    return held.stored_list if held and held.stored_list.epoch == epoch and time.monotonic() < held.until else None


def _read_stored(name: ChartName, epoch: int) -> StoredList | None:
    try:
        found = cache.read_chart(name)
    except CacheUnavailable:
        # Yesterday's popular films do better than a count over the database at every request.
        found = _cached[name].stored_list if name in _cached else None
    return found if found is not None and found.epoch == epoch else None


def _count_and_store(epoch: int) -> dict[ChartName, StoredList]:
    counted = _count(epoch, SAMPLE_ROWS)
    with suppress(CacheUnavailable):  # this process's copy serves until Redis is back
        for name, made in counted.items():
            cache.store_chart(name, made)
    return counted


def _count(epoch: int, sample_rows: int) -> dict[ChartName, StoredList]:
    now = int(time.time())
    audience = selectors.choose_audience()
    fading = trending.decay_weights(*selectors.viewers_by_day(audience, sample_rows=SAMPLE_ROWS))
    found = selectors.watch_weights(
        audience,
        fading.first_day,
        fading.recent.tolist(),
        fading.long_term.tolist(),
        max_recent=MAX_RECENT_PER_VIEWER,
        max_long_term=MAX_LONG_TERM_PER_VIEWER,
        limit=MAX_LENGTH,
        sample_rows=sample_rows,
    )
    more = trending.trend_scores(found.recent, found.long_term)
    rising = np.argsort(-more, kind="stable")[: np.count_nonzero(more > 0)]

    def stored(movie_ids: np.ndarray, weights: np.ndarray) -> StoredList:
        scores = (weights / weights.max(initial=1e-9)).astype(np.float32)
        return StoredList(_NO_MODEL, epoch, 0, movie_ids, scores, now)

    return {
        "popular": stored(found.movie_ids, found.long_term),
        "trending": stored(found.movie_ids[rising], more[rising]),
    }
