"""The formulas behind trending: when lately is, what is more than usual, and how a trend and a taste are mixed."""

from typing import NamedTuple

import numpy as np

DAY = 86_400  # seconds
ENOUGH = 2_000  # the newest watches: together they are what happened lately
STRAYS = 0.05  # share of them that may lie apart from the others: a few events of today on data that ended years ago
SHORTEST, LONGEST = 7.0, 60.0  # days: bounds of the half-life
EVEN = 60  # places after which a rank counts half, as in reciprocal rank fusion (Cormack et al. 2009)


class Lately(NamedTuple):
    end: int  # unix seconds: the moment that trends are seen from
    half_life: float  # days


def lately(newest: np.ndarray, now: int) -> Lately:
    """From the times of the newest watches (int64, the newest first, up to ENOUGH of them).

    Imported data ends in the past, so "lately" ends where the data does: at the 95th percentile of these times, which a
    handful of strays does not move. Where little is watched it reaches further back: the half-life is half the span of
    these watches, within its bounds.
    """
    if not len(newest):
        return Lately(now, SHORTEST)
    end = int(newest[int(len(newest) * STRAYS)])
    return Lately(end, float(np.clip((end - newest[-1]) / DAY / 2, SHORTEST, LONGEST)))


def surprise(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """(observed - expected) / sqrt(expected + 1): how far a count lies above what was to be expected, in about its
    standard deviations. The 1 keeps a single watch of a film that nobody watches from being a trend."""
    return (observed - expected) / np.sqrt(expected + 1)


def rising(now: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """For each film the surprise of its present weight, where its share of the usual weights is what was expected."""
    return surprise(now, usual * (now.sum() / max(usual.sum(), 1e-9)))


def blended(*orders: np.ndarray) -> np.ndarray:
    """The mean over the orders of 61 / (61 + place): 1 for the film that is first in all. Each order: places from 0."""
    return np.mean([(EVEN + 1) / (EVEN + 1 + places) for places in orders], axis=0)


def places(values: np.ndarray) -> np.ndarray:
    """int64 [n]: 0 for the largest value, and so on; equal ones in the order they stand in."""
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return ranks
