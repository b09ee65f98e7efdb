"""Simulated viewers who get drawn lists: is the true value of a candidate inside its interval, and is the better of two
candidates named?

A viewer clicks a film at a place with the product of how often the place is looked at and how much they like the film.
What the models know is what the viewer likes, with noise: the one that serves with some, one candidate with less, one
with more.
"""

from typing import Any

import numpy as np

from recommender.outcomes.drawn_lists import chances_of
from recommender.outcomes.estimators import DrawnLists, Estimate, estimate, mean_by_viewer, place_chances
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import DRAW_POOL
from recommender.serving.reranking.exploration import draw

VIEWERS, VISITS = 1_600, 3
FILMS, PLACES = 300, 6
EXAMINED = (np.arange(PLACES) + 1.0) ** -0.7  # how often each place is looked at
SERVING_NOISE, BETTER_NOISE, WORSE_NOISE = 0.7, 0.3, 1.2  # of scores; what viewers like has a deviation of 1
LIKED, DISLIKED = 0.25, 3.0  # the greatest rate of clicking; how far above the mean a film is liked half as much


def simulate_drawn(runs: int) -> dict[str, Any]:
    """Return the share of runs in which the true value of a candidate lies in its interval, by estimator, and in which
    the better of two is named."""
    inside = dict.fromkeys(("ips", "snips", "doubly_robust"), 0)
    named = differences = 0
    effective = []
    for run in range(runs):
        rng = np.random.default_rng(run)
        drawn, candidates, truths = _audience(rng)
        found = [estimate(drawn, *candidate) for candidate in candidates]
        for estimates, truth in zip(found, truths, strict=True):
            for name in inside:
                inside[name] += _has(getattr(estimates, name), truth)
            effective.append(estimates.effective)
        difference = mean_by_viewer(drawn.viewers, found[0].parts - found[1].parts)
        differences += _has(difference, truths[0] - truths[1])
        named += (difference.value > 0) == (truths[0] > truths[1])
    return {
        "counterfactual_runs": runs,
        "counterfactual_lists": VIEWERS * VISITS,
        "counterfactual_effective": round(float(np.mean(effective))),
        **{f"counterfactual_inside_{name}": round(count / (2 * runs), 4) for name, count in inside.items()},
        "counterfactual_inside_difference": round(differences / runs, 4),
        "counterfactual_better_named": round(named / runs, 4),
    }


def _has(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def _audience(rng: np.random.Generator) -> tuple[DrawnLists, list[tuple[np.ndarray, np.ndarray]], list[float]]:
    """Return what came of drawn lists, and of both candidates the lists, the chances of their films, the true value."""
    quality = rng.normal(0, 0.7, FILMS)
    lists = VIEWERS * VISITS
    viewers = np.repeat(np.arange(VIEWERS), VISITS)
    films, rewards, shown = np.zeros((lists, PLACES), np.int32), np.zeros((lists, PLACES)), np.zeros((lists, PLACES))
    candidates = [(np.zeros((lists, PLACES), np.int32), np.zeros((lists, PLACES))) for _ in range(2)]
    truths = np.zeros(2)
    for row in range(lists):
        if row % VISITS == 0:
            worth = quality + rng.normal(0, 0.7, FILMS)
            rates = LIKED / (1 + np.exp(DISLIKED - 1 - worth))
            noise = rng.normal(0, 1, FILMS)  # the models err alike, and each by itself
        scores, *others = (worth + spread * (0.8 * noise + 0.6 * rng.normal(0, 1, FILMS))
                           for spread in (SERVING_NOISE, BETTER_NOISE, WORSE_NOISE))  # fmt: skip
        best = np.argsort(-scores, kind="stable")[: DRAW_POOL * PLACES]
        pool = RankedMovies((best + 1).astype(np.int32), scores[best].astype(np.float32))
        one = draw(pool, PLACES, int(rng.integers(1 << 48)))
        values = pool.scores.astype(np.float64)
        chances = place_chances(np.exp((values - values.max()) / one.pool.temperature), PLACES)
        films[row] = one.movies.movie_ids
        shown[row] = chances_of(films[row], pool.movie_ids, chances)
        rewards[row] = rng.random(PLACES) < EXAMINED * rates[films[row] - 1]
        for number, other in enumerate(others):
            own = best[np.argsort(-other[best], kind="stable")[:PLACES]]
            truths[number] += float(EXAMINED @ rates[own])
            candidates[number][0][row] = own + 1
            candidates[number][1][row] = chances_of((own + 1).astype(np.int32), pool.movie_ids, chances)
    return DrawnLists(viewers, films, rewards, shown), candidates, (truths / lists).tolist()
