"""Intervals that hold at every moment, however often they are looked at.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit
theory and asymptotic confidence sequences" (arXiv:2103.06476), with the normal mixture of Robbins.
"""

from math import exp, log, sqrt


def half_width(units: float, deviation: float, rho: float, alpha: float = 0.05) -> float:
    """Return half of the interval around a mean of so many units with this standard deviation, at any moment."""
    scaled = units * rho**2
    return deviation * sqrt(2 * (scaled + 1) / (units**2 * rho**2) * log(sqrt(scaled + 1) / alpha))


def best_rho(units: float, alpha: float = 0.05) -> float:
    """Return the parameter with which the intervals are narrowest at so many units."""
    return sqrt((-2 * log(alpha) + log(-2 * log(alpha) + 1)) / units)


def always_valid_p(units: float, estimate: float, deviation: float, rho: float) -> float:
    """Return the smallest alpha whose interval leaves 0 out: a p-value that may be looked at at every moment."""
    if not deviation or not units:
        return 0.0 if estimate and units else 1.0
    scaled = units * rho**2
    squared = (estimate / deviation) ** 2 * units**2 * rho**2 / (2 * (scaled + 1))
    return min(1.0, sqrt(scaled + 1) * exp(-min(squared, 700.0)))
