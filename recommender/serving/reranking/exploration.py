"""Exploration: some personal lists are drawn by chance from what the model ranks best.

What viewers do with them tells what would have come of other lists (`recommender.outcomes.counterfactual`): a list that
is always the same tells nothing of the films that it never shows. Films are drawn one after another, each with a chance
in proportion to exp(score / temperature) among those that are left: the Plackett-Luce model (Luce 1959; Plackett 1975).
Sorting the scores with Gumbel noise added draws all places at once (Yellott 1977; Kool, van Hoof and Welling,
"Stochastic beams and where to find them", arXiv:1903.06059).
"""

import random
from typing import NamedTuple

import numpy as np
from django.conf import settings

from recommender import served_lists
from recommender.served_lists.entry import Pool
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest

SEED_BITS = 48  # whole in every JSON reader
TEMPERATURE = 1.0  # in standard deviations of the pool's scores


class Draw(NamedTuple):
    """A list that was drawn."""

    movies: RankedMovies
    propensities: np.ndarray  # float32 [n]: of each film at its place, below the films above it
    pool: Pool  # the films that were not drawn


def choose_seed(request: RecommendRequest) -> int | None:
    """Return the seed of a list that is to be drawn: of a share of the personal lists, by the settings; else None.

    Only lists that are recorded are drawn, and none that a client asked for by more than the viewer.
    """
    if random.random() >= settings.EXPLORATION_SHARE:  # noqa: S311
        return None
    return random.getrandbits(SEED_BITS) if may_vary(request) else None


def may_vary(request: RecommendRequest) -> bool:
    """Say whether a list may differ from the best films in order, to learn: it is recorded, and the best films for one
    viewer are asked for and nothing else. A viewer in an arm of an experiment gets what the arm says."""
    if not served_lists.is_collecting():
        return False
    asks_more = (
        *(request.viewer_ids, request.history, request.exclude, request.filters.as_dict(), request.explain),
        *(
            request.diversity,
            request.freshness,
            request.requested_at is not None,
            request.final_k is not None,
            request.arm_id,
        ),
        *(request.rules_override is not None, request.seen != "exclude"),
    )
    is_first = request.page is None or (not request.page.number and request.page.made is None)
    return request.viewer_id is not None and is_first and not any(asks_more)


def draw(ranked: RankedMovies, k: int, seed: int) -> Draw:
    """Draw k of the ranked movies. The same seed and movies give the same list."""
    scores = ranked.scores.astype(np.float64)
    temperature = TEMPERATURE * float(scores.std()) or 1.0
    logits = (scores - scores.max()) / temperature
    order = np.argsort(-(logits + np.random.default_rng(seed).gumbel(size=len(logits))), kind="stable")
    drawn, left = order[:k], np.sort(order[k:])
    others = ranked.select(left)
    return Draw(
        ranked.select(drawn),
        place_propensities(logits[drawn], logits[left]),
        Pool(others.movie_ids, others.scores, temperature),
    )


def place_propensities(drawn: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return the chance of each drawn film among those that were left for its place, float32 [n], by their logits.

    It is exp(l[i]) over the sum of exp(l[j]) of the films at its place and below, and of those that were not drawn.
    """
    weights = np.exp(np.concatenate([drawn, left]))
    remaining = np.cumsum(weights[::-1])[::-1]
    return (weights / remaining)[: len(drawn)].astype(np.float32)
