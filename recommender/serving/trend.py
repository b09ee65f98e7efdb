"""The formulas behind trending: how watches fade, what is more than usual, and how a trend and a taste are mixed."""

from typing import NamedTuple

import numpy as np

DAY = 86_400  # seconds
FULL_DAY = 50  # viewers who watch something on one day: then the clock of the charts goes on by that day
LATELY_DAYS, USUALLY_DAYS = 7.0, 180.0  # half-lives by that clock
LEAST = 1e-30  # what the oldest watch counts
ONE_VIEWER = 1.0  # what one viewer's watch counts for at most
EVEN = 60  # places after which a rank counts half, as in reciprocal rank fusion (Cormack et al. 2009)


class Fading(NamedTuple):
    """What a watch counts on each day."""

    first: int  # day since 1970
    lately: np.ndarray  # float64 [days]
    usually: np.ndarray  # float64 [days]


def fading(days: np.ndarray, viewers: np.ndarray) -> Fading:
    """From how many viewers watched something on which days (int64 [n] ascending, float64 [n]).

    Old popularity is a prior that fades with evidence and not with the clock: a day on which FULL_DAY viewers are
    active passes as a whole, one with fewer by its share, one without any not at all. So imported data that ended
    years ago is as good as new until others are active, and a few watches of today move nothing.
    """
    if not len(days):
        return Fading(0, np.ones(1), np.ones(1))
    passed = np.zeros(int(days[-1] - days[0]) + 1)
    passed[days - days[0]] = np.minimum(viewers / FULL_DAY, 1)
    age = passed[::-1].cumsum()[::-1] - passed  # days that passed since
    lately, usually = (np.maximum(0.5 ** (age / half_life), LEAST) for half_life in (LATELY_DAYS, USUALLY_DAYS))
    return Fading(int(days[0]), lately, usually)


def surprise(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """(observed - expected) / sqrt(expected + 1): how far a count lies above what was to be expected, in about its
    standard deviations. The 1 keeps a single watch of a film that nobody watches from being a trend."""
    return (observed - expected) / np.sqrt(expected + 1)


def rising(now: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """For each film the surprise of its present weight, where its share of the usual weights is what was expected; 0
    where one viewer could have made it."""
    risen = surprise(now, usual * (now.sum() / max(usual.sum(), 1e-9)))
    return np.where(now > ONE_VIEWER, risen, np.minimum(risen, 0))


def blended(*orders: np.ndarray) -> np.ndarray:
    """The mean over the orders of 61 / (61 + place): 1 for the film that is first in all. Each order: places from 0."""
    return np.mean([(EVEN + 1) / (EVEN + 1 + places) for places in orders], axis=0)


def places(values: np.ndarray) -> np.ndarray:
    """int64 [n]: 0 for the largest value, and so on; equal ones in the order they stand in."""
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return ranks
