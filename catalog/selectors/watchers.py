"""The viewers of a movie, counted from its events: all of them, or a sample of a large table."""

from typing import NamedTuple

import numpy as np
from django.db import connection

from catalog.selectors.watch_counts import tablesample_clause

SAMPLED_ROWS = 300_000  # events: about 30 milliseconds
RATING_STEPS = 10  # half stars

# There is no index from movies to their events: 25 million rows would pay for it at every write, and pages like this
# one read it a few times a day.
_SELECT_WATCHES = """
    SELECT viewer_id, rating, date_part('year', occurred_at)::int FROM catalog_watchevent {sample}
    WHERE movie_id = %s AND kind IN (1, 2)
"""


class MovieWatchers(NamedTuple):
    """Who watched or rated a movie, as far as the sample shows."""

    viewer_ids: np.ndarray  # int32, ascending, each once
    ratings: np.ndarray  # int64 [10]: how many gave half a star, a whole one, and so on
    years: dict[int, int]  # year -> watches and ratings
    sample_share: float  # of all events that was read, 0..1


def movie_watchers(movie_id: int) -> MovieWatchers:
    """Count who watched or rated a movie, in two queries."""
    clause, share = tablesample_clause(SAMPLED_ROWS)
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_WATCHES.format(sample=clause), [movie_id])
        rows = cursor.fetchall()
    half_stars = [int(rating * 2) for _, rating, _ in rows if rating is not None]
    years = np.array([year for *_, year in rows], np.int64)
    return MovieWatchers(
        np.unique([viewer for viewer, *_ in rows]).astype(np.int32),
        np.bincount(half_stars, minlength=RATING_STEPS + 1)[1:],
        {int(year): int(count) for year, count in zip(*np.unique(years, return_counts=True), strict=True)},
        share,
    )
