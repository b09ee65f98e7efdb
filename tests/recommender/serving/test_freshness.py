"""Freshness: new films move up by as much as their age says."""

from types import SimpleNamespace

import numpy as np

from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.reranking.freshness import HALF_LIFE, prefer_new


def test_an_order_by_hand():
    # Scores 4, 3, 2, 1: their standard deviation is sqrt(1.25) = 1.118. Film 12 is of today, 13 one half-life old.
    now, old = 100 * HALF_LIFE, 0
    table = SimpleNamespace(added_at=np.array([old, old, now, now - HALF_LIFE]), rows_of=lambda ids: ids - 10)
    ranked = RankedMovies(np.array([10, 11, 12, 13], np.int32), np.array([4, 3, 2, 1], np.float32))

    def order(freshness):
        found = prefer_new(SimpleNamespace(table=table), ranked, freshness, now)
        assert found.scores.tolist() == [float(14 - film) for film in found.movie_ids], "scores are the films' own"
        return found.movie_ids.tolist()

    assert order(0.8) == [10, 11, 12, 13]  # 12: 2 + 0.89
    assert order(1.0) == [10, 12, 11, 13]  # 12: 2 + 1.12, 13: 1 + 0.56
    assert order(2.0) == [12, 10, 11, 13]  # 12: 2 + 2.24, 13: 1 + 1.12
    assert order(4.0) == [12, 10, 13, 11]  # 13: 1 + 2.24
