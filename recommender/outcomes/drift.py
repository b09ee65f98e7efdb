"""How far what is served moved: the population stability index of scores, of genres shown and of sources.

PSI = sum over classes of (q - p) log(q / p), p the shares of the weeks before, q those of now (Siddiqi, "Credit Risk
Scorecards", 2006). Below 0.1 nothing moved, above 0.25 much did: a new model, an import, or a fault.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from math import log

from recommender.models import OutcomeSum

CURRENT_DAYS, REFERENCE_DAYS = 2, 14  # the newest days, and those before
MIN_COUNT = 1_000  # of each side: less says nothing
MIN_SHARE = 1e-4  # of a class, so that an empty one is not infinitely far away
CLASSES = 10  # into which scores are cut, each with a tenth of the reference
SCORE_STEP, MAX_SCORE = 0.25, 50.0  # of the classes that are counted by day; what lies beyond is at the edge


def score_class(score: float) -> int:
    """Return the class that a score is counted in."""
    return round(min(max(score, -MAX_SCORE), MAX_SCORE) / SCORE_STEP)


def read_drift(today: date) -> dict[str, float | None]:
    """Return the index of each of scores, genres and sources; None where there is too little to tell."""
    start = today - timedelta(days=CURRENT_DAYS - 1)
    rows = OutcomeSum.objects.filter(
        day__range=(start - timedelta(days=REFERENCE_DAYS), today), dimension__in=("scores", "genres", "source")
    )
    sides: dict[str, tuple[Counter[str], Counter[str]]] = {
        name: (Counter(), Counter()) for name in ("scores", "genres", "source")
    }
    for row in rows:
        counts = {row.value: row.counts["lists"]} if row.dimension == "source" else row.counts
        sides[row.dimension][row.day >= start].update(counts)
    reference, current = sides["scores"]
    return {
        "scores": stability_index(*_in_tenths(reference, current)),
        "genres": stability_index(*sides["genres"]),
        "sources": stability_index(*sides["source"]),
    }


def stability_index(reference: Mapping[str, int], current: Mapping[str, int]) -> float | None:
    """Return the population stability index of two counts by class; None where one of them has too few."""
    before, now = sum(reference.values()), sum(current.values())
    if min(before, now) < MIN_COUNT:
        return None
    index = 0.0
    for name in reference.keys() | current.keys():
        p = max(reference.get(name, 0) / before, MIN_SHARE)
        q = max(current.get(name, 0) / now, MIN_SHARE)
        index += (q - p) * log(q / p)
    return round(index, 4)


def _in_tenths(reference: Mapping[str, int], current: Mapping[str, int]) -> tuple[Counter[str], Counter[str]]:
    """Return counts by ordered classes as counts by CLASSES wider ones, of which each has a like share of the
    reference."""
    whole, below = sum(reference.values()), 0
    merged: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for place in sorted({int(name) for name in reference.keys() | current.keys()}):
        wide = str(min(CLASSES - 1, below * CLASSES // whole)) if whole else "0"
        merged[0][wide] += reference.get(str(place), 0)
        merged[1][wide] += current.get(str(place), 0)
        below += reference.get(str(place), 0)
    return merged
