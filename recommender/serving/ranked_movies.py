"""Movies in an order, as candidates, filtering and re-ranking hand them on."""

from typing import NamedTuple

import numpy as np

from recommender.movies.doubles import Doubles


class RankedMovies(NamedTuple):
    """Movies with their scores, best first."""

    movie_ids: np.ndarray  # int32 [n]
    scores: np.ndarray  # float32 [n]

    def select(self, choice: np.ndarray | slice) -> "RankedMovies":
        """Return the movies at these positions in their order, or those of a bool mask."""
        return RankedMovies(self.movie_ids[choice], self.scores[choice])

    def without(self, movie_ids: np.ndarray) -> "RankedMovies":
        """Return the movies that are none of these."""
        return self.select(~np.isin(self.movie_ids, movie_ids)) if len(movie_ids) else self

    def first_of_doubles(self, doubles: Doubles, k: int) -> "RankedMovies":
        """Return the first k movies that are no doubles of one above."""
        return self.select(doubles.keep_first(self.movie_ids)).select(slice(k))


NO_MOVIES = RankedMovies(np.empty(0, np.int32), np.empty(0, np.float32))


def top_rows(scores: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    """Return the k allowed rows (bool [n]) with the highest scores of 0 and more; among equals the lower row first."""
    scores = np.where(allowed, scores, -1)
    last = np.partition(scores, -k)[-k] if k < len(scores) else 0  # all are not sorted for the first few
    near = np.flatnonzero(scores >= max(last, 0))
    return near[np.argsort(-scores[near], kind="stable")[:k]]
