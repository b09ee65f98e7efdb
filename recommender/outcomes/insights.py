"""The sums of several days as rates with intervals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Any, NamedTuple

from recommender.models import OutcomeSum
from recommender.outcomes.sums import COUNTED, RATES

DIMENSIONS = ("all", "surface", "row", "source", "model", "arm", "viewers", "position", "day")
_Z = 1.959964  # of a 95 % interval


class Rate(NamedTuple):
    """A ratio of two sums with its 95 % interval; None where there is too little to tell."""

    value: float | None
    low: float | None
    high: float | None


def ratio(counts: Mapping[str, int], numerator: str, denominator: str) -> Rate:
    """Return the ratio of two sums over viewers, with an interval by the delta method.

    Viewers are the units, not impressions: what one viewer does hangs together.
    """
    units, below, above = counts.get("units", 0), counts.get(denominator, 0), counts.get(numerator, 0)
    if not below:
        return Rate(None, None, None)
    value = above / below
    if units < 2:
        return Rate(round(value, 6), None, None)
    squares = {pair: counts.get("*".join(sorted(pair)), 0) for pair in ((numerator,) * 2, (denominator,) * 2)}
    product = counts.get("*".join(sorted((numerator, denominator))), 0)
    spread = squares[(numerator,) * 2] - 2 * value * product + value**2 * squares[(denominator,) * 2]
    half = _Z * sqrt(max(0.0, spread) * units / (units - 1)) / below
    return Rate(round(value, 6), round(max(0.0, value - half), 6), round(value + half, 6))


def add_up(rows: Iterable[OutcomeSum]) -> Counter[str]:
    """Return the sums of several rows."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.counts)
    return total


def read_days(since: date, until: date) -> Iterable[OutcomeSum]:
    """Return the sums of all lists of the days from `since` through `until`."""
    return OutcomeSum.objects.filter(day__range=(since, until), dimension="all")


def read_groups(since: date, until: date, by: str) -> dict[str, Counter[str]]:
    """Return the sums of the days from `since` through `until`, by the values of a dimension (of DIMENSIONS)."""
    dimension = "all" if by == "day" else by
    groups: dict[str, Counter[str]] = {}
    for row in OutcomeSum.objects.filter(day__range=(since, until), dimension=dimension).order_by("day"):
        value = row.day.isoformat() if by == "day" else row.value
        groups.setdefault(value, Counter()).update(row.counts)
    return groups


def describe_group(value: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return a group's counts and rates as JSON values."""
    rates = {name: ratio(counts, *of)._asdict() for name, of in RATES.items()}
    lists = counts.get("lists", 0)
    without = counts.get("empty", 0) / lists if lists else None
    return {
        "value": value,
        "viewer_days": counts.get("units", 0),
        **{name: counts.get(name, 0) for name in COUNTED if name != "empty"},
        "lists_without_outcome": None if without is None else round(without, 6),
        **rates,
    }


def read_lost(since: date, until: date) -> dict[str, int]:
    """Return how many outcomes were tied to no list, by reason and kind."""
    lost: Counter[str] = Counter()
    for row in OutcomeSum.objects.filter(day__range=(since, until), dimension="lost"):
        lost[row.value] += row.counts["count"]
    return dict(lost)


def read_shown(since: date, until: date) -> dict[str, float | None]:
    """Return the means over the days: the share of the catalogue that was shown, the share of places that new films
    had, and how novel the films were, in bits."""
    rows = [row.counts for row in OutcomeSum.objects.filter(day__range=(since, until), dimension="shown")]
    rows = [counts for counts in rows if counts["places"] and counts["catalogue"]]
    measured = [counts for counts in rows if "bits" in counts]
    return {
        "coverage": _mean([counts["films"] / counts["catalogue"] for counts in rows]),
        "new_films": _mean([counts["new"] / counts["places"] for counts in rows]),
        "novelty": _mean([counts["bits"] / counts["places"] for counts in measured]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
