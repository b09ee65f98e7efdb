"""The end of the read path: candidates re-ranked, and the answer with what was asked for beside the movies."""

import os
from dataclasses import replace

import numpy as np

from recommender.serving.concurrency import GROUPS_AND_EXPLANATIONS, compute_slot
from recommender.serving.context import RequestContext
from recommender.serving.degraded_mode import load_movie_cards
from recommender.serving.explain import explain_movies
from recommender.serving.filtering.attributes import explain_empty, suggest_names
from recommender.serving.list_sources import Candidates
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.reranking.diversity import diversify
from recommender.serving.reranking.merchandising import apply_rules
from recommender.serving.response import Answer, Explanation, Recommendation
from recommender.serving.viewer import ViewerProfile

NOTHING_SEEN = "The viewer has seen no film, or none without bad stars: leave out seen=only."


def rerank(context: RequestContext, candidates: Candidates) -> RankedMovies:
    """Put the candidates into their final order: by the merchandising rules and the diversity that is asked for."""
    request, ranked = context.request, candidates.ranked
    if context.rules is not None:
        return apply_rules(
            context.rules,
            context.eligible_for(candidates.viewer),
            ranked,
            candidates.seen_ids,
            limit=request.limit,
            pool=request.candidate_count,
            diversity=request.diversity,
        )
    if request.diversity and len(ranked.movie_ids):
        return diversify(context.snapshot, ranked, request.limit, request.diversity)
    return ranked


def build_answer(context: RequestContext, candidates: Candidates, movies: RankedMovies) -> Answer:
    """Describe the list: where it comes from, what was kept out of it; titles and explanations where they are asked
    for."""
    request, viewer = context.request, candidates.viewer
    movie_ids = movies.movie_ids.tolist()
    languages = context.languages_for(viewer)
    scores = np.round(movies.scores.astype(np.float64), 5).tolist()
    return Answer(
        recommendations=list(map(Recommendation, movie_ids, scores)),
        source=candidates.source,
        model_version=candidates.model_version,
        recommendation_id=os.urandom(16).hex(),
        is_known_viewer=viewer.exists,
        degraded=context.degraded,
        unused_history=list(candidates.unused_history),
        removal_counts=count_removed(context, viewer),
        unknown_names=context.unknown_names,
        suggestions=suggest_names(context.snapshot, context.unknown_names),
        empty_reason="" if movie_ids else _explain_empty(context, viewer),
        explanations=_explain(context, candidates, movie_ids) if request.explain and movie_ids else None,
        movie_cards=load_movie_cards(movie_ids, context.snapshot, languages) if request.titles else None,
        language=context.snapshot.language_of(languages) if request.titles else "",
    )


def _explain_empty(context: RequestContext, viewer: ViewerProfile) -> str:
    """Say why nothing is listed: where only what was seen may be, by the filters without that."""
    if viewer.only_ids is not None and not len(viewer.only_ids):
        return NOTHING_SEEN
    eligibility = context.eligible_for(replace(viewer, only_ids=None))
    return explain_empty(eligibility, context.request.filters, context.unknown_names)


def count_removed(context: RequestContext, viewer: ViewerProfile) -> dict[str, int]:
    """Count the movies that are kept out of a viewer's list, by reason."""
    seen = {
        reason: count for reason, count in viewer.exclusion_counts(context.snapshot.table)._asdict().items() if count
    }
    return seen | context.eligible_for(viewer).removal_counts()


def _explain(context: RequestContext, candidates: Candidates, movie_ids: list[int]) -> list[Explanation] | None:
    """Explain the list by the histories that it was made from; None while Postgres is down, as they were not read."""
    viewer = candidates.viewer
    if viewer.stored_list is not None:
        return None
    viewers = candidates.members if candidates.source == "model" and candidates.members else [viewer]
    with GROUPS_AND_EXPLANATIONS.slot(), compute_slot():
        return explain_movies(
            movie_ids,
            candidates.source,
            viewers,
            candidates.ranker,
            context.eligible_for(viewer),
            context.request.requested_at,
        )
