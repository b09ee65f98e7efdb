"""What is popular now, counted for the ensemble: refreshed by beat, kept in Redis for all processes.

Counted as the charts are (catalog/selectors/watch_counts.py), so that nobody makes a film popular alone, and over the
windows that the model was trained with. Without it the model ranks with the counts of its training.
"""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog import selectors
from recommender import cache, process_state
from recommender.cache import CacheUnavailable, WatchCounts
from recommender.ml.popularity import DAY, MAX_PER_VIEWER, NUM_COUNTS, WINDOW_DAYS, Popularity, passed_days

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MAX_MOVIES = 50_000  # that are counted, the most watched of each pair of windows
CLOCK_ROWS, COUNT_ROWS = 200_000, 4_000_000  # events that are read: some minutes for a large site
LOCAL_TTL = 300.0  # seconds that a process keeps its copy
OUTSIDE = 1e-30  # the weight of a watch outside a window: above none


class _Local(NamedTuple):
    counts: WatchCounts | None
    until: float  # monotonic seconds


_local = process_state.Value[_Local | None]("movies: the watch counts as last read", None)
_ranker = process_state.Value["tuple[Ranker, WatchCounts, Ranker] | None"]("movies: the ranker at these counts", None)


def refresh() -> int:
    """Count anew and store it. Returns the number of movies that somebody watched."""
    counts = count_watches()
    cache.store_watch_counts(counts)
    return len(counts.movie_ids)


def at_current_counts(ranker: "Ranker") -> "Ranker":
    """Return the ranker at what is popular now; as it is where nothing newer than its training is known of its data
    set."""
    counts = _current()
    if counts is None or ranker.ensemble is None or counts.data_set != ranker.metadata.get("data_set", 0):
        return ranker
    kept = _ranker.current
    if kept is None or kept[0] is not ranker or kept[1] is not counts:
        newer = ranker.with_popularity(Popularity(counts.movie_ids, counts.counts))
        kept = _ranker.current = (ranker, counts, newer)
    return kept[2]


def counts_stamp(newest: int = 0) -> tuple[int, int]:
    """Return when the counts that this process goes by were made, unix seconds, and a checksum of them; zeros without
    any. `newest`: a copy that was made before is read anew, as somebody has seen a newer one."""
    counts = _current(newest)
    return (0, 0) if counts is None else (counts.made_at, counts.content)


def _current(newest: int = 0) -> WatchCounts | None:
    """Return this process's copy while it is fresh, and not made before `newest` (unix seconds), else what Redis has;
    the last one while Redis is away."""
    local = _local.current
    is_older = local is not None and local.counts is not None and local.counts.made_at < newest
    if local is None or is_older or time.monotonic() >= local.until:
        counts = local.counts if local else None
        with suppress(CacheUnavailable):
            counts = cache.read_watch_counts()
            if local and local.counts and counts and local.counts.made_at == counts.made_at:
                counts = local.counts  # the same: what was made of it holds
        local = _local.current = _Local(counts, time.monotonic() + LOCAL_TTL)
    return local.counts


def count_watches() -> WatchCounts:
    """Count over the windows of the ensemble, up to now."""
    data_set, now = selectors.data_set(), int(time.time())
    audience = selectors.choose_audience()
    days, viewers = selectors.viewers_by_day(audience, sample_rows=CLOCK_ROWS)
    # Today is in every window beside the full days before: as of the midnight, which training looks back from.
    first_day, windows = window_weights(days, np.where(days == now // DAY, 0.0, viewers))
    share = min(1.0, COUNT_ROWS / max(1.0, selectors.estimate_events()))  # of the events that are read
    ids, found = [], []
    for pair in range(0, NUM_COUNTS, 2):
        weights = selectors.watch_weights(
            audience,
            first_day,
            windows[pair].tolist(),
            windows[pair + 1].tolist(),
            max_recent=MAX_PER_VIEWER[pair],
            max_long_term=MAX_PER_VIEWER[pair + 1],
            limit=MAX_MOVIES,
            sample_rows=COUNT_ROWS,
        )
        ids.append(weights.movie_ids)
        found.append(np.stack([weights.recent, weights.long_term], axis=1) / share)
    movie_ids = np.unique(np.concatenate(ids))
    counts = np.zeros((len(movie_ids), NUM_COUNTS), np.float32)
    for number, (own_ids, own) in enumerate(zip(ids, found, strict=True)):
        counts[np.searchsorted(movie_ids, own_ids), 2 * number : 2 * number + 2] = own
    return WatchCounts(data_set, now, movie_ids, counts)


def window_weights(days: np.ndarray, viewers: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the first day and what a watch on each day from it on counts in each window, float64 [NUM_COUNTS, days];
    from how many viewers were active on which days, as `selectors.viewers_by_day` returns it."""
    first_day, passed = passed_days(days, viewers)
    if not len(passed):
        return 0, np.ones((NUM_COUNTS, 1))
    age = passed[::-1].cumsum()[::-1]  # days that passed since the day began
    limits = np.array([*WINDOW_DAYS, np.inf])
    return first_day, np.where(age <= limits[:, None] + 1e-6, 1.0, OUTSIDE)
