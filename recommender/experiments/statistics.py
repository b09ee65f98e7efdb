"""What an experiment says: the difference of a ratio between two arms, by viewers, with intervals.

The ratio of two sums (clicks for each impression) by the delta method: Deng, Knoblich and Lu, "Applying the delta
method in metric analytics" (KDD 2018). A viewer is a unit; what one viewer does hangs together. What viewers did in the
weeks before takes out a part of the variance: CUPED, Deng, Xu, Kohavi and Walker (WSDM 2013).

What is looked at once is tea-tasting's to say (`compare_once`, `viewers_needed`). It takes 140 MB of
memory, so it is imported where somebody asks; `compare`, for every look, is of numpy alone, and guards use it in the
worker. Both make the same estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recommender.experiments.confidence_sequences import always_valid_p, best_rho, half_width

if TYPE_CHECKING:
    from tea_tasting.aggr import Aggregates

ALPHA = 0.05  # of every interval, unless another is asked for
POWER = 0.8
SRM_ALPHA = 0.001  # below it the arms have not the shares that they should have
ROUNDING = 1e-9  # of a viewer's part of a ratio's error
COLUMNS = ("above", "below", "above_before", "below_before")


@dataclass(frozen=True, slots=True)
class Units:
    """An arm's viewers: what each did, and what it is divided by; the same of the weeks before, zeros without any."""

    above: np.ndarray  # float64 [viewers], clicks
    below: np.ndarray  # float64 [viewers], impressions
    above_before: np.ndarray | None = None  # float64 [viewers]
    below_before: np.ndarray | None = None  # float64 [viewers]

    @property
    def rate(self) -> float | None:
        """The ratio of the sums; None where there is nothing to divide by."""
        return float(self.above.sum() / self.below.sum()) if self.below.sum() else None

    @property
    def has_before(self) -> bool:
        """Say whether something is known of the weeks before."""
        return self.above_before is not None and self.below_before is not None and bool(self.below_before.any())

    @property
    def varies(self) -> bool:
        """Say whether viewers differ: two who clicked all that they saw say nothing of how much others would."""
        return len(self.above) > 1 and bool(self.below.any()) and float(np.std(self.residuals())) > ROUNDING

    def residuals(self) -> np.ndarray:
        """Return what each viewer adds to the ratio's error: its variance is that of the ratio times the viewers."""
        return (self.above - (self.rate or 0.0) * self.below) / self.below.mean()

    def aggregates(self) -> "Aggregates":
        """Return count, means, variances and covariances, as tea-tasting takes them."""
        from tea_tasting.aggr import Aggregates

        names = COLUMNS if self.has_before else COLUMNS[:2]
        columns = np.stack([getattr(self, name) for name in names])
        covariance = np.cov(columns)
        return Aggregates(
            columns.shape[1],
            dict(zip(names, columns.mean(axis=1).tolist(), strict=True)),
            dict(zip(names, covariance.diagonal().tolist(), strict=True)),
            {
                (one, other): float(covariance[row, column])
                for row, one in enumerate(names)
                for column, other in enumerate(names)
                if row < column
            },
        )


class Difference(NamedTuple):
    """How far an arm's ratio lies above the control's, at every moment."""

    control: float
    arm: float
    difference: float
    sequential: tuple[float, float]  # 95 % at every moment
    p_value: float  # at every moment
    standard_error: float

    @property
    def is_decided(self) -> bool:
        """Say whether the interval that holds at every moment leaves 0 out."""
        return self.sequential[0] > 0 or self.sequential[1] < 0


class FixedDifference(NamedTuple):
    """How far an arm's ratio lies above the control's, if it is looked at once, at the end."""

    difference: float
    fixed: tuple[float, float]  # 95 %
    relative: tuple[float, float, float] | None  # difference over the control's, with its interval; None: control is 0
    p_value: float
    uses_before: bool  # the weeks before took out a part of the variance


def compare(control: Units, arm: Units, planned: int, alpha: float = ALPHA) -> Difference | None:
    """Compare an arm with the control; None where one of them has fewer than two viewers, or nothing to divide by.

    `planned`: viewers of both arms at which the sequential interval is to be narrowest.
    """
    if not _can_compare(control, arm):
        return None
    errors = [control.residuals(), arm.residuals()]
    difference = (arm.rate or 0.0) - (control.rate or 0.0)
    if _both_have_before(control, arm):
        earlier = [_before(control), _before(arm)]
        slope = _slope(_pool(control, arm), _pool(*earlier))
        errors = [error - slope * before.residuals() for error, before in zip(errors, earlier, strict=True)]
        difference -= slope * ((earlier[1].rate or 0.0) - (earlier[0].rate or 0.0))
    error = sqrt(sum(float(np.var(of_arm, ddof=1)) / len(of_arm) for of_arm in errors))
    viewers = len(control.above) + len(arm.above)
    deviation = error * sqrt(viewers)  # as of a mean of all viewers
    rho = best_rho(max(planned, 10), alpha)
    wide = half_width(viewers, deviation, rho, alpha)
    return Difference(
        control.rate or 0.0,
        arm.rate or 0.0,
        difference,
        (difference - wide, difference + wide),
        always_valid_p(viewers, difference, deviation, rho),
        error,
    )


