"""What would have come of other lists: a candidate's lists for the visits at which a list was drawn, and the estimate.

A candidate is a version of the model or a diversity. Beside it stand the lists as they are served when nothing is
drawn: the same films by score. Both are estimated from the same visits, so that their difference has an interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone

from catalog import selectors
from recommender import registry
from recommender.models import Outcome
from recommender.outcomes.drawn_lists import Drawn, chances_of, read_drawn, with_outcomes
from recommender.outcomes.estimators import Estimate, Estimates, estimate, mean_by_viewer
from recommender.serving import current_versions
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.replay.again import list_as_then
from recommender.serving.reranking.diversity import diversify

MIN_LISTS, MIN_EFFECTIVE, MIN_OVERLAP = 200, 100, 0.8  # below one of them an estimate says too little
MAX_LISTS = 10_000
GATE_DAYS, GATE_LISTS = 14, 1_000  # of the log that the gate's evidence is estimated from, the newest
PLACES = 10

Ranked = Callable[[Drawn], np.ndarray]  # a candidate's films for a visit, int32 [n], first on top


class CannotEstimate(Exception):
    """The log says too little of the candidate; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside the lists as they are served, in rewards of a list."""

    lists: int
    viewers: int
    served: Estimates
    candidate: Estimates
    difference: Estimate  # of the candidate over the served, doubly robust

    @property
    def verdict(self) -> str:
        """Return better, worse or level: level where the interval of the difference has 0 in it."""
        if self.difference.low > 0:
            return "better"
        return "worse" if self.difference.high < 0 else "level"

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "lists": self.lists,
            "viewers": self.viewers,
            "served": self.served.doubly_robust.value,
            "candidate": self.candidate.doubly_robust.value,
            "difference": self.difference._asdict(),
            "effective": self.candidate.effective,
            "overlap": self.candidate.overlap,
            "verdict": self.verdict,
        }


def by_model(name: str) -> Ranked:
    """Return the lists of a version of the model, for each visit by the history of then. Raises CannotEstimate."""
    ranker = registry.ranker(name)
    if ranker is None or ranker.version != name:
        raise CannotEstimate(f"There is no usable model version {name!r}; `manage.py models` lists them.")
    if ranker.metadata.get("data_set", 0) != selectors.data_set():
        raise CannotEstimate(f"{name} was trained on other data: its ids mean other films.")
    return lambda drawn: list_as_then(drawn.served, name).movie_ids


def by_diversity(diversity: float) -> Ranked:
    """Return the lists of a diversity, chosen from the films that each list was drawn from."""
    snapshot = current_versions.read_versions(None).load_snapshot()

    def rank(drawn: Drawn) -> np.ndarray:
        pool = RankedMovies(drawn.pool, drawn.scores)
        pool = pool.select(snapshot.table.rows_of(pool.movie_ids) >= 0)  # not those that are deleted
        return diversify(snapshot, pool, len(drawn.films), diversity).movie_ids

    return rank


def compare_candidate(
    rank: Ranked,
    *,
    kind: Outcome.Kind = Outcome.Kind.CLICK,
    places: int = PLACES,
    since: datetime,
    limit: int = MAX_LISTS,
) -> Comparison:
    """Estimate what would have come of a candidate's lists, and of those that are served. Raises CannotEstimate."""
    drawn = read_drawn(since, limit)
    if len(drawn) < MIN_LISTS:
        raise CannotEstimate(
            f"{len(drawn)} drawn lists were seen since {since:%Y-%m-%d %H:%M}; {MIN_LISTS} are needed. "
            "MOVIEREC_EXPLORATION_SHARE says how many are drawn, and impressions that they were seen."
        )
    outcomes, chances = with_outcomes(drawn, kind, places)
    served, candidate = (
        estimate(outcomes, *_placed(drawn, chances, places, of)) for of in (lambda one: one.pool, rank)
    )
    if candidate.overlap < MIN_OVERLAP or candidate.effective < MIN_EFFECTIVE:
        raise CannotEstimate(
            f"The drawn lists say too little of this candidate. {candidate.overlap:.0%} of its places have films that "
            f"are drawn there often enough ({MIN_OVERLAP:.0%} are needed), and they are worth "
            f"{candidate.effective:.0f} lists ({MIN_EFFECTIVE} are needed). Try an experiment, or wait for more lists."
        )
    difference = mean_by_viewer(outcomes.viewers, candidate.parts - served.parts)
    return Comparison(len(drawn), len(np.unique(outcomes.viewers)), served, candidate, difference)


def _placed(
    drawn: Sequence[Drawn], chances: Sequence[np.ndarray], places: int, rank: Ranked
) -> tuple[np.ndarray, np.ndarray]:
    """Return the films of a candidate at the first places of each list, [n, places], and the chances of having been
    drawn there."""
    films, of_films = np.zeros((len(drawn), places), np.int32), np.zeros((len(drawn), places))
    for row, one in enumerate(drawn):
        own = rank(one)[: min(places, len(one.films))]
        films[row, : len(own)] = own
        of_films[row, : len(own)] = chances_of(own, one.pool, chances[row])
    return films, of_films


def gate_evidence(name: str) -> dict[str, Any]:
    """Return what would have come of a version's lists lately, for the gate's page; else why nothing can be said."""
    try:
        since = timezone.now() - timedelta(days=GATE_DAYS)
        return compare_candidate(by_model(name), since=since, limit=GATE_LISTS).as_dict()
    except CannotEstimate as reason:
        return {"reason": str(reason)}
