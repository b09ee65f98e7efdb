"""How movies stand with viewers: written as a whole, by whoever counts."""

from typing import Literal

import numpy as np
from django.db import connection, transaction

# Only what changed is written: most movies are where they were ten minutes ago.
_WRITE = """
    WITH counted AS (SELECT movie_id, value FROM unnest(%(ids)s::int[], %(values)s::float8[]) AS c (movie_id, value)
                     WHERE EXISTS (SELECT FROM catalog_movie m WHERE m.id = movie_id)),
    cleared AS (UPDATE catalog_moviestanding
                SET {column} = 0, {column}_before = {column}, {column}_since = %(version)s
                WHERE {column} <> 0 AND movie_id NOT IN (SELECT movie_id FROM counted))
    INSERT INTO catalog_moviestanding AS s (movie_id, {column}, {column}_since)
    SELECT movie_id, value, %(version)s FROM counted
    ON CONFLICT (movie_id) DO UPDATE
    SET {column} = excluded.{column}, {column}_before = s.{column}, {column}_since = %(version)s
    WHERE s.{column} <> excluded.{column}
"""
# Above what the rows say as well: a restored database may count from the start.
_NEXT_VERSION = """
    INSERT INTO catalog_revision AS r (id, catalogue, epoch, standings) VALUES (1, 1, 1, 1)
    ON CONFLICT (id) DO UPDATE SET standings = 1 + greatest(
      r.standings, (SELECT max(greatest(popularity_since, rating_since)) FROM catalog_moviestanding))
    RETURNING standings
"""


def write_standings(column: Literal["popularity", "rating"], movie_ids: np.ndarray, values: np.ndarray) -> None:
    """Replace one column of all standings: `values` above 0 by `movie_ids`, each once; 0 for every other movie."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock('catalog_moviestanding'::regclass::bigint)")
        cursor.execute(
            "DELETE FROM catalog_moviestanding s WHERE NOT EXISTS (SELECT FROM catalog_movie m WHERE m.id = s.movie_id)"
        )
        cursor.execute(_NEXT_VERSION)
        (version,) = cursor.fetchone()
        cursor.execute(
            _WRITE.format(column=column),
            {"ids": movie_ids.tolist(), "values": values.astype(np.float64).tolist(), "version": version},
        )
