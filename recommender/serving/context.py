"""What a request is answered from, read once: the versions that hold, the stored list, the catalogue, the viewer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from catalog.keys import Key
from recommender import cache, process_state, viewer_keys
from recommender.cache import CacheUnavailable, ListRead
from recommender.movies.movie_ids import resolve_movie_ids
from recommender.movies.snapshot import CatalogueSnapshot, LruCache
from recommender.serving.current_versions import (
    CacheRead,
    active_ranker,
    clock,
    is_active_model,
    read_histories,
    read_versions,
    under_model,
)
from recommender.serving.filtering.attributes import build_mask, find_unknown_names
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.paging.tokens import CursorExpired
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import NewFilmPlace, RecommendRequest
from recommender.serving.reranking.exploration import Draw
from recommender.serving.reranking.interleaving import Mix
from recommender.serving.reranking.merchandising import MAX_SHIFT, ActiveRules, active_rules
from recommender.serving.viewer import ViewerProfile, build_profile, profile_from_stored_list

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker


MAX_HISTORIES = 500  # a few kilobytes each

_histories: LruCache[selectors.History | None] = LruCache(MAX_HISTORIES)  # by viewer, version and epoch
process_state.register(
    "serving: histories of viewers",
    _histories.clear,
    lambda viewer_ids: _histories.discard(lambda key: key[0] in viewer_ids),
)


@dataclass(slots=True)
class RequestContext:
    """A request with what it is answered from.

    Only `degraded` changes, once a part turns out to be down, and `overloaded`; `rival_list`, `draw`, `mix` and
    `new_film`, once the list is made; and the viewer's id with what was read by it, where the viewer turns out to be
    another one by now.
    """

    request: RecommendRequest
    cache_read: CacheRead
    snapshot: CatalogueSnapshot
    posted_ids: np.ndarray  # int32 [n], of the request's history; 0 for what is no movie's
    shown_ids: np.ndarray  # int32 [n], on the pages before, with their doubles
    eligibility: EligibilityFilter  # under the age limit of the request
    rules: ActiveRules | None  # merchandising
    unknown_names: dict[str, list[str]]  # filter -> names that no movie has
    degraded: bool
    draw: Draw | None = None  # where the list is drawn
    rival_list: RankedMovies | None = None  # of the rival's model
    mix: Mix | None = None  # where two ways of ranking share it
    new_film: NewFilmPlace | None = None  # the film that little is known of, and its place
    overloaded: bool = False  # no place to compute in was free: it is answered by what costs little

    @property
    def candidate_count(self) -> int:
        """How many movies the list is made from, those of its pages before among them."""
        count = self.request.candidate_count
        return len(self.request.shown_ids) + (count if self.rules is None else max(count, MAX_SHIFT))

    def eligible_for(self, viewer: ViewerProfile) -> EligibilityFilter:
        """Return the eligibility filter under the viewer's own age limit too, for their country, and of the movies that
        alone may be listed to them."""
        eligibility = self.eligibility.with_age_limit(viewer.age_limit).in_country(viewer.country)
        return eligibility if viewer.only_ids is None else eligibility.restricted_to(viewer.only_ids)

    def languages_for(self, viewer: ViewerProfile) -> tuple[str, ...]:
        """Return the languages in which titles are looked for before their first form is taken."""
        return self.snapshot.language_chain(self.request.title_languages, viewer.language)


def open_context(
    request: RecommendRequest,
    surface: str = "recommend",
    cache_read: CacheRead | None = None,
    list_read: ListRead | None = None,
) -> RequestContext:
    """Open a request with one read of Redis, and no query while Redis has every version.

    `surface`: the list (catalog.Rule.Surface) whose merchandising rules hold. `cache_read`: one that several requests
    share, in place of their own; `list_read`: see `read_versions`. Raises CursorExpired for a page of a list of other
    data.
    """
    cache_read = cache_read or read_versions(request.viewer_id, list_read)
    if request.model is not None:
        request, cache_read = _under_model(request, cache_read)
    snapshot = cache_read.load_snapshot()
    if request.page is not None and request.page.data_set not in (None, snapshot.table.data_set):
        raise CursorExpired  # its ids mean other movies by now
    attributes = build_mask(snapshot, request.filters)
    unknown_genres = find_unknown_names(snapshot.genre_index, liked_genres=request.liked_genres)
    excluded_ids = resolve_movie_ids(snapshot, request.exclude)
    now = clock()
    rules = active_rules(snapshot, surface, now, request.rules_override)
    return RequestContext(
        request=request,
        cache_read=cache_read,
        snapshot=snapshot,
        posted_ids=resolve_movie_ids(snapshot, request.history),
        shown_ids=snapshot.doubles.all_ids(request.shown_ids),
        eligibility=EligibilityFilter(
            snapshot,
            now,
            attribute_mask=attributes.mask,
            excluded_ids=snapshot.doubles.all_ids(excluded_ids[excluded_ids != 0]),
            age_limit=request.age_limit,
            excluded_by_rule=rules.excluded if rules is not None else None,
            country=request.country,
        ),
        rules=rules,
        unknown_names=attributes.unknown_names | unknown_genres,
        degraded=not cache_read.redis_up or selectors.is_database_down(),
    )


def _under_model(request: RecommendRequest, cache_read: CacheRead) -> tuple[RecommendRequest, CacheRead]:
    """Have a request answered by the model of its arm: one more read of Redis, for the list under that model. Where the
    model is missing the request is answered as if there were no experiment, and counts for none."""
    under = under_model(cache_read, request.model or "", request.viewer_id)
    return (replace(request, model=None, arm_id=0), cache_read) if under is None else (request, under)


def load_viewer(context: RequestContext) -> ViewerProfile:
    """Read the viewer's history and version in one snapshot of the database: one query, none without a viewer, and none
    where this process has read it at the version that Redis has.

    While Postgres is down the viewer is what their stored list tells of them. Raises OperationalError without such a
    list.
    """
    request, stored_list = context.request, context.cache_read.current_list()
    try:
        history = None if request.viewer_id is None else _history_of(request.viewer_id, context)
        if history is None and request.viewer_id is not None and request.viewer_id < 0:
            history = _look_up_again(context)
    except selectors.DATABASE_ERRORS:
        if stored_list is None or request.seen == "only":  # what was seen stands in Postgres alone
            raise
        context.degraded = True
        exists = bool(context.cache_read.versions.viewer)
        return profile_from_stored_list(request, context.posted_ids, stored_list, context.snapshot.table, exists=exists)
    if history is not None:
        _restore_version(context, history)
    return build_profile(context.request, history, context.snapshot.doubles, context.posted_ids)


def _history_of(viewer_id: int, context: RequestContext) -> selectors.History | None:
    """Return the viewer's history: that which this process has read at the version that holds, else of Postgres."""
    versions = context.cache_read.versions
    if not versions.viewer or versions.epoch is None or not context.cache_read.redis_up or context.degraded:
        return next(iter(read_histories([viewer_id])), None)
    return _histories.get((viewer_id, versions.viewer, versions.epoch), partial(selectors.history, viewer_id))


