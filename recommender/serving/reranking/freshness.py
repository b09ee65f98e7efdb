"""Freshness: films that came into the catalogue lately move up among a list's candidates."""

import numpy as np

from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.ranked_movies import RankedMovies

HALF_LIFE = 30 * 86_400  # seconds in the catalogue after which a film gets half of what one of today gets


def prefer_new(snapshot: CatalogueSnapshot, ranked: RankedMovies, freshness: float, now: int) -> RankedMovies:
    """Return the ranked movies, with their own scores, in the order of score + freshness * deviation * 2^(-age /
    HALF_LIFE).

    `deviation`: the standard deviation of their scores, so that 1 moves a film of today by as much, whatever the scale
    of the scores. `now`: unix seconds.
    """
    age = np.maximum(0, now - snapshot.table.added_at[snapshot.table.rows_of(ranked.movie_ids)])
    scores = ranked.scores.astype(np.float64)
    raised = scores + freshness * scores.std() * np.exp2(-age / HALF_LIFE)
    return ranked.select(np.argsort(-raised, kind="stable"))
