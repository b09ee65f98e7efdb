"""Movies similar to a movie, by content, and by what the model learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from catalog.keys import Key
from catalog.names.languages import NO_WISH, LanguageWish
from catalog.selectors import DetailedCard, MerchandisingRule, MovieCard
from recommender.movies.movie_ids import MovieId, resolve_movie_ids
from recommender.movies.text_vectors import version_of
from recommender.served_lists import new_list_id
from recommender.serving.answers import count_removed, has_more, next_cursor, rerank
from recommender.serving.candidates.content import popular_in_genres
from recommender.serving.candidates.neighbours import most_similar, nearest_movies, shelved_movies
from recommender.serving.context import RequestContext, load_ranker, load_viewer, open_context
from recommender.serving.current_versions import ListRead
from recommender.serving.degraded_mode import computing, load_movie_cards
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.list_sources import Candidates, repeated_candidates
from recommender.serving.metrics import NotFound, instrumented
from recommender.serving.paging.page import Page, make_page
from recommender.serving.paging.tokens import next_rounding
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.recording.list_log import log_list
from recommender.serving.request import RecommendRequest, Seen
from recommender.serving.response import Basis, Source

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

POPULAR_POOL = 1_000  # popular movies among which those of a film's genres are looked for


class MovieNotFound(NotFound):
    """The catalogue has no such movie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarMovies:
    """Movies similar to one, with where they come from."""

    movie_ids: list[int]  # most similar first
    similarities: list[float]  # 0..1
    source: Source  # "model" or "content"; "popular" where no place to compute in was free
    model_version: str | None
    recommendation_id: str
    degraded: bool
    removal_counts: dict[str, int]  # reason -> movies kept out for it
    movie_cards: Mapping[int, MovieCard | DetailedCard] | None = None  # where titles were asked for
    language: str = ""  # of the titles; "": no titles
    next_cursor: str | None = None  # asks for the next page; None: there is none
    basis: Basis | None = None  # None: it can only be made anew


@instrumented
def find_similar(
    movie_id: MovieId,
    top_k: int,
    age_limit: int | None = None,
    viewer_id: int | None = None,
    *,
    viewer_key: Key | None = None,
    country: str = "",
    seen: Seen = "exclude",
    titles: bool = False,
    details: bool = False,
    title_languages: LanguageWish = NO_WISH,
    rules_override: Sequence[MerchandisingRule] | None = None,
    page: Page | None = None,
    list_read: ListRead | None = None,
) -> SimilarMovies:
    """Find the movies most similar to this one that may be shown now, within the age limit (years), in the country.

    Where a viewer is named, those that they turned down are left out, and of what they have seen what `seen` says.
    `rules_override`: merchandising rules in place of the active ones. `page`: of the list. `list_read`: what was
    read of Redis before in this call. Raises MovieNotFound.
    """
    request = RecommendRequest(
        viewer_id=viewer_id,
        viewer_key=viewer_key,
        top_k=top_k,
        age_limit=age_limit,
        country=country,
        seen=seen,
        titles=titles,
        details=details,
        title_languages=title_languages,
        rules_override=rules_override,
    )
    return make_page(page, lambda page: _similar_page(replace(request, page=page), movie_id, list_read))


