"""Charts as answers: filtered, without what a viewer has seen, and trending mixed with a viewer's taste."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.history import has_known_movies
from recommender.serving.answers import build_answer, rerank
from recommender.serving.candidates.charts import top_of_chart
from recommender.serving.candidates.model_scoring import encode_viewers, score_movies
from recommender.serving.candidates.trending import rank_positions, reciprocal_rank_fusion
from recommender.serving.context import RequestContext, load_ranker, load_viewer, open_context
from recommender.serving.degraded_mode import computing
from recommender.serving.list_sources import Candidates, repeated_candidates
from recommender.serving.metrics import instrumented
from recommender.serving.paging.page import make_page
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import ChartName, RecommendRequest
from recommender.serving.response import Answer
from recommender.serving.wording.texts import Text

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

TREND_POOL = 500  # movies at the head of the trend that a viewer's taste orders anew
NO_TREND = Text("No film that is available and unseen is watched more than usual lately.")


@instrumented
def recommend_chart(request: RecommendRequest, name: ChartName, *, personal: bool = False) -> Answer:
    """List a chart without the movies that do not match the request and those that its viewer has seen or turned down.

    `personal` mixes the trend with the viewer's taste; the source then says so. It stays the trend where the model
    knows nothing of the history.
    """
    return make_page(request.page, lambda page: _chart_page(replace(request, page=page), name, personal=personal))


def _chart_page(request: RecommendRequest, name: ChartName, *, personal: bool) -> Answer:
    context = open_context(request, name)  # one read of Redis
    viewer = load_viewer(context)  # one query
    pool = max(TREND_POOL if personal else 0, context.candidate_count + 1)  # one more tells whether a page follows
    ranked = top_of_chart(name, context.eligible_for(viewer), pool, viewer.seen_ids, context.cache_read.epoch)
    candidates = Candidates(ranked, name, viewer, seen_ids=viewer.seen_ids)
    if personal:
        candidates = _personal(context, candidates)
    candidates = repeated_candidates(context, viewer) or candidates._replace(
        ranked=candidates.ranked.select(slice(context.candidate_count))
    )
    movies = rerank(context, candidates)
    listed = context.snapshot.doubles.all_ids(np.append(request.shown_ids, movies.movie_ids))
    more = bool(len(ranked.without(listed).movie_ids))
    no_trend = (NO_TREND,) if name == "trending" and not request.filters.as_dict() else ()
    answer = build_answer(context, candidates, movies, more=more, why_empty=no_trend)
    answer.is_chart = True
    return answer


def _personal(context: RequestContext, candidates: Candidates) -> Candidates:
    """Mix the trend with the viewer's taste, where the model knows some of it and a place to compute in is free."""
    ranker, viewer = load_ranker(context), candidates.viewer
    if ranker is None or not has_known_movies(viewer.events, ranker):
        return candidates
    with computing(context):
        if context.overloaded:
            return candidates
        state = encode_viewers(ranker, [viewer], context.request.requested_at)
        mixed = mix_with_taste(ranker, state, candidates.ranked)
    return candidates._replace(ranked=mixed, source="trending_for_you", model_version=ranker.version)


def mix_with_taste(ranker: "Ranker", state: np.ndarray, trending: RankedMovies) -> RankedMovies:
    """Order the trend anew by the viewer's taste; `state`: float32 [1, S].

    A movie's score is the mean of 61 / (61 + position) over its position in the trend and that in the model's ranking
    of these movies (from 0): 1 for a movie that leads both. Movies that the model does not know are last in its
    ranking.
    """
    taste = rank_positions(score_movies(ranker, state, trending.movie_ids))
    scores = reciprocal_rank_fusion(np.arange(len(taste)), taste)
    order = np.argsort(-scores, kind="stable")
    return RankedMovies(trending.movie_ids[order], scores[order].astype(np.float32))
