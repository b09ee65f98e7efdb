"""How movies stand with viewers: written as a whole, by whoever counts."""

from typing import Literal

import numpy as np
from django.db import connection, transaction

# Only what changed is written: most movies are where they were ten minutes ago.
_WRITE = """
    WITH counted AS (SELECT movie_id, value FROM unnest(%(ids)s::int[], %(values)s::float8[]) AS c (movie_id, value)
                     WHERE EXISTS (SELECT FROM catalog_movie m WHERE m.id = movie_id)),
    cleared AS (UPDATE catalog_moviestanding SET {column} = 0
                WHERE {column} <> 0 AND movie_id NOT IN (SELECT movie_id FROM counted))
    INSERT INTO catalog_moviestanding AS s (movie_id, {column}) SELECT movie_id, value FROM counted
    ON CONFLICT (movie_id) DO UPDATE SET {column} = excluded.{column} WHERE s.{column} <> excluded.{column}
"""


def write_standings(column: Literal["popularity", "rating"], movie_ids: np.ndarray, values: np.ndarray) -> None:
    """Replace one column of all standings: `values` above 0 by `movie_ids`, each once; 0 for every other movie."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock('catalog_moviestanding'::regclass::bigint)")
        cursor.execute(
            "DELETE FROM catalog_moviestanding s WHERE NOT EXISTS (SELECT FROM catalog_movie m WHERE m.id = s.movie_id)"
        )
        cursor.execute(
            _WRITE.format(column=column),
            {"ids": movie_ids.tolist(), "values": values.astype(np.float64).tolist()},
        )
