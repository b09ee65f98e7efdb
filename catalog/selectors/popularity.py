"""What everyone watches, lately more than long ago."""

import numpy as np
from django.db import connection

from catalog.models import WatchEvent

WORTH_WATCHING = 3.0  # stars: a rating below speaks against the film

_POPULARITY = """
    SELECT movie_id, sum(exp((date_part('epoch', occurred_at) - date_part('epoch', now())) / %(decay)s)) AS weight
    FROM catalog_watchevent {sample}
    WHERE kind = ANY(%(kinds)s::int[]) AND (rating IS NULL OR rating >= %(stars)s)
    GROUP BY movie_id ORDER BY weight DESC, movie_id LIMIT %(limit)s
"""


def popularity(half_life_days: float, *, limit: int, sample_rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Film ids (int32 [n], best first) and their weights (float64 [n]): watches and good ratings, each worth half
    after every `half_life_days`.

    Reads every event, or about `sample_rows` of them, taken by whole pages, where there are more.
    """
    values = {
        "decay": half_life_days * 86_400 / np.log(2).item(),
        "kinds": [WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING],
        "stars": WORTH_WATCHING,
        "limit": limit,
    }
    sample = _sample(sample_rows) if sample_rows is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(_POPULARITY.format(sample=sample), values)
        rows = cursor.fetchall()
    return np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.float64)


def _sample(rows: int) -> str:
    """A TABLESAMPLE clause, by the planner's own estimate of the table; nothing where it is small or not analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'catalog_watchevent'::regclass")
        estimate = cursor.fetchone()[0]
    return f"TABLESAMPLE SYSTEM ({100 * rows / estimate:.6f})" if estimate > rows else ""
