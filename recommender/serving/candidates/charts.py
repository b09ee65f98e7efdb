"""Charts, the candidates for everyone: what is popular, what is watched more than usual lately, what is new.

They serve viewers without a history, times without a model, and lists that are too short.
"""

import threading
import time
from contextlib import suppress
from typing import NamedTuple
from zlib import crc32

import numpy as np

from catalog import selectors, services
from recommender import cache, process_state
from recommender.cache import CacheUnavailable, StoredList
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates import trending
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import ChartName

MAX_LENGTH = 50_000  # movies of a chart, best first
SAMPLE_ROWS = 200_000  # events read when a request finds no chart: bounds how long it waits, about a second
REFRESH_ROWS = 4_000_000  # events read by beat: some twenty seconds, whatever the size of the site
LOCAL_TTL = 60.0  # seconds
_NO_MODEL = ""


class Chart(NamedTuple):
    """The movies of a chart in one catalogue, best first."""

    rows: np.ndarray  # int64 [n], of the catalogue's table
    scores: np.ndarray  # float32 [n], 0..1


class ChartStamp(NamedTuple):
    """Tells charts apart."""

    made_at: int  # unix seconds
    content: int  # a checksum of the movies and their scores


class _CachedChart(NamedTuple):
    stored_list: StoredList
    until: float  # monotonic seconds
    stamp: ChartStamp


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
    """Count the charts anew and store them; beat calls it. Returns the number of movies on each.

    The catalogue gets the popularity, too, by which it is sorted; and the ratings, where that is no long work.
    """
    charts = _count(selectors.catalogue_and_epoch()[1], REFRESH_ROWS)
    popular = charts["popular"]
    services.write_standings("popularity", popular.movie_ids, popular.scores)
    if selectors.estimate_events() <= REFRESH_ROWS:
        refresh_ratings()
    for name, chart in charts.items():
        cache.store_chart(name, chart)
    return {name: len(chart.movie_ids) for name, chart in charts.items()}


def refresh_ratings() -> int:
    """Count anew how movies are rated, by every viewer: a sample would miss most of the movies that few have rated.

    Returns the number of rated movies.
    """
    movie_ids, stars = selectors.mean_ratings(selectors.choose_audience())
    services.write_standings("rating", movie_ids, stars)
    return len(movie_ids)


def top_of_chart(
    name: ChartName, eligibility: EligibilityFilter, k: int, exclude: np.ndarray, epoch: int
) -> RankedMovies:
    """Return the chart's first k movies that pass the filter, without the movie ids of `exclude`; scores in 0..1. Of
    doubles the first."""
    snapshot, chart = eligibility.snapshot, rank_chart(name, eligibility.snapshot, epoch)
    first = np.flatnonzero(eligibility.mask_without(exclude)[chart.rows])[: snapshot.doubles.ranked_count(k)]
    ranked = RankedMovies(snapshot.table.ids[chart.rows[first]], chart.scores[first])
    return ranked.first_of_doubles(snapshot.doubles, k)


def rank_chart(name: ChartName, snapshot: CatalogueSnapshot, epoch: int) -> Chart:
    """Return a whole chart in the catalogue's rows.

    Popular: every movie, those that nobody has watched last, the newest first. Trending: only the movies that are
    watched more than usual. Latest: every movie, by the day since which it can be watched here, then by its year.
    """
    stored_list = None if name == "latest" else _current_chart(name, epoch)
    ranked = _ranked.get(name)
    if ranked is None or ranked.snapshot is not snapshot or ranked.stored_list is not stored_list:
        if stored_list is None:
            chart = _rank_by_date(snapshot)
        else:
            chart = _rank_by_score(snapshot, stored_list, complete=name == "popular")
        ranked = _ranked[name] = _RankedChart(snapshot, stored_list, chart)
    return ranked.chart


def chart_stamps(epoch: int, newest: int = 0) -> list[ChartStamp]:
    """Return the stamps of the stored charts. `newest` (unix seconds): a copy of this process that was made before is
    read anew, as somebody has seen a newer one."""
    names: tuple[ChartName, ...] = ("popular", "trending")
    for name in names:
        cached = _cached.get(name)
        if cached is not None and cached.stamp.made_at < newest:
            _cached[name] = cached._replace(until=float("-inf"))
        _current_chart(name, epoch)
    return [_cached[name].stamp for name in names]


