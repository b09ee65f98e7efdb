"""Movies similar to a movie, by content, by what the model learned, and by what is watched after it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.movies.movie_ids import MovieId, resolve_movie_ids
from recommender.serving.answers import count_removed
from recommender.serving.candidates.neighbours import hybrid_similarity
from recommender.serving.concurrency import compute_slot
from recommender.serving.context import load_ranker, load_viewer, open_context
from recommender.serving.metrics import NotFound, instrumented
from recommender.serving.ranked_movies import RankedMovies, top_rows
from recommender.serving.request import RecommendRequest, Seen
from recommender.serving.reranking.merchandising import apply_rules
from recommender.serving.response import Source


class MovieNotFound(NotFound):
    """The catalogue has no such movie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarMovies:
    """Movies similar to one, with where they come from."""

    movie_ids: list[int]  # most similar first
    similarities: list[float]  # 0..1
    source: Source  # "model" or "content"
    model_version: str | None
    recommendation_id: str
    degraded: bool
    removal_counts: dict[str, int]  # reason -> movies kept out for it


@instrumented
@compute_slot()
def find_similar(
    movie_id: MovieId,
    top_k: int,
    age_limit: int | None = None,
    viewer_id: int | None = None,
    *,
    country: str = "",
    seen: Seen = "exclude",
    rules_override: Sequence[MerchandisingRule] | None = None,
) -> SimilarMovies:
    """Find the movies most similar to this one that may be shown now, within the age limit (years), in the country.

    Where a viewer is named, those that they turned down are left out, and of what they have seen what `seen` says.
    `rules_override`: merchandising
    rules in place of the active ones. Raises MovieNotFound.
    """
    request = RecommendRequest(
        viewer_id=viewer_id,
        top_k=top_k,
        age_limit=age_limit,
        country=country,
        seen=seen,
        rules_override=rules_override,
    )
    context = open_context(request, "similar")  # one read of Redis
    table = context.snapshot.table
    similar_to = resolve_movie_ids(context.snapshot, [movie_id])
    [row] = table.rows_of(similar_to).tolist()
    if row < 0:
        raise MovieNotFound(f"There is no film {movie_id}.")
    viewer = load_viewer(context)  # one query where a viewer is named
    ranker = load_ranker(context)
    eligibility, seen_ids = context.eligible_for(viewer), np.append(viewer.seen_ids, similar_to)
    similarity, known = hybrid_similarity(context.snapshot, ranker, row)
    rows = top_rows(similarity, eligibility.mask_without(seen_ids), context.candidate_count)
    movies = RankedMovies(table.ids[rows], similarity[rows])
    if context.rules is not None:
        movies = apply_rules(context.rules, eligibility, movies, seen_ids, limit=top_k)
    return SimilarMovies(
        movie_ids=movies.movie_ids.tolist(),
        similarities=np.round(np.maximum(movies.scores, 0).astype(np.float64), 4).tolist(),
        source="model" if known else "content",
        model_version=ranker.version if ranker is not None and known else None,
        recommendation_id=uuid.uuid4().hex,
        degraded=context.degraded,
        removal_counts=count_removed(context, viewer),
    )
