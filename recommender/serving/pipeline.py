"""The front door of serving: one query in, one answer out, from the nearest of shelf, model and popular films."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.cache.codec import NO_EXCLUSIONS, ExclusionCounts
from recommender.history import has_known_movies
from recommender.list_builder import ListViewer, build_lists
from recommender.movies.snapshot import EligibilityFilter, current_snapshot, nonzero_counts
from recommender.serving import current_versions, degraded_mode, explain
from recommender.serving.candidates import charts, content, model_scoring
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.concurrency import GROUPS_AND_EXPLANATIONS, compute_slot
from recommender.serving.current_versions import CacheRead
from recommender.serving.filtering import attributes
from recommender.serving.metrics import instrumented
from recommender.serving.request import Answer, Recommendation, RecommendRequest, Source
from recommender.serving.reranking import merchandising
from recommender.serving.reranking.diversity import diversify
from recommender.serving.viewer import ViewerProfile, build_profile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

EMPTY = RankedMovies(np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass(slots=True)
class RequestContext:
    """One query on its way to an answer."""

    request: RecommendRequest
    cache_read: CacheRead
    eligibility: EligibilityFilter
    unknown_names: dict[str, list[str]]
    degraded: bool = False
    exclusion_counts: ExclusionCounts = NO_EXCLUSIONS
    rules: merchandising.ActiveRules | None = None
    seen_ids: np.ndarray | None = None  # film ids; None: not known, as the history was not read

    @property
    def candidate_count(self) -> int:
        """How many films the list is made from."""
        return (
            self.request.candidate_count
            if self.rules is None
            else max(self.request.candidate_count, merchandising.MAX_SHIFT)
        )

    def apply_limits(self, age_limit: int | None, ruled_out: ExclusionCounts) -> None:
        self.eligibility.age_limit = selectors.strictest_age_limit(self.request.age_limit, age_limit)
        self.exclusion_counts = ruled_out

    def removal_counts(self) -> dict[str, int]:
        """How many films are kept out, by reason."""
        return nonzero_counts(**self.exclusion_counts._asdict()) | self.eligibility.removal_counts()


@instrumented
def recommend(request: RecommendRequest) -> Answer:
    """Path 1: the stored list if it is valid and enough of it may be shown, else the model, else popular films."""
    sitting = open_context(request, current_versions.read_versions(request.viewer_id))
    return decorate(sitting, _cached_list(sitting) or _compute(sitting))


def decorate(context: RequestContext, answer: Answer) -> Answer:
    """The answer with titles and reasons, where the query asks for them."""
    query = context.request
    if query.explain and answer.recommendations:
        # Without Postgres the films come without their reasons.
        with suppress(*selectors.DATABASE_ERRORS), GROUPS_AND_EXPLANATIONS.slot(), compute_slot():
            answer.explanations = explain.explain_answer(query, answer, context.eligibility)
    if query.titles:
        answer.movie_cards = degraded_mode.load_movie_cards(
            [one.movie_id for one in answer.recommendations], context.eligibility.snapshot
        )
    return answer


def open_context(request: RecommendRequest, cache_read: CacheRead, shelf: str = "recommend") -> RequestContext:
    """`shelf`: a catalog.Rule.Shelf, the list whose rules hold."""
    films = current_snapshot(cache_read.versions.catalogue or 0)
    wanted = attributes.build_mask(films, request.filters)
    gate = EligibilityFilter(
        films, int(time.time()), wanted.mask, np.array(request.exclude, np.int32), request.age_limit
    )
    unknown = wanted.unknown_names | attributes.find_unknown_names(films.genre_index, liked_genres=request.liked_genres)
    rules = merchandising.active_rules(films, shelf, gate.now, request.rules_override)
    gate.excluded_by_rule = rules.excluded if rules is not None else None
    degraded = not cache_read.redis_up or selectors.is_database_down()
    return RequestContext(request, cache_read, gate, unknown, degraded=degraded, rules=rules)


def _cached_list(context: RequestContext) -> Answer | None:
    """No query to the database happens on this road."""
    query, stored = context.request, context.cache_read.current_list()
    if stored is None or query.history or query.requested_at is not None:
        return None
    if context.rules is not None and merchandising.makes_stale(context.rules, stored, context.eligibility.snapshot):
        return None
    context.apply_limits(stored.age_limit, stored.exclusion_counts)
    kept = eligible_top(context, RankedMovies(stored.movie_ids, stored.scores))
    if len(kept.movie_ids) < query.limit:
        return None
    return build_answer(context, kept, "cache", stored.model, known=bool(context.cache_read.versions.viewer))


def eligible_top(context: RequestContext, ranked: RankedMovies) -> RankedMovies:
    """What may be shown of a list, as many as are wanted or are to be chosen from."""
    wanted = context.candidate_count
    for looked_at in (2 * wanted, len(ranked.movie_ids)):  # mostly the first will do
        first = np.flatnonzero(context.eligibility.mask_ids(ranked.movie_ids[:looked_at]))[:wanted]
        if len(first) == wanted:
            break
    return RankedMovies(ranked.movie_ids[first], ranked.scores[first])


@compute_slot()
def _compute(context: RequestContext) -> Answer:
    who = load_viewer(context)
    if who.stored_list is not None:
        return degraded_mode.answer_from_stored_list(context, who)
    return _from_model(context, who) or popularity_fallback(context, who)


def load_viewer(context: RequestContext) -> ViewerProfile:
    """Who it is for, read in one snapshot; from here on the viewer's age limit holds. Raises OperationalError where
    Postgres is gone and the viewer has no valid list."""
    query = context.request
    try:
        history = selectors.history(query.viewer_id) if query.viewer_id is not None else None
        _restore_viewer_version(context, history)
        who = build_profile(query, history)
    except selectors.DATABASE_ERRORS:
        left = degraded_mode.viewer_from_stored_list(context)
        if left is None:
            raise
        who = left
    apply_viewer(context, who)
    return who


def _restore_viewer_version(context: RequestContext, history: selectors.History | None) -> None:
    """The viewer's version, as it was read: else a mark would stand in its place, and keep others from it."""
    look = context.cache_read
    if history is None or not look.redis_up or look.versions.viewer == history.version:
        return
    try:
        cache.fill_reserved_viewer_versions(look.token, {history.viewer_id: history.version})
    except CacheUnavailable:
        context.degraded = True