def _rank_by_date(snapshot: CatalogueSnapshot) -> Chart:
    """Rank by the day; an import brings many movies on one day, and among them the year decides."""
    table = snapshot.table
    day = np.maximum(table.added_at, table.available_from) // trending.DAY
    rows = np.lexsort((-table.ids, -table.year.astype(np.int32), -day))
    return Chart(rows, np.linspace(1, 0, len(rows), endpoint=False, dtype=np.float32))


def _rank_by_score(snapshot: CatalogueSnapshot, stored_list: StoredList, *, complete: bool) -> Chart:
    """Rank by the stored scores; `complete`: with the movies that have none behind."""
    table = snapshot.table
    scores = np.zeros(len(table.ids), np.float32)
    rows = table.rows_of(stored_list.movie_ids)
    scores[rows[rows >= 0]] = stored_list.scores[rows >= 0]
    order = np.lexsort((table.ids, -table.year.astype(np.int32), -scores))
    if not complete:
        order = order[: np.count_nonzero(scores)]
    return Chart(order, scores[order])


def _current_chart(name: ChartName, epoch: int) -> StoredList:
    """Return this process's copy while it is fresh and of this epoch; else Redis's; else a count over a sample."""
    if (stored_list := _local_copy(name, epoch)) is not None:
        return stored_list
    with _count_lock:
        if (stored_list := _local_copy(name, epoch)) is not None:
            return stored_list
        for loaded_name, loaded in _load(name, epoch).items():
            _cached[loaded_name] = _CachedChart(loaded, time.monotonic() + LOCAL_TTL, _stamp(loaded))
        return _cached[name].stored_list


def _local_copy(name: ChartName, epoch: int) -> StoredList | None:
    cached = _cached.get(name)
    if cached is None or cached.stored_list.epoch != epoch or time.monotonic() >= cached.until:
        return None
    return cached.stored_list


def _stamp(chart: StoredList) -> ChartStamp:
    return ChartStamp(chart.made_at, crc32(chart.movie_ids.tobytes() + chart.scores.tobytes()))


def _load(name: ChartName, epoch: int) -> dict[ChartName, StoredList]:
    """Read the chart from Redis, else count both charts and store them; while Postgres is down, take the last one."""
    last = _cached[name].stored_list if name in _cached else None
    try:
        stored_list = cache.read_chart(name)
    except CacheUnavailable:
        stored_list = last  # an older chart does better than a count over the database at every request
    if stored_list is not None and stored_list.epoch == epoch:
        return {name: stored_list}
    try:
        charts = _count(epoch, SAMPLE_ROWS)
    except selectors.DATABASE_ERRORS:
        if last is None:
            raise
        return {name: last._replace(epoch=epoch)}
    with suppress(CacheUnavailable):  # this process's copy serves until Redis is back
        for counted_name, chart in charts.items():
            cache.store_chart(counted_name, chart)
    # With scores rounded as others read them: a page that was made from the chart must be current for them.
    return {counted_name: chart.as_stored() for counted_name, chart in charts.items()}


def _count(epoch: int, sample_rows: int) -> dict[ChartName, StoredList]:
    """Count popular and trending over so many events."""
    now = int(time.time())
    audience = selectors.choose_audience()
    decay = trending.decay_weights(*selectors.viewers_by_day(audience, sample_rows=SAMPLE_ROWS))
    watches = selectors.watch_weights(
        audience,
        decay.first_day,
        decay.recent.tolist(),
        decay.long_term.tolist(),
        max_recent=trending.MAX_RECENT_PER_VIEWER,
        max_long_term=trending.MAX_LONG_TERM_PER_VIEWER,
        limit=MAX_LENGTH,
        sample_rows=sample_rows,
    )
    trend = trending.trend_scores(watches.recent, watches.long_term)
    rising = np.argsort(-trend, kind="stable")[: np.count_nonzero(trend > 0)]

    def to_chart(movie_ids: np.ndarray, weights: np.ndarray) -> StoredList:
        scores = (weights / weights.max(initial=1e-9)).astype(np.float32)
        return StoredList(_NO_MODEL, epoch, 0, movie_ids, scores, now)

    return {
        "popular": to_chart(watches.movie_ids, watches.long_term),
        "trending": to_chart(watches.movie_ids[rising], trend[rising]),
    }
