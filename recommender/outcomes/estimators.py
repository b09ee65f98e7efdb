"""Estimates from drawn lists of what would have come of other lists.

A film's reward is taken to depend on the viewer, the film and its place, and not on the films around it (the
item-position model of Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen, "Offline evaluation of ranking policies
with click models", KDD 2018, arXiv:1804.10488). So each place where a drawn list agrees with the candidate's counts, by
one over the chance that this film came to stand at this place, whatever stood above it.

IPS    mean of weight times reward; weights are cut off at MAX_WEIGHT (Ionides 2008)
SNIPS  at each place the weighted mean (Swaminathan and Joachims, NIPS 2015)
DR     what a model of rewards expects, and IPS of what it missed (Dudik, Langford and Li, ICML 2011, arXiv:1103.4601)

Intervals are by viewers: what one viewer does hangs together.
"""

from typing import NamedTuple

import numpy as np

MAX_WEIGHT = 100.0
Z = 1.959964  # of an interval of 95 %
NODES = 48  # of the integral over time
PRIOR = 5.0  # expected rewards that a film begins with as an average one
FOLDS = 2


class DrawnLists(NamedTuple):
    """Drawn lists of n viewers' visits: what was shown, what came of it, and the chances."""

    viewers: np.ndarray  # int64 [n]
    films: np.ndarray  # int32 [n, K]; 0 below the end of a shorter list
    rewards: np.ndarray  # float64 [n, K]
    chances: np.ndarray  # float64 [n, K]: of each shown film at its place


class Estimate(NamedTuple):
    """A mean reward of a list with its interval of 95 %."""

    value: float
    low: float
    high: float


class Estimates(NamedTuple):
    """What would have come of a candidate's lists."""

    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    effective: float  # lists that say as much as if all had agreed, the mean over places
    overlap: float  # share of the candidate's places whose film could have been drawn there often enough
    parts: np.ndarray  # float64 [n]: what each list adds to the doubly robust estimate


def place_chances(weights: np.ndarray, places: int) -> np.ndarray:
    """Return the chance of each film to stand at each of the first places in a Plackett-Luce draw, float64 [m, places].

    `weights`: float64 [m], above 0. Films arrive at exponential times with these rates, and the order of arrival is the
    draw: film j has place k if it arrives at t and k others have arrived by then. That number is a sum of independent
    Bernoulli variables, and the chance the integral over t.
    """
    count = len(weights)
    rates = weights / weights.sum()
    times, steps = _time_nodes(rates, places)
    arrived = -np.expm1(-rates[:, None] * times)  # [m, nodes]
    before = np.zeros((count, len(times), places))  # of each film: the number of others that have arrived
    before[:, :, 0] = 1
    for other in range(count):
        share = arrived[other][None, :, None]
        moved = before * (1 - share)
        moved[:, :, 1:] += before[:, :, :-1] * share
        moved[other] = before[other]
        before = moved
    density = rates[:, None] * np.exp(-rates[:, None] * times) * steps
    chances = np.einsum("jt,jtk->jk", density, before)
    return chances / np.maximum(chances.sum(0), 1e-12)  # one of them stands there


def _time_nodes(rates: np.ndarray, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of the integral and the weight of each: even steps of their logarithm."""
    first = np.log(1e-5 / rates.sum())
    last = np.log(12.0 / np.sort(rates)[::-1][: places + 12].min())
    logs = np.linspace(first, last, NODES)
    times = np.exp(logs)
    return times, times * (logs[1] - logs[0])


def estimate(drawn: DrawnLists, candidate: np.ndarray, candidate_chances: np.ndarray) -> Estimates:
    """Estimate the mean reward of the candidate's lists, int32 [n, K], 0 where one has no film; see the module.

    `candidate_chances`: of the candidate's films to have been drawn at these places, float64 [n, K]; 0: never.
    """
    agree = (drawn.films == candidate) & (candidate > 0) & (drawn.chances > 0)
    weights = np.where(agree, 1 / np.maximum(drawn.chances, 1 / MAX_WEIGHT), 0.0)
    expected, expected_shown = _expected_rewards(drawn, candidate)
    ips = (weights * drawn.rewards).sum(1)
    robust = (expected + weights * (drawn.rewards - expected_shown)).sum(1)
    sums = weights.sum(0)
    means = np.divide((weights * drawn.rewards).sum(0), sums, out=np.zeros_like(sums), where=sums > 0)
    shares = np.divide(weights, sums / len(weights), out=np.zeros_like(weights), where=sums > 0)
    snips = means.sum() + (shares * (drawn.rewards - means)).sum(1)  # linear around the means
    squares = (weights**2).sum(0)
    effective = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
    wanted = candidate > 0
    return Estimates(
        mean_by_viewer(drawn.viewers, ips),
        mean_by_viewer(drawn.viewers, snips),
        mean_by_viewer(drawn.viewers, robust),
        float(effective[wanted.any(0)].mean()) if wanted.any() else 0.0,
        float((candidate_chances >= 1 / MAX_WEIGHT)[wanted].mean()) if wanted.any() else 0.0,
        robust,
    )


def mean_by_viewer(viewers: np.ndarray, values: np.ndarray) -> Estimate:
    """Return the mean of lists' values with its interval, whose units are the viewers (delta method)."""
    _, unit = np.unique(viewers, return_inverse=True)
    lists = np.bincount(unit).astype(float)
    mean = float(values.mean())
    errors = np.bincount(unit, values) - mean * lists
    count = len(lists)
    half = Z * float(np.sqrt((errors**2).sum() * count / max(count - 1, 1))) / len(values)
    return Estimate(mean, mean - half, mean + half)


def _expected_rewards(drawn: DrawnLists, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a model expects of the candidate's films and of those shown, both [n, K]: the place's mean reward
    times how much better than the mean the film does. It is fitted to other viewers than it is used for."""
    expected, expected_shown = np.zeros(candidate.shape), np.zeros(candidate.shape)
    films = np.unique(np.append(drawn.films, candidate))
    shown_at, wanted_at = np.searchsorted(films, drawn.films), np.searchsorted(films, candidate)
    fold = np.unique(drawn.viewers, return_inverse=True)[1] % FOLDS
    for part in range(FOLDS):
        own, other = fold == part, fold != part
        if not other.any():
            other = own
        of_place = np.where(drawn.films[other] > 0, drawn.rewards[other], np.nan)
        with np.errstate(invalid="ignore"):
            rates = np.nan_to_num(np.nansum(of_place, 0) / np.maximum((drawn.films[other] > 0).sum(0), 1))
        usual = np.bincount(shown_at[other].ravel(), np.broadcast_to(rates, of_place.shape).ravel(), len(films))
        found = np.bincount(shown_at[other].ravel(), drawn.rewards[other].ravel(), len(films))
        ratio = (found + PRIOR) / (usual + PRIOR)
        ratio[films == 0] = 0
        expected[own], expected_shown[own] = rates * ratio[wanted_at[own]], rates * ratio[shown_at[own]]
    return expected, expected_shown
