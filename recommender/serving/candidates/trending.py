"""The formulas behind trending: how watches decay, what is more than usual, and how a trend and a taste are mixed."""

from typing import NamedTuple

import numpy as np

from recommender.ml.popularity import passed_days

DAY = 86_400  # seconds
RECENT_HALF_LIFE, LONG_TERM_HALF_LIFE = 7.0, 180.0  # half-lives by that clock
MIN_WEIGHT = 1e-30  # of the oldest watch
MAX_PER_VIEWER = 1.0  # the weight of one viewer's watch
# Movies that one viewer counts for in each of the two weights, however many they watch.
MAX_RECENT_PER_VIEWER, MAX_LONG_TERM_PER_VIEWER = 20.0, 200.0
RRF_K = 60  # positions after which a rank counts half, as in reciprocal rank fusion (Cormack et al. 2009)


class DecayWeights(NamedTuple):
    """The weight of a watch on each day."""

    first_day: int  # day since 1970
    recent: np.ndarray  # float64 [days]
    long_term: np.ndarray  # float64 [days]


def decay_weights(days: np.ndarray, viewers: np.ndarray) -> DecayWeights:
    """Return the weights from how many viewers watched something on which days: int64 [n] ascending, float64 [n].

    Old popularity is a prior that fades with evidence and not with the clock: a day on which FULL_DAY_VIEWERS are
    active passes as a whole, one with fewer by its share, one without any not at all. So imported data that ended years
    ago is as good as new until others are active, and a few watches of today move nothing.
    """
    if not len(days):
        return DecayWeights(0, np.ones(1), np.ones(1))
    first_day, passed = passed_days(days, viewers)
    age = passed[::-1].cumsum()[::-1] - passed  # days that passed since
    recent, long_term = (
        np.maximum(0.5 ** (age / half_life), MIN_WEIGHT) for half_life in (RECENT_HALF_LIFE, LONG_TERM_HALF_LIFE)
    )
    return DecayWeights(first_day, recent, long_term)


def standardised_excess(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return (observed - expected) / sqrt(expected + 1): how far a count lies above the expected one, in about its
    standard deviations. The 1 keeps a single watch of a movie that nobody watches from being a trend."""
    return (observed - expected) / np.sqrt(expected + 1)


def trend_scores(recent: np.ndarray, long_term: np.ndarray) -> np.ndarray:
    """Return how far each movie's recent weight exceeds what its share of the long-term weights lets expect.

    In about standard deviations, float64 [movies]; at most 0 where one viewer could have made it.
    """
    excess = standardised_excess(recent, long_term * (recent.sum() / max(long_term.sum(), 1e-9)))
    return np.where(recent > MAX_PER_VIEWER, excess, np.minimum(excess, 0))


def reciprocal_rank_fusion(*positions: np.ndarray) -> np.ndarray:
    """Return the mean over the rankings of 61 / (61 + position): 1 for the movie that is first in all of them.

    `positions`: of each movie in each ranking, from 0.
    """
    return np.mean([(RRF_K + 1) / (RRF_K + 1 + ranking) for ranking in positions], axis=0)


def rank_positions(values: np.ndarray) -> np.ndarray:
    """Return the position of each value, int64 [n]: 0 for the largest; equal ones in the order they stand in."""
    order = np.argsort(-values, kind="stable")
    positions = np.empty(len(values), np.int64)
    positions[order] = np.arange(len(values))
    return positions
