"""Many viewers in one call: one read of the histories, then the model in blocks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from catalog.selectors import DetailedCard, MovieCard
from recommender.history import has_known_movies
from recommender.serving.answers import build_answer, rerank
from recommender.serving.candidates.model_scoring import encode_viewers, top_by_model
from recommender.serving.concurrency import bulk_turn
from recommender.serving.context import RequestContext, load_histories, open_context
from recommender.serving.current_versions import active_ranker, is_active_model, read_versions
from recommender.serving.degraded_mode import load_movie_cards
from recommender.serving.list_sources import Candidates, content_candidates, model_candidates, popular_candidates
from recommender.serving.metrics import instrumented
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Answer
from recommender.serving.viewer import ViewerProfile, build_profile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

BLOCK_SIZE = 8  # viewers of a turn


@instrumented
def recommend_many(requests: Sequence[RecommendRequest]) -> list[Answer]:
    """Recommend movies for each request, in order, as for each alone.

    All share `requested_at`, `top_k` and what is excluded, and come from one model; between blocks of them others have
    their turn.
    """
    if not requests:
        return []
    cache_read = read_versions(None)
    with bulk_turn():
        histories = load_histories([(request.viewer_id, request.viewer_key) for request in requests])
    ranker = active_ranker(cache_read)
    answers: list[Answer] = []
    for start in range(0, len(requests), BLOCK_SIZE):
        with bulk_turn():
            contexts = [
                open_context(request, cache_read=cache_read) for request in requests[start : start + BLOCK_SIZE]
            ]
            answers += _answer_block(contexts, histories[start : start + BLOCK_SIZE], ranker)
    return answers


def _answer_block(
    contexts: Sequence[RequestContext], histories: Sequence[selectors.History | None], ranker: "Ranker | None"
) -> list[Answer]:
    viewers = [
        build_profile(context.request, history, context.snapshot.doubles, context.posted_ids)
        for context, history in zip(contexts, histories, strict=True)
    ]
    personal = _personal_candidates(contexts, viewers, ranker) if ranker is not None else {}
    lists = []
    for n, (context, viewer) in enumerate(zip(contexts, viewers, strict=True)):
        context.degraded |= not is_active_model(ranker, context.cache_read)
        candidates = personal.get(n) or popular_candidates(context, viewer)
        lists.append((context, candidates, rerank(context, candidates)))
    return [build_answer(*of_viewer, cards=cards) for of_viewer, cards in zip(lists, _read_cards(lists), strict=True)]


def _read_cards(
    lists: Sequence[tuple[RequestContext, Candidates, RankedMovies]],
) -> list[Mapping[int, MovieCard | DetailedCard] | None]:
    """Return the cards of each list's movies, read at once for the viewers of one language; None where none are asked
    for."""
    movies: dict[tuple[str, ...], dict[int, None]] = defaultdict(dict)
    languages = [context.languages_for(candidates.viewer) for context, candidates, _ in lists]
    for (context, _, ranked), spoken in zip(lists, languages, strict=True):
        if context.request.titles:
            movies[spoken] |= dict.fromkeys(ranked.movie_ids.tolist())
    if not movies:
        return [None] * len(lists)
    context = lists[0][0]
    details = context.request.details
    cards = {
        spoken: load_movie_cards([*of], context.snapshot, spoken, details=details) for spoken, of in movies.items()
    }
    return [cards.get(spoken) for spoken in languages]


def _personal_candidates(
    contexts: Sequence[RequestContext], viewers: Sequence[ViewerProfile], ranker: "Ranker"
) -> dict[int, Candidates | None]:
    """Rank movies for each viewer by the model, or by content where it knows nothing of the history; by position."""
    rankable = [n for n, viewer in enumerate(viewers) if has_known_movies(viewer.events, ranker)]
    ranked = dict(
        zip(rankable, _rank(ranker, [contexts[n] for n in rankable], [viewers[n] for n in rankable]), strict=True)
    )
    return {
        n: model_candidates(context, viewer, ranker, ranked[n]) if n in ranked else content_candidates(context, viewer)
        for n, (context, viewer) in enumerate(zip(contexts, viewers, strict=True))
    }


def _rank(ranker: "Ranker", contexts: Sequence[RequestContext], viewers: Sequence[ViewerProfile]) -> list[RankedMovies]:
    """Rank movies by the model for each viewer; those with one age limit in one country share a mask, unless each has
    movies of their own."""
    if not viewers:
        return []
    states = encode_viewers(ranker, viewers, contexts[0].request.requested_at)
    filters = [context.eligible_for(viewer) for context, viewer in zip(contexts, viewers, strict=True)]
    ranked: dict[int, RankedMovies] = {}
    limits = [
        (eligibility.age_limit, eligibility.country, None if viewer.only_ids is None else row)
        for row, (eligibility, viewer) in enumerate(zip(filters, viewers, strict=True))
    ]
    for limit in set(limits):
        rows = [row for row, own_limit in enumerate(limits) if own_limit == limit]
        eligibility = filters[rows[0]]
        exclude = [np.concatenate([viewers[row].seen_ids, eligibility.excluded_ids]) for row in rows]
        best = top_by_model(ranker, states[rows], contexts[0].candidate_count, eligibility, exclude)
        ranked |= dict(zip(rows, best, strict=True))
    return [ranked[row] for row in range(len(viewers))]
