"""The read path: one request in, one list out."""

from dataclasses import replace

from recommender.cache import ListRead
from recommender.serving.answers import build_answer, rerank
from recommender.serving.context import RequestContext, load_viewer, open_context
from recommender.serving.degraded_mode import computing, degraded_candidates, older_candidates
from recommender.serving.group import recommend_for_group
from recommender.serving.list_sources import (
    Candidates,
    personal_candidates,
    popular_candidates,
    repeated_candidates,
    stored_candidates,
)
from recommender.serving.metrics import instrumented
from recommender.serving.paging.page import Page, make_page
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.reranking.exploration import choose_seed
from recommender.serving.reranking.interleaving import choose_rival
from recommender.serving.reranking.new_films import choose_place
from recommender.serving.response import Answer


@instrumented
def recommend(request: RecommendRequest, list_read: ListRead | None = None) -> Answer:
    """Recommend movies to one viewer, or to several who watch together.

    `list_read`: what was read of Redis before in this call. Raises OperationalError where Postgres is down and the
    viewer has no current stored list; for staff, who get no list of less, Overloaded.
    """

    def build(page: Page | None) -> Answer:
        return _recommend_page(request if page is request.page else replace(request, page=page), list_read)

    return make_page(request.page, build)


def _recommend_page(request: RecommendRequest, list_read: ListRead | None) -> Answer:
    if request.viewer_ids:
        return recommend_for_group(request)
    if request.seed is None and (seed := choose_seed(request)) is not None:
        request = replace(request, seed=seed)
    elif request.seed is None and request.rival is None and (rival := choose_rival(request)) is not None:
        request = replace(request, rival=rival)
    elif request.seed is None and request.rival is None and request.new_film is None:
        request = replace(request, new_film=choose_place(request))
    context = open_context(request, list_read=list_read)  # versions, stored list and catalogue: one read of Redis
    candidates = _find_candidates(context)
    if request.rival is not None and request.rival.model:
        context.rival_list = _rank_by_model(request, request.rival.model)
    movies = rerank(context, candidates)  # merchandising rules, diversity
    return build_answer(context, candidates, movies)  # explanations and titles, where they are asked for


def _find_candidates(context: RequestContext) -> Candidates:
    """Return the movies that the list is chosen from, of the first source that has them."""
    request = context.request
    needs_history = request.explain or (request.page is not None and request.page.made is not None)
    if not needs_history and (stored := stored_candidates(context)) is not None:
        return stored
    with computing(context):
        viewer = load_viewer(context)  # one query
        return (
            repeated_candidates(context, viewer)
            or older_candidates(context, viewer)
            or degraded_candidates(context, viewer)
            or stored_candidates(context, viewer)
            or personal_candidates(context, viewer)
            or popular_candidates(context, viewer)
        )


def _rank_by_model(request: RecommendRequest, model: str) -> RankedMovies | None:
    """Return the list of another model for the same request; None where that model did not make it."""
    context = open_context(replace(request, rival=None, model=model))
    if context.request.model is None:
        return None
    candidates = _find_candidates(context)
    return candidates.ranked.select(slice(request.limit)) if candidates.model_version == model else None
