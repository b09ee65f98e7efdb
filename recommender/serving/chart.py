"""The charts as answers: filtered, without what a viewer has seen, and trending mixed with a viewer's taste."""

from typing import TYPE_CHECKING

import numpy as np

from recommender.history import has_known_movies
from recommender.serving import current_versions
from recommender.serving.candidates import charts, model_scoring
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.candidates.trending import rank_positions, reciprocal_rank_fusion
from recommender.serving.metrics import instrumented
from recommender.serving.pipeline import (
    RequestContext,
    active_ranker,
    build_answer,
    decorate,
    is_active_model,
    load_viewer,
    open_context,
)
from recommender.serving.request import Answer, ChartName, RecommendRequest, Source
from recommender.serving.viewer import ViewerProfile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

TREND_POOL = 500  # films at the head of the trend that a viewer's taste orders anew
NO_TREND = "No film that is available and unseen is watched more than usual lately."


@instrumented
def recommend_chart(request: RecommendRequest, name: ChartName, *, personal: bool = False) -> Answer:
    """A chart without the films that do not satisfy the query and those that its viewer has seen or turned down.

    `for_you` mixes the trend with the viewer's taste; the source then says so. It stays the trend where the model has
    nothing to go by.
    """
    sitting = open_context(request, current_versions.read_versions(request.viewer_id), name)
    who = load_viewer(sitting)
    pool = TREND_POOL if personal else sitting.candidate_count
    ranked = charts.top_of_chart(name, sitting.eligibility, pool, who.seen_ids, sitting.cache_read.versions.epoch or 0)
    ranker = active_ranker(sitting.cache_read) if personal else None
    sitting.degraded |= personal and not is_active_model(ranker, sitting.cache_read)
    if ranker is not None and has_known_movies(who.events, ranker):
        ranked = _mix_with_taste(ranker, who, request, ranked)
        answer = _chart_answer(sitting, who, ranked, "trending_for_you", ranker.version)
    else:
        answer = _chart_answer(sitting, who, ranked, name, None)
    answer.is_chart = True
    if name == "trending" and not request.filters.as_dict() and answer.empty_reason:
        answer.empty_reason = NO_TREND
    return decorate(sitting, answer)


def _chart_answer(
    sitting: RequestContext, who: ViewerProfile, ranked: RankedMovies, source: Source, model: str | None
) -> Answer:
    first = RankedMovies(*(column[: sitting.candidate_count] for column in ranked))
    return build_answer(sitting, first, source, model, known=who.exists)


def _mix_with_taste(
    ranker: "Ranker", who: ViewerProfile, query: RecommendRequest, trending: RankedMovies
) -> RankedMovies:
    """Each film's score is the mean of 61 / (61 + place) over its place in the trend and its place, among these films,
    in the model's ranking for the viewer (places from 0): 1 for a film that leads both. Films that the model does not
    know stand last in its ranking."""
    liking = model_scoring.score_movies(
        ranker, model_scoring.encode_viewers(ranker, [who], query.requested_at), trending.movie_ids
    )
    scores = reciprocal_rank_fusion(np.arange(len(liking)), rank_positions(liking))
    order = np.argsort(-scores, kind="stable")
    return RankedMovies(trending.movie_ids[order], scores[order].astype(np.float32))
