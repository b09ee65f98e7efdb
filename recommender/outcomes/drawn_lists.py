"""The drawn lists of the log with what came of them, as the estimates read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef

from recommender.models import Outcome, ServedList
from recommender.outcomes.estimators import DrawnLists, place_chances
from recommender.served_lists.entry import FLAGS, Films, first_id

DRAWN = [flags for flags in range(16) if flags & FLAGS["sampled"] and not flags & FLAGS["degraded"]]


class Drawn(NamedTuple):
    """A list that was drawn: what it was drawn from, best first, and how."""

    served: ServedList
    films: np.ndarray  # int32 [n], as shown
    pool: np.ndarray  # int32 [m], shown or not, by score
    scores: np.ndarray  # float32 [m]
    temperature: float


def read_drawn(since: datetime, limit: int) -> list[Drawn]:
    """Read the newest drawn lists since then, the oldest first. Those of which no film was seen say nothing."""
    seen = Outcome.objects.filter(list_id=OuterRef("pk"), kind=Outcome.Kind.IMPRESSION)
    rows = ServedList.objects.filter(Exists(seen), pk__gte=first_id(since), flags__in=DRAWN).order_by("-pk")[:limit]
    drawn = [one for row in rows if (one := _unpack(row)) is not None]
    return drawn[::-1]


def _unpack(row: ServedList) -> Drawn | None:
    films = Films.unpack(bytes(row.films))
    if films.pool is None or films.scores is None:
        return None
    pool = np.append(films.movie_ids, films.pool.movie_ids)
    scores = np.append(films.scores, films.pool.scores)
    order = np.argsort(-scores, kind="stable")
    return Drawn(row, films.movie_ids, pool[order], scores[order], films.pool.temperature)


def with_outcomes(drawn: Sequence[Drawn], kind: Outcome.Kind, places: int) -> tuple[DrawnLists, list[np.ndarray]]:
    """Return what came of the first places of the lists, and the chances of each film of a pool there, [m, places].

    `kind`: what is counted as a reward, once for each film of a list.
    """
    rewarded = _rewarded([one.served.pk for one in drawn], kind)
    films, rewards, shown = (np.zeros((len(drawn), places), dtype) for dtype in (np.int32, np.float64, np.float64))
    chances = []
    for row, one in enumerate(drawn):
        scores = one.scores.astype(np.float64)
        of_pool = place_chances(np.exp((scores - scores.max()) / one.temperature), places)
        chances.append(of_pool)
        own = one.films[:places]
        films[row, : len(own)] = own
        rewards[row, : len(own)] = np.isin(own, list(rewarded.get(one.served.pk, ())))
        shown[row, : len(own)] = chances_of(own, one.pool, of_pool)
    viewers = np.array([one.served.viewer_id for one in drawn], np.int64)
    return DrawnLists(viewers, films, rewards, shown), chances


def chances_of(films: np.ndarray, pool: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return the chances of films to stand at their places, float64 [n]; 0 for one that is not of the pool."""
    order = np.argsort(pool, kind="stable")
    at = np.minimum(np.searchsorted(pool[order], films), len(pool) - 1)
    rows = order[at]
    return np.where(pool[rows] == films, chances[rows, np.arange(len(films))], 0.0)


def _rewarded(list_ids: Sequence[UUID], kind: Outcome.Kind) -> dict[UUID, set[int]]:
    found: dict[UUID, set[int]] = {}
    outcomes = Outcome.objects.filter(list_id__in=list_ids, kind=kind)
    for list_id, movie_id in outcomes.values_list("list_id", "movie_id"):
        found.setdefault(list_id, set()).add(movie_id)
    return found
