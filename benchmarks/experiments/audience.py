"""Simulated audiences whose click behaviour is known: what experiments on them say, looked at every day."""

from math import ceil
from typing import Any

import numpy as np

from recommender.experiments.statistics import Units, compare, compare_once, viewers_needed

DAYS = 30
NEW_VIEWERS = 60  # of each arm a day
IMPRESSIONS = 8.0  # of a viewer's day, in the mean
CLICK_RATE, CONCENTRATION = 0.1, 20.0  # viewers' own rates of clicking: a beta distribution of this mean
NOVELTY_DAYS, NOVELTY = 2.0, 0.3  # new viewers click more by this share, which dies away
EFFECT = 0.05  # the true difference, relative
POWERED = 10  # experiments of one look for each that is looked at daily: they cost a hundredth
PILOT = 200_000  # viewers
Z = 1.959964  # of a 95 % interval


def simulate(experiments: int) -> dict[str, Any]:
    """Return the share of A/A experiments that raise a false alarm on any of DAYS days, and what a true difference
    takes: power at the planned size, and days until the sequential verdict over days of one look."""
    rng = np.random.default_rng(1)
    alarms = fixed_alarms = 0
    for _ in range(experiments):
        found = [compare(*arms, planned=NEW_VIEWERS * DAYS) for arms in _audience(rng, 0.0, DAYS, NEW_VIEWERS)]
        alarms += any(difference is not None and difference.is_decided for difference in found)
        fixed_alarms += any(
            difference is not None and abs(difference.difference) > Z * difference.standard_error
            for difference in found
        )
    pilot = _one_day_viewers(rng, 0.0, 1, PILOT)[0][0]
    needed = viewers_needed(pilot, EFFECT) // 2  # of each arm
    # Every viewer is there for one day: so many that one look at the end has the planned power.
    daily = ceil(needed / DAYS)
    looks = (compare_once(*_one_day_viewers(rng, EFFECT, 1, daily * DAYS)[0]) for _ in range(POWERED * experiments))
    powered = sum(once is not None and once.fixed[0] > 0 for once in looks)
    days_over = []
    for _ in range(max(20, experiments // 10)):
        seen = _one_day_viewers(rng, EFFECT, 3 * DAYS, daily)
        results = (compare(*arms, planned=2 * needed) for arms in seen)
        better = (day for day, result in enumerate(results, 1) if result and result.sequential[0] > 0)
        days_over.append(next(better, 3 * DAYS) / DAYS)
    return {
        "aa_experiments": experiments,
        "aa_false_alarms": round(alarms / experiments, 4),
        "aa_false_alarms_fixed": round(fixed_alarms / experiments, 4),
        "power_experiments": POWERED * experiments,
        "power": round(powered / (POWERED * experiments), 4),
        "sequential_over_fixed_days": round(float(np.median(days_over)), 2),
    }


def _audience(rng: np.random.Generator, effect: float, days: int, new_viewers: int) -> list[tuple[Units, Units]]:
    """Return what both arms' viewers did until the end of each day; new viewers come every day, and stay."""
    arms = []
    for relative in (0.0, effect):
        viewers = days * new_viewers
        first_day = np.repeat(np.arange(days), new_viewers)
        rates = rng.beta(CLICK_RATE * CONCENTRATION, (1 - CLICK_RATE) * CONCENTRATION, viewers) * (1 + relative)
        activity = rng.gamma(1.0, IMPRESSIONS, viewers)  # some read much more than others
        age = np.arange(days)[:, None] - first_day[None, :]
        shown = rng.poisson(activity, (days, viewers)) * (age >= 0)
        novelty = 1 + NOVELTY * np.exp(-np.maximum(age, 0) / NOVELTY_DAYS)
        clicks = rng.binomial(shown, np.minimum(rates * novelty, 1.0))
        arms.append((first_day, np.cumsum(clicks, axis=0), np.cumsum(shown, axis=0)))
    return [_until(arms, day) for day in range(days)]


def _one_day_viewers(rng: np.random.Generator, effect: float, days: int, new_viewers: int) -> list[tuple[Units, Units]]:
    """The same of viewers who come for one day each."""
    arms = []
    for relative in (0.0, effect):
        viewers = days * new_viewers
        rates = rng.beta(CLICK_RATE * CONCENTRATION, (1 - CLICK_RATE) * CONCENTRATION, viewers) * (1 + relative)
        shown = rng.poisson(rng.gamma(1.0, IMPRESSIONS, viewers))
        arms.append((rng.binomial(shown, np.minimum(rates, 1.0)).astype(float), shown.astype(float)))
    return [
        tuple(Units(above[: day * new_viewers], below[: day * new_viewers]) for above, below in arms)  # type: ignore[misc]
        for day in range(1, days + 1)
    ]


def _until(arms: Any, day: int) -> tuple[Units, Units]:
    control, arm = (
        Units(clicks[day, first_day <= day].astype(float), shown[day, first_day <= day].astype(float))
        for first_day, clicks, shown in arms
    )
    return control, arm
