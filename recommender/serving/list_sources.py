"""Where a viewer's list comes from: the stored list, the model, content, or what is popular."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.conf import settings

from recommender import cache
from recommender.cache import CacheUnavailable, StoredList
from recommender.history import has_known_movies
from recommender.list_builder import ListViewer, build_lists
from recommender.serving.candidates.charts import top_of_chart
from recommender.serving.candidates.content import popular_in_genres, similar_to_history
from recommender.serving.candidates.model_scoring import encode_viewers, top_by_model
from recommender.serving.context import RequestContext, load_ranker
from recommender.serving.current_versions import active_ranker
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import NO_MOVIES, RankedMovies
from recommender.serving.reranking.merchandising import lacks_pinned_movies
from recommender.serving.response import Source
from recommender.serving.viewer import ViewerProfile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker


class Candidates(NamedTuple):
    """Movies that a list is chosen from, all of them eligible, with where they come from and for whom."""

    ranked: RankedMovies
    source: Source
    viewer: ViewerProfile
    model_version: str | None = None
    seen_ids: np.ndarray | None = None  # movies that may not be put beside them; None: not known
    ranker: "Ranker | None" = None  # the model that they come from
    unused_history: Sequence[str] = ()  # posted movies that they do not build on, as posted
    members: Sequence[ViewerProfile] = ()  # of a group
    state: np.ndarray | None = None  # the viewer's by the model, float32 [S], where it was needed for them


def stored_candidates(context: RequestContext, viewer: ViewerProfile | None = None) -> Candidates | None:
    """Take the viewer's stored list, without a query, if it is current and enough of it is eligible.

    `viewer`: the viewer, where they were read after the list; the list must then be of their version.
    """
    request, stored_list = context.request, context.cache_read.current_list()
    if stored_list is None or len(context.posted_ids) or request.requested_at is not None or request.seen != "exclude":
        return None
    if viewer is not None and viewer.version != stored_list.viewer_version:
        return None
    if context.rules is not None and lacks_pinned_movies(context.rules, stored_list, context.snapshot):
        return None
    viewer_of_list = viewer or ViewerProfile(
        viewer_id=request.viewer_id,
        exists=bool(context.cache_read.versions.viewer),
        age_limit=stored_list.age_limit,
        country=stored_list.country,
        language=stored_list.language,
        stored_list=stored_list,
    )
    ranked = eligible_top(stored_list, context.eligible_for(viewer_of_list), context.candidate_count)
    if len(ranked.without(context.shown_ids).movie_ids) < request.limit:
        return None
    ranker = active_ranker(context.cache_read) if viewer is not None else None
    return Candidates(
        ranked,
        "cache",
        viewer_of_list,
        model_version=stored_list.model,
        seen_ids=viewer.seen_ids if viewer is not None else None,
        ranker=ranker if ranker is not None and ranker.version == stored_list.model else None,
    )


def repeated_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates | None:
    """Take the page as it was made before, without what may not be listed any more; None for one that was not made."""
    page = context.request.page
    if page is None or page.made is None:
        return None
    movies, facts = RankedMovies(page.made.movie_ids, page.made.scores), page.made.facts
    movies = movies.select(context.eligible_for(viewer).mask_ids(movies.movie_ids)).without(viewer.seen_ids)
    ranker = active_ranker(context.cache_read)
    return Candidates(
        movies,
        facts["source"],
        viewer,
        model_version=facts["model_version"],
        seen_ids=viewer.seen_ids,
        ranker=ranker if ranker is not None and ranker.version == facts["model_version"] else None,
        unused_history=facts["unused_history"],
    )


def eligible_top(stored_list: StoredList | RankedMovies, eligibility: EligibilityFilter, k: int) -> RankedMovies:
    """Return the first k movies of a list that are eligible and no doubles of one above."""
    doubles = eligibility.snapshot.doubles
    for length in (2 * k, len(stored_list.movie_ids)):  # mostly the first will do
        first = np.flatnonzero(eligibility.mask_ids(stored_list.movie_ids[:length]))
        first = first[doubles.keep_first(stored_list.movie_ids[first])][:k]
        if len(first) == k:
            break
    return RankedMovies(stored_list.movie_ids[first], stored_list.scores[first])


def personal_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates | None:
    """Rank movies by the model, or by content where it knows nothing of the history. None without a model or a place
    to compute in, or if nothing is eligible."""
    ranker = load_ranker(context)
    if ranker is None or context.overloaded:
        return None
    if not has_known_movies(viewer.events, ranker):
        return content_candidates(context, viewer)
    eligibility, requested_at = context.eligible_for(viewer), context.request.requested_at
    state = encode_viewers(ranker, [viewer], requested_at)
    ranked = NO_MOVIES
    is_of_viewer_alone = viewer.version is not None and requested_at is None and context.request.seen == "exclude"
    is_storable = is_of_viewer_alone and not context.request.filters.as_dict()
    is_within = not len(context.request.shown_ids) or context.candidate_count <= settings.LIST_LENGTH
    if is_storable and is_within:
        stored_list = compute_and_store(context, viewer, ranker, state)
        ranked = eligible_top(stored_list, eligibility, context.candidate_count)
    if len(ranked.without(context.shown_ids).movie_ids) < context.request.limit:
        exclude = np.concatenate([viewer.seen_ids, eligibility.excluded_ids])
        [ranked] = top_by_model(ranker, state, context.candidate_count, eligibility, [exclude])
    candidates = model_candidates(context, viewer, ranker, ranked)
    return candidates and candidates._replace(state=state[0])


def compute_and_store(
    context: RequestContext, viewer: ViewerProfile, ranker: "Ranker", state: np.ndarray
) -> StoredList:
    """Compute the viewer's whole list, of nothing that only this request asks for, and store it under its versions.

    The epoch and the model were read before the history, and the version in one snapshot with it: had any of them
    moved since, the list would carry the older version and never be served. `state`: float32 [1, S].
    """
    row = ListViewer(viewer.version or 0, viewer.exclusions, viewer.age_limit, viewer.country, viewer.language)
    epoch, now = context.cache_read.epoch, context.eligibility.now
    [stored_list] = build_lists(context.snapshot, ranker, state, [row], epoch, now)
    if context.cache_read.redis_up and viewer.viewer_id is not None:
        try:
            cache.store_list(viewer.viewer_id, stored_list)
        except CacheUnavailable:
            context.degraded = True
    return stored_list


def model_candidates(
    context: RequestContext, viewer: ViewerProfile, ranker: "Ranker", ranked: RankedMovies
) -> Candidates | None:
    """Take what the model ranked; below it, where it is too little, popular movies that the model does not know."""
    if not len(ranked.movie_ids):
        return None
    return Candidates(
        pad_with_popular(context, viewer, ranked, viewer.seen_ids, ranker.movie_ids),
        "model",
        viewer,
        model_version=ranker.version,
        seen_ids=viewer.seen_ids,
        ranker=ranker,
        unused_history=viewer.unknown_history(ranker),
    )


def content_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates | None:
    """Rank movies by their similarity to the last ones of the history; None where nothing is similar."""
    eligibility = context.eligible_for(viewer)
    ranked, used = similar_to_history(eligibility, context.candidate_count, viewer.seen_ids, viewer.events)
    if not len(ranked.movie_ids):
        return None
    return Candidates(
        pad_with_popular(context, viewer, ranked, viewer.seen_ids),
        "similar",
        viewer,
        seen_ids=viewer.seen_ids,
        unused_history=viewer.unused_history(np.isin(viewer.posted_ids, used)),
    )


def popular_candidates(context: RequestContext, viewer: ViewerProfile) -> Candidates:
    """Take what is popular with everyone, first of all in the genres that the request says the viewer likes."""
    eligibility, epoch, k = context.eligible_for(viewer), context.cache_read.epoch, context.candidate_count
    genres = context.request.liked_genres
    if genres:
        ranked = popular_in_genres(eligibility, k, viewer.seen_ids, epoch, genres)
    else:
        ranked = top_of_chart("popular", eligibility, k, viewer.seen_ids, epoch)
    return Candidates(ranked, "popular", viewer, seen_ids=viewer.seen_ids, unused_history=viewer.unknown_history(None))


def pad_with_popular(
    context: RequestContext, viewer: ViewerProfile, ranked: RankedMovies, *exclude: np.ndarray
) -> RankedMovies:
    """Append popular movies where the ranked ones are too few, with scores that are lower by one at least."""
    missing = context.request.limit - len(ranked.without(context.shown_ids).movie_ids)
    if missing <= 0:
        return ranked
    listed = np.concatenate([*exclude, ranked.movie_ids, context.request.shown_ids])
    popular = top_of_chart("popular", context.eligible_for(viewer), missing, listed, context.cache_read.epoch)
    scores = np.append(ranked.scores, ranked.scores[-1] - 2 + popular.scores)  # theirs are in 0..1
    return RankedMovies(np.append(ranked.movie_ids, popular.movie_ids), scores)
