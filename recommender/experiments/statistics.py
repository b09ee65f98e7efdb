"""What an experiment says: the difference of a ratio between two arms, by viewers, with intervals.

The ratio of two sums (clicks for each impression) by the delta method: Deng, Knoblich and Lu, "Applying the delta
method in metric analytics" (KDD 2018). A viewer is a unit; what one viewer does hangs together.
"""

from collections.abc import Sequence
from math import erfc, sqrt
from typing import NamedTuple

import numpy as np

from recommender.experiments.confidence_sequences import always_valid_p, best_rho, half_width

Z = 1.959964  # of a fixed-horizon interval of 95 %
POWER_Z = 0.841621  # of 80 % power
SRM_ALPHA = 0.001  # below it the arms have not the shares that they should have


class Units(NamedTuple):
    """An arm's viewers: what each did, and what it is divided by."""

    above: np.ndarray  # float64 [viewers], clicks
    below: np.ndarray  # float64 [viewers], impressions

    @property
    def rate(self) -> float | None:
        """The ratio of the sums; None where there is nothing to divide by."""
        return float(self.above.sum() / self.below.sum()) if self.below.sum() else None

    def residuals(self) -> np.ndarray:
        """Return what each viewer adds to the ratio's error: its variance is that of the ratio times the viewers."""
        return (self.above - (self.rate or 0.0) * self.below) / self.below.mean()


class Difference(NamedTuple):
    """How far an arm's ratio lies above the control's."""

    control: float
    arm: float
    difference: float
    fixed: tuple[float, float]  # 95 %, if it is looked at once, at the end
    sequential: tuple[float, float]  # 95 % at every moment
    p_value: float  # at every moment

    @property
    def is_decided(self) -> bool:
        """Say whether the interval that holds at every moment leaves 0 out."""
        return self.sequential[0] > 0 or self.sequential[1] < 0


def compare(control: Units, arm: Units, planned: int) -> Difference | None:
    """Compare an arm with the control; None where one of them has fewer than two viewers, or nothing to divide by.

    `planned`: viewers of both arms at which the sequential interval is to be narrowest.
    """
    if min(len(control.above), len(arm.above)) < 2 or control.rate is None or arm.rate is None:
        return None
    variance = sum(float(np.var(units.residuals(), ddof=1)) / len(units.above) for units in (control, arm))
    difference, viewers = arm.rate - control.rate, len(control.above) + len(arm.above)
    deviation = sqrt(variance * viewers)  # as of a mean of all viewers
    rho = best_rho(max(planned, 10))
    fixed, wide = Z * sqrt(variance), half_width(viewers, deviation, rho)
    return Difference(
        control.rate,
        arm.rate,
        difference,
        (difference - fixed, difference + fixed),
        (difference - wide, difference + wide),
        always_valid_p(viewers, difference, deviation, rho),
    )


def sample_ratio_p(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Return how likely the arms' numbers of viewers are at their weights: the least p of any arm against the others,
    times the arms (Bonferroni)."""
    total, whole = sum(counts), sum(weights)
    if not total:
        return 1.0
    least = 1.0
    for count, weight in zip(counts, weights, strict=True):
        share = weight / whole
        spread = sqrt(total * share * (1 - share))
        if spread:
            least = min(least, erfc(abs(count - total * share) / spread / sqrt(2)))
    return min(1.0, least * (len(counts) if len(counts) > 2 else 1))


def viewers_needed(rate: float, deviation: float, relative_effect: float) -> int:
    """Return the viewers of each of two arms that find a relative change of the ratio with 80 % power, looked at once.

    `deviation`: of a viewer's residual, as of Units.residuals().
    """
    effect = abs(rate * relative_effect)
    return int(np.ceil(2 * (deviation * (Z + POWER_Z) / effect) ** 2)) if effect else 0