def apply_viewer(context: RequestContext, viewer: ViewerProfile) -> None:
    """Holds the sitting to what is known of the viewer."""
    context.seen_ids = viewer.seen_ids
    context.apply_limits(viewer.age_limit, viewer.exclusion_counts(context.eligibility.snapshot.table))


def _from_model(context: RequestContext, viewer: ViewerProfile) -> Answer | None:
    query = context.request
    ranker = active_ranker(context.cache_read)
    context.degraded |= not is_active_model(ranker, context.cache_read)
    if ranker is None:
        return None
    if not has_known_movies(viewer.events, ranker):
        return content_fallback(context, viewer)
    state = model_scoring.encode_viewers(ranker, [viewer], query.requested_at)
    ranked = EMPTY
    if viewer.version is not None and query.requested_at is None and not query.filters.as_dict():
        stored = compute_and_store(context, viewer, ranker, state)
        ranked = eligible_top(context, RankedMovies(stored.movie_ids, stored.scores))
    if len(ranked.movie_ids) < query.limit:
        barred = np.concatenate([viewer.seen_ids, context.eligibility.excluded_ids])
        [ranked] = model_scoring.top_by_model(ranker, state, context.candidate_count, context.eligibility, [barred])
    return answer_from_model(context, viewer, ranker, ranked) if len(ranked.movie_ids) else None


def active_ranker(cache_read: CacheRead) -> "Ranker | None":
    """The active model's ranker, or that of the version before where its folder cannot be used. None where it was
    trained on other data than the films are of: its ids mean other films."""
    ranker = registry.ranker(cache_read.versions.model) if cache_read.versions.model is not None else None
    if ranker is None:
        return None
    films = current_snapshot(cache_read.versions.catalogue or 0)
    return ranker if ranker.metadata.get("data_set", 0) == films.table.data_set else None


def is_active_model(ranker: "Ranker | None", cache_read: CacheRead) -> bool:
    """Whether this is the model that should answer: the active one, or none where none is active."""
    return cache_read.versions.model == (None if ranker is None else ranker.version)