def _similar_page(request: RecommendRequest, movie_id: MovieId, list_read: ListRead | None) -> SimilarMovies:
    context = open_context(request, "similar", list_read=list_read)  # one read of Redis
    table, doubles = context.snapshot.table, context.snapshot.doubles
    similar_to = resolve_movie_ids(context.snapshot, [movie_id])
    [row] = table.rows_of(similar_to).tolist()
    if row < 0:
        raise MovieNotFound(f"There is no film {movie_id}.")
    viewer = load_viewer(context)  # one query where a viewer is named
    ranker = load_ranker(context)
    known = ranker is not None and bool(ranker.columns_of(similar_to)[0] >= 0)
    seen_ids = np.append(viewer.seen_ids, doubles.all_ids(similar_to))
    eligibility = context.eligible_for(viewer)
    ranked = _rank(context, eligibility, ranker, row, seen_ids)
    source: Source = "model" if known else "content"
    if ranked is None:
        known, source, ranked = False, "popular", _rank_by_popularity(context, eligibility, row, seen_ids)
    version = ranker.version if ranker is not None and known else None
    candidates = Candidates(ranked, source, viewer, model_version=version, seen_ids=seen_ids)
    candidates = repeated_candidates(context, viewer) or candidates
    movies = rerank(context, candidates)
    recommendation_id = new_list_id()
    if request.page is not None and request.page.made is not None:
        recommendation_id = request.page.made.facts["recommendation_id"]
    facts: dict[str, Any] = {
        "source": candidates.source,
        "model_version": candidates.model_version,
        "recommendation_id": recommendation_id,
        "unused_history": [],
    }
    more = request.page is not None and has_more(context, candidates, movies.movie_ids)
    cursor = next_cursor(context, viewer, movies, facts, more=more)
    about = str(int(similar_to[0]))
    log_list(recommendation_id, context, viewer, movies, candidates.source, candidates.model_version, about=about)
    return SimilarMovies(
        movie_ids=movies.movie_ids.tolist(),
        similarities=np.round(np.maximum(movies.scores, 0).astype(np.float64), 4).tolist(),
        source=candidates.source,
        model_version=candidates.model_version,
        recommendation_id=recommendation_id,
        degraded=context.degraded,
        removal_counts=count_removed(context, viewer),
        movie_cards=load_movie_cards(
            movies.movie_ids.tolist(), context.snapshot, context.languages_for(viewer), details=request.details
        )
        if request.titles
        else None,
        language=context.snapshot.language_of(context.languages_for(viewer)) if request.titles else "",
        next_cursor=cursor,
        basis=_basis_of(context),
    )


def _basis_of(context: RequestContext) -> Basis | None:
    """Return what the first page of a list for everybody is made from; None where Postgres is asked for a viewer or
    titles, and where a part is down."""
    request, raw, snapshot = context.request, context.cache_read.raw, context.snapshot
    if raw is None or context.degraded or request.titles or request.viewer_id is not None or request.viewer_key:
        return None
    if request.page is None or request.page.number:
        return None
    since, until = context.eligibility.in_country("").steady_between()
    texts = version_of(snapshot)
    return Basis(raw, snapshot, since, min(until, next_rounding()), lambda: version_of(snapshot) == texts)


def _rank(
    context: RequestContext, eligibility: EligibilityFilter, ranker: "Ranker | None", row: int, seen_ids: np.ndarray
) -> RankedMovies | None:
    """Rank what may be listed by its similarity to the movie at `row`: from the nearest ones, where that is enough.

    None where they are not on the shelf, and no place to compute in is free.
    """
    snapshot, table, doubles = context.snapshot, context.snapshot.table, context.snapshot.doubles
    count = doubles.ranked_count(context.candidate_count)
    nearest = shelved_movies(snapshot, ranker, row)
    if nearest is None:
        with computing(context):
            if context.overloaded:
                return None
            nearest = nearest_movies(snapshot, ranker, row)
    without = doubles.all_rows(table.rows_of(np.concatenate([seen_ids, eligibility.excluded_ids])))
    passes = eligibility.mask_ids(table.ids[nearest.rows]) & ~np.isin(nearest.rows, without)
    rows, similarities = nearest.rows[passes][:count], nearest.similarities[passes][:count]
    if len(rows) < count and not nearest.are_all:
        with computing(context):
            if not context.overloaded:
                rows, similarities = most_similar(snapshot, ranker, row, eligibility.mask_without(seen_ids), count)
    ranked = RankedMovies(table.ids[rows], similarities)
    return ranked.first_of_doubles(doubles, context.candidate_count)


def _rank_by_popularity(
    context: RequestContext, eligibility: EligibilityFilter, row: int, seen_ids: np.ndarray
) -> RankedMovies:
    """Rank what is popular in the genres of the movie at `row`."""
    table, count = context.snapshot.table, context.candidate_count
    genres = [table.genre_names[n] for n in table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]]
    pool = POPULAR_POOL + count
    return popular_in_genres(eligibility, count, seen_ids, context.cache_read.epoch, genres, pool=pool)
