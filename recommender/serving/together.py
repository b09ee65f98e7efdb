"""Two to ten viewers who watch together: one list that nobody has seen and that leaves nobody out.

Each viewer's ranking gives a film 61 / (61 + place), as in reciprocal rank fusion (Cormack et al. 2009): nobody counts
for more because the model is surer of them. A film's score is half the mean of these and half the least of them. By the
mean alone one viewer's favourites can be what another cannot stand; by the least alone (PolyLens, O'Connor et al. 2001)
nobody gets a favourite; both together are a consensus function as of Amer-Yahia et al. 2009.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender.ml.data import Events
from recommender.serving import ranking, stamps
from recommender.serving.capacity import HEAVY, computing
from recommender.serving.query import Answer, Query
from recommender.serving.ranking import Ranked
from recommender.serving.recommend import (
    Sitting,
    active_ranker,
    from_kin,
    from_model,
    from_popular,
    meet,
    serves,
    sit,
    told,
)
from recommender.serving.subject import Subject, subject
from recommender.serving.tally import tallied
from recommender.serving.trend import EVEN, places
from recommender.viewing import has_known_movies, merge_exclusions

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

LEAST_MISERY = 0.5  # the part of the least content viewer; the rest is the mean of all
CANDIDATES = 200  # of each viewer's best films, at the least


@tallied
@HEAVY.place()
@computing()
def recommend_together(query: Query) -> Answer:
    """For the viewers of `query.user_ids`. What any of them has seen or turned down is left out, and the strictest of
    their age limits holds. Viewers of whom the model can read nothing have no say beside that."""
    sitting = sit(query, stamps.look(None))
    histories = {history.viewer_id: history for history in selectors.histories(query.user_ids)}
    members = [subject(_alone(viewer), histories.get(viewer)) for viewer in query.user_ids]
    group = _as_one(members, list(histories.values()))
    meet(sitting, group)
    ranker = active_ranker(sitting.look)
    sitting.degraded |= not serves(ranker, sitting.look)
    return told(sitting, _from_model(sitting, members, group, ranker) or from_popular(sitting, group))


def _alone(viewer: int) -> Query:
    return Query(user_id=viewer)


def _as_one(members: Sequence[Subject], histories: Sequence[selectors.History]) -> Subject:
    """What all of them watched, and what holds for all of them."""
    return Subject(
        viewer_id=None,
        version=None,
        events=_in_order(histories),
        barred=merge_exclusions([one.barred for one in members]),
        sent=(),
        sent_ids=np.empty(0, np.int32),
        known=all(one.known for one in members),
        age_limit=selectors.strictest_age_limit(*(one.age_limit for one in members)),
    )


def _in_order(histories: Sequence[selectors.History]) -> Events:
    """Film ids and kinds of all events by their times."""
    if not histories:
        return Events.from_ids([])
    order = np.argsort(np.concatenate([one.occurred_at for one in histories]), kind="stable")
    ids, kinds = (np.concatenate([getattr(one, name) for one in histories])[order] for name in ("movie_ids", "kinds"))
    return Events(ids, kinds=kinds)


def _from_model(sitting: Sitting, members: Sequence[Subject], group: Subject, ranker: "Ranker | None") -> Answer | None:
    if ranker is None:
        return None
    heard = [one for one in members if has_known_movies(one.events, ranker)]
    if not heard:
        return from_kin(sitting, group)
    ranked = _fused(sitting, heard, group, ranker)
    return from_model(sitting, group, ranker, ranked) if len(ranked.movie_ids) else None


def _fused(sitting: Sitting, heard: Sequence[Subject], group: Subject, ranker: "Ranker") -> Ranked:
    query, gate = sitting.query, sitting.gate
    states = ranking.states(ranker, heard, query.at)
    barred = np.concatenate([group.seen, gate.exclude])
    most = max(CANDIDATES, sitting.pool)
    best = ranking.best(ranker, states, most, gate, [barred] * len(heard))
    candidates = np.unique(np.concatenate([one.movie_ids for one in best]))
    candidates = candidates[
        ranker.columns_of(candidates) >= 0
    ]  # a night has to learn of a film before all can agree on it
    scores = fused(ranker.score(states, candidates.tolist())) if len(candidates) else np.empty(0)
    first = np.argsort(-scores, kind="stable")[: sitting.pool]
    return Ranked(candidates[first], scores[first].astype(np.float32))


def fused(scores: np.ndarray) -> np.ndarray:
    """float64 [n], 0..1, from the viewers' own scores [viewers, n]: 1 for a film that all of them have first."""
    content = np.stack([(EVEN + 1) / (EVEN + 1 + places(row)) for row in scores])
    return (1 - LEAST_MISERY) * content.mean(0) + LEAST_MISERY * content.min(0)
