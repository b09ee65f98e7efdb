"""Who watches a film: by events of it, all of them or a sample where there are many more of other films."""

from typing import NamedTuple

import numpy as np
from django.db import connection

from catalog.selectors.popularity import sample

ROWS_READ = 300_000  # events: about 30 milliseconds
MOST_RATINGS = 10  # half stars

# There is no index from films to their events: 25 million rows pay for it at every write, and pages like this one read
# it a few times a day.
_OF_FILM = """
    SELECT viewer_id, rating, date_part('year', occurred_at)::int FROM catalog_watchevent {sample}
    WHERE movie_id = %s AND kind IN (1, 2)
"""


class Watchers(NamedTuple):
    viewer_ids: np.ndarray  # int32, ascending, each once
    ratings: np.ndarray  # int64 [10]: how many gave half a star, a whole one, and so on
    years: dict[int, int]  # year -> watches and ratings
    part: float  # of all events that was read, 0..1


def watchers(movie_id: int) -> Watchers:
    """Two queries."""
    clause, part = sample(ROWS_READ)
    with connection.cursor() as cursor:
        cursor.execute(_OF_FILM.format(sample=clause), [movie_id])
        rows = cursor.fetchall()
    stars = [int(rating * 2) for _, rating, _ in rows if rating is not None]
    years = np.array([year for *_, year in rows], np.int64)
    return Watchers(
        np.unique([viewer for viewer, *_ in rows]).astype(np.int32),
        np.bincount(stars, minlength=MOST_RATINGS + 1)[1:],
        {int(year): int(count) for year, count in zip(*np.unique(years, return_counts=True), strict=True)},
        part,
    )