def _look_up_again(context: RequestContext) -> selectors.History | None:
    """Return the history of who has the key now, where its id was another viewer's, who was erased or merged."""
    key = context.request.viewer_key
    viewer_id = viewer_keys.look_up_again([key]).get(key) if isinstance(key, str) else None
    context.request = replace(context.request, viewer_id=viewer_id)
    if viewer_id is None:
        return None
    context.cache_read = read_versions(viewer_id)
    return selectors.history(viewer_id)


def load_histories(viewers: Sequence[tuple[int | None, Key | None]]) -> list[selectors.History | None]:
    """Read the histories of several viewers, given as id and key, in order: one query; None for an unknown viewer."""
    ids = [viewer_id for viewer_id, _ in viewers]
    found = {history.viewer_id: history for history in read_histories([pk for pk in ids if pk is not None])}
    gone = {key: pk for pk, key in viewers if pk is not None and pk < 0 and pk not in found and isinstance(key, str)}
    if gone:
        now = viewer_keys.look_up_again(gone)
        found |= {history.viewer_id: history for history in selectors.histories(now.values())}
        ids = [now.get(key) if isinstance(key, str) and key in gone else pk for pk, key in viewers]
    return [None if pk is None else found.get(pk) for pk in ids]


def _restore_version(context: RequestContext, history: selectors.History) -> None:
    """Put the viewer's version, as it was read, into its reserved place: a reservation keeps others from it."""
    cache_read = context.cache_read
    if not cache_read.redis_up or cache_read.versions.viewer == history.version:
        return
    try:
        cache.fill_reserved_viewer_versions(cache_read.token, {history.viewer_id: history.version})
    except CacheUnavailable:
        context.degraded = True


def load_ranker(context: RequestContext) -> "Ranker | None":
    """Return the model that answers; the answer is degraded where it is not the active one."""
    ranker = active_ranker(context.cache_read)
    context.degraded |= not is_active_model(ranker, context.cache_read)
    return ranker
