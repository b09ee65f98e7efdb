"""The charts as answers: filtered, without what a viewer has seen, and trending mixed with a viewer's taste."""

from typing import TYPE_CHECKING

import numpy as np

from recommender.serving import charts, ranking, stamps
from recommender.serving.query import Answer, ChartName, Query, Source
from recommender.serving.ranking import Ranked
from recommender.serving.recommend import Sitting, active_ranker, answered, asking, serves, sit, told
from recommender.serving.subject import Subject
from recommender.serving.tally import tallied
from recommender.serving.trend import blended, places
from recommender.viewing import has_known_movies

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

POOL = 500  # films at the head of the trend that a viewer's taste orders anew
STILL = "No film that is available and unseen is watched more than usual lately."


@tallied
def charted(query: Query, name: ChartName, *, for_you: bool = False) -> Answer:
    """A chart without the films that do not satisfy the query and those that its viewer has seen or turned down.

    `for_you` mixes the trend with the viewer's taste; the source then says so. It stays the trend where the model has
    nothing to go by.
    """
    sitting = sit(query, stamps.look(query.user_id), name)
    who = asking(sitting)
    pool = POOL if for_you else sitting.pool
    ranked = charts.listed(name, sitting.gate, pool, who.seen, sitting.look.stamps.epoch or 0)
    ranker = active_ranker(sitting.look) if for_you else None
    sitting.degraded |= for_you and not serves(ranker, sitting.look)
    if ranker is not None and has_known_movies(who.events, ranker):
        ranked = _for_you(ranker, who, query, ranked)
        answer = _answer(sitting, who, ranked, "trending_for_you", ranker.version)
    else:
        answer = _answer(sitting, who, ranked, name, None)
    answer.chart = True
    if name == "trending" and not query.filters.given() and answer.reason:
        answer.reason = STILL
    return told(sitting, answer)


def _answer(sitting: Sitting, who: Subject, ranked: Ranked, source: Source, model: str | None) -> Answer:
    first = Ranked(*(column[: sitting.pool] for column in ranked))
    return answered(sitting, first, source, model, known=who.known)


def _for_you(ranker: "Ranker", who: Subject, query: Query, trending: Ranked) -> Ranked:
    """Each film's score is the mean of 61 / (61 + place) over its place in the trend and its place, among these films,
    in the model's ranking for the viewer (places from 0): 1 for a film that leads both. Films that the model does not
    know stand last in its ranking."""
    liking = ranking.rated(ranker, ranking.states(ranker, [who], query.at), trending.movie_ids)
    scores = blended(np.arange(len(liking)), places(liking))
    order = np.argsort(-scores, kind="stable")
    return Ranked(trending.movie_ids[order], scores[order].astype(np.float32))
