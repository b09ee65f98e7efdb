"""The viewers of a movie, counted from its events: all of them, or a sample of a large table."""

from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection

from catalog.last_word import EventColumns, find_held_events
from catalog.models import WatchEvent
from catalog.selectors.watch_counts import tablesample_clause

SAMPLED_ROWS = 300_000  # events: about 30 milliseconds
RATING_STEPS = 10  # half stars

# There is no index from movies to their events: 25 million rows would pay for it at every write, and pages like this
# one read it a few times a day.
_SELECT_WATCHES = """
    SELECT viewer_id, kind, rating, completion, date_part('year', occurred_at)::int FROM catalog_watchevent {sample}
    WHERE movie_id = %s AND kind IN (1, 2, 7, 8, 9) ORDER BY viewer_id, occurred_at, id
"""


class MovieWatchers(NamedTuple):
    """Who watched or rated a movie, as far as the sample shows."""

    viewer_ids: np.ndarray  # int32, ascending, each once
    ratings: np.ndarray  # int64 [10]: how many gave half a star, a whole one, and so on
    years: dict[int, int]  # year -> watches and ratings
    sample_share: float  # of all events that was read, 0..1


def movie_watchers(movie_id: int) -> MovieWatchers:
    """Count who watched or rated a movie, by the last word, in two queries."""
    clause, share = tablesample_clause(SAMPLED_ROWS)
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_WATCHES.format(sample=clause), [movie_id])
        rows = cursor.fetchall()
    columns = (*zip(*rows, strict=True),) or ((),) * 5
    viewers, kinds, years = (np.array(columns[n], np.int32) for n in (0, 1, 4))
    ratings, completions = (np.array(columns[n], np.float32) for n in (2, 3))  # None becomes NaN
    events = EventColumns(np.full(len(rows), movie_id, np.int32), kinds, ratings, completions)
    held = find_held_events(events, settings.SEEN_SHARE, viewers)
    watched = np.isin(held.kinds, (WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING, WatchEvent.Kind.REWATCH))
    half_stars = (held.ratings[~np.isnan(held.ratings)] * 2).astype(np.int64)
    watched_in = np.unique(years[held.rows][watched], return_counts=True)
    return MovieWatchers(
        np.unique(viewers[held.rows][watched]),
        np.bincount(half_stars, minlength=RATING_STEPS + 1)[1:],
        {int(year): int(count) for year, count in zip(*watched_in, strict=True)},
        share,
    )