def compute_and_store(
    context: RequestContext, viewer: ViewerProfile, ranker: "Ranker", state: np.ndarray
) -> StoredList:
    """Computes the whole list, of nothing that only this request asked for, and stores it under its stamps.

    The epoch and the model were read before the history, and the version in one snapshot with it: had any of them
    moved since, the list would carry the older stamp and never be served.
    """
    row = ListViewer(viewer.version or 0, viewer.seen_items, viewer.age_limit)
    epoch, now = context.cache_read.versions.epoch or 0, context.eligibility.now
    [made] = build_lists(context.eligibility.snapshot, ranker, state, [row], epoch, now)
    if context.cache_read.redis_up and viewer.viewer_id is not None:
        try:
            cache.store_list(viewer.viewer_id, made)
        except CacheUnavailable:
            context.degraded = True
    return made


def answer_from_model(context: RequestContext, viewer: ViewerProfile, ranker: "Ranker", ranked: RankedMovies) -> Answer:
    """The model's films; below them, where they are too few, popular ones that it does not know."""
    full = _pad_with_popular(context, ranked, viewer.seen_ids, ranker.movie_ids)
    answer = build_answer(context, full, "model", ranker.version, known=viewer.exists)
    answer.unused_history = viewer.unused_history(ranker)
    return answer


def _pad_with_popular(context: RequestContext, ranked: RankedMovies, *barred: np.ndarray) -> RankedMovies:
    """With popular films below, where they are too few: their scores lie lower by one at least."""
    short = context.request.limit - len(ranked.movie_ids)
    if short <= 0:
        return ranked
    listed = np.concatenate([*barred, ranked.movie_ids])
    more = charts.top_of_chart("popular", context.eligibility, short, listed, context.cache_read.versions.epoch or 0)
    scores = np.append(ranked.scores, ranked.scores[-1] - 2 + more.scores)  # theirs are in 0..1
    return RankedMovies(np.append(ranked.movie_ids, more.movie_ids), scores)


def content_fallback(context: RequestContext, viewer: ViewerProfile) -> Answer | None:
    """Films akin to those of a history in which the model can read nothing; None where nothing is akin."""
    kin, used = content.similar_to_history(context.eligibility, context.candidate_count, viewer.seen_ids, viewer.events)
    if not len(kin.movie_ids):
        return None
    answer = build_answer(
        context, _pad_with_popular(context, kin, viewer.seen_ids), "similar", None, known=viewer.exists
    )
    answer.unused_history = viewer.posted_except(used)
    return answer


def popularity_fallback(context: RequestContext, viewer: ViewerProfile) -> Answer:
    """Of the liked genres, where some are told."""
    epoch, query = context.cache_read.versions.epoch or 0, context.request
    if query.liked_genres:
        ranked = content.popular_in_genres(
            context.eligibility, context.candidate_count, viewer.seen_ids, epoch, query.liked_genres
        )
    else:
        ranked = charts.top_of_chart("popular", context.eligibility, context.candidate_count, viewer.seen_ids, epoch)
    answer = build_answer(context, ranked, "popular", None, known=viewer.exists)
    answer.unused_history = viewer.unused_history(None)
    return answer


def build_answer(
    context: RequestContext, ranked: RankedMovies, source: Source, model: str | None, *, known: bool
) -> Answer:
    if context.rules is not None:
        ranked = merchandising.apply_rules(
            context.rules, context.eligibility, ranked, context.seen_ids, context.request
        )
    elif context.request.diversity and len(ranked.movie_ids):
        ranked = diversify(context.eligibility.snapshot, ranked, context.request)
    scores = np.round(ranked.scores.astype(np.float64), 5).tolist()
    films = list(map(Recommendation, ranked.movie_ids.tolist(), scores))
    return Answer(
        recommendations=films,
        source=source,
        model_version=model,
        recommendation_id=os.urandom(16).hex(),
        is_known_viewer=known,
        degraded=context.degraded,
        removal_counts=context.removal_counts(),
        unknown_names=context.unknown_names,
        empty_reason=""
        if films
        else attributes.explain_empty(context.eligibility, context.request.filters, context.unknown_names),
    )
