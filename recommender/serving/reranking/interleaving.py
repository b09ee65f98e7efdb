"""Interleaving: two ways of ranking share one list, and viewers' clicks say which of them found the better films.

Team draft (Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?", CIKM 2008): in each
round a coin says who chooses first, and each puts its best film that is not on the list yet. Both have as many films on
the list, and the same chance of the first place.
"""

import random
from typing import NamedTuple

import numpy as np
from django.conf import settings

from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest, Rival
from recommender.serving.reranking.exploration import SEED_BITS, may_vary


class Mix(NamedTuple):
    """A list of two ways of ranking."""

    movies: RankedMovies
    of_rival: np.ndarray  # bool [n]: chosen by the second one


def choose_rival(request: RecommendRequest) -> Rival | None:
    """Return the second way of ranking of a share of the personal lists, by the settings; else None."""
    if random.random() >= settings.INTERLEAVE_SHARE or not may_vary(request):  # noqa: S311
        return None
    seed = random.getrandbits(SEED_BITS)
    if settings.INTERLEAVE_MODEL:
        return Rival(seed, model=settings.INTERLEAVE_MODEL)
    return Rival(seed, settings.INTERLEAVE_DIVERSITY)


def mix(ranked: RankedMovies, rival: RankedMovies, k: int, seed: int) -> Mix:
    """Draft a list of k films from two lists. Scores are the films' own, of the first list where both have a film."""
    ids, of_rival = team_draft(ranked.movie_ids.tolist(), rival.movie_ids.tolist(), k, seed)
    score_of = dict(zip(rival.movie_ids.tolist(), rival.scores.tolist(), strict=True))
    score_of |= dict(zip(ranked.movie_ids.tolist(), ranked.scores.tolist(), strict=True))
    scores = np.array([score_of[movie_id] for movie_id in ids], np.float32)
    return Mix(RankedMovies(np.array(ids, np.int32), scores), np.array(of_rival, bool))


def team_draft(first: list[int], second: list[int], k: int, seed: int) -> tuple[list[int], list[bool]]:
    """Return the k films of a draft, and of each whether the second list chose it. The same seed, the same list."""
    coins = np.random.default_rng(seed)
    waiting = [iter(first), iter(second)]
    drafted: dict[int, bool] = {}
    while len(drafted) < k:
        before = len(drafted)
        starts = int(coins.integers(2))
        for team in (starts, 1 - starts):
            movie_id = next((movie_id for movie_id in waiting[team] if movie_id not in drafted), None)
            if movie_id is not None and len(drafted) < k:
                drafted[movie_id] = bool(team)
        if len(drafted) == before:  # both have nothing left
            break
    return list(drafted), list(drafted.values())