def compare_once(control: Units, arm: Units) -> FixedDifference | None:
    """Compare an arm with the control as at the one planned look; None where `compare` says None, where an arm has
    nothing above the line, or where no viewer differs from another."""
    if not _can_compare(control, arm) or not control.above.any() or not arm.above.any():
        return None
    if not (control.varies or arm.varies):
        return None
    from tea_tasting.metrics import RatioOfMeans

    uses_before = _both_have_before(control, arm)
    if not uses_before:
        control, arm = Units(control.above, control.below), Units(arm.above, arm.below)
    metric = RatioOfMeans(*(COLUMNS if uses_before else COLUMNS[:2]), use_t=False, confidence_level=1 - ALPHA)
    found = metric.analyze_aggregates(control.aggregates(), arm.aggregates())
    relative = (found.rel_effect_size, found.rel_effect_size_ci_lower, found.rel_effect_size_ci_upper)
    return FixedDifference(
        float(found.effect_size),
        (float(found.effect_size_ci_lower), float(found.effect_size_ci_upper)),
        (float(relative[0]), float(relative[1]), float(relative[2])) if all(map(isfinite, relative)) else None,
        float(found.pvalue),
        uses_before,
    )


def _can_compare(control: Units, arm: Units) -> bool:
    return min(len(control.above), len(arm.above)) >= 2 and control.rate is not None and arm.rate is not None


def _both_have_before(control: Units, arm: Units) -> bool:
    return control.has_before and arm.has_before


def _before(units: Units) -> Units:
    """Return what viewers did in the weeks before."""
    assert units.above_before is not None
    assert units.below_before is not None
    return Units(units.above_before, units.below_before)


def _pool(one: Units, other: Units) -> Units:
    """Return the viewers of both arms, without the weeks before."""
    return Units(np.concatenate([one.above, other.above]), np.concatenate([one.below, other.below]))


def _slope(now: Units, before: Units) -> float:
    """Return how much of what viewers did before goes on: what takes out the most variance."""
    error, covariate = now.residuals(), before.residuals()
    variance = float(np.var(covariate, ddof=1))
    return float(np.cov(error, covariate)[0, 1]) / variance if variance else 0.0


def sample_ratio_p(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Return how likely the arms' numbers of viewers are at their weights: the least p of any arm against the others,
    times the arms (Bonferroni)."""
    total, whole = sum(counts), sum(weights)
    if not total or len(counts) < 2:
        return 1.0
    from scipy.stats import binomtest

    least = min(binomtest(count, total, weight / whole).pvalue for count, weight in zip(counts, weights, strict=True))
    return min(1.0, least * (len(counts) if len(counts) > 2 else 1))


def viewers_needed(pilot: Units, relative_effect: float) -> int:
    """Return the viewers of two arms together that find a relative change of the ratio with 80 % power, looked at once,
    where the control's viewers are like those of the pilot. 0: the pilot says too little."""
    if not pilot.varies or not pilot.rate or not relative_effect:
        return 0
    from tea_tasting.metrics import RatioOfMeans

    names = COLUMNS if pilot.has_before else COLUMNS[:2]
    metric = RatioOfMeans(*names, use_t=False, alpha=ALPHA, power=POWER, rel_effect_size=abs(relative_effect))
    [found] = metric.solve_power_from_aggregates(pilot.aggregates(), "n_obs")
    return ceil(found.n_obs * _variance_over_pilot(relative_effect))


def power_of(pilot: Units, relative_effect: float, viewers: int) -> float | None:
    """Return the power with which two arms of so many viewers together find a relative change, looked at once; None
    where the pilot says too little."""
    if not pilot.varies or not pilot.rate or viewers < 4:
        return None
    from tea_tasting.metrics import RatioOfMeans

    names = COLUMNS if pilot.has_before else COLUMNS[:2]
    alike = max(2, int(viewers / _variance_over_pilot(relative_effect)))  # as many of the pilot's say as much
    metric = RatioOfMeans(*names, use_t=False, alpha=ALPHA, rel_effect_size=abs(relative_effect), n_obs=alike)
    [found] = metric.solve_power_from_aggregates(pilot.aggregates(), "power")
    return float(found.power)


def _variance_over_pilot(relative_effect: float) -> float:
    """Return the mean variance of two arms over the pilot's, where each viewer of one arm clicks more by this share.

    tea-tasting takes both arms to vary as the pilot does. Viewers who click more vary more: their standard deviation
    rises at most as their mean does.
    """
    return (1 + (1 + abs(relative_effect)) ** 2) / 2
