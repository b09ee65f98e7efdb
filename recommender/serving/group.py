"""Two to ten viewers who watch together: one list that nobody has seen and that leaves nobody out.

Each viewer's ranking gives a film 61 / (61 + place), as in reciprocal rank fusion (Cormack et al. 2009): nobody counts
for more because the model is surer of them. A film's score is half the mean of these and half the least of them. By the
mean alone one viewer's favourites can be what another cannot stand; by the least alone (PolyLens, O'Connor et al. 2001)
nobody gets a favourite; both together are a consensus function as of Amer-Yahia et al. 2009.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender.history import has_known_movies, merge_exclusions
from recommender.ml.data import Events
from recommender.serving import current_versions
from recommender.serving.candidates import model_scoring
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.candidates.trending import RRF_K, rank_positions
from recommender.serving.concurrency import GROUPS_AND_EXPLANATIONS, compute_slot
from recommender.serving.metrics import instrumented
from recommender.serving.pipeline import (
    RequestContext,
    active_ranker,
    answer_from_model,
    apply_viewer,
    content_fallback,
    decorate,
    is_active_model,
    open_context,
    popularity_fallback,
)
from recommender.serving.request import Answer, RecommendRequest
from recommender.serving.viewer import ViewerProfile, build_profile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

LEAST_MISERY_WEIGHT = 0.5  # the part of the least content viewer; the rest is the mean of all
MIN_CANDIDATES = 200  # of each viewer's best films, at the least


@instrumented
@GROUPS_AND_EXPLANATIONS.slot()
@compute_slot()
def recommend_group(request: RecommendRequest) -> Answer:
    """For the viewers of `query.user_ids`. What any of them has seen or turned down is left out, and the strictest of
    their age limits holds. Viewers of whom the model can read nothing have no say beside that."""
    sitting = open_context(request, current_versions.read_versions(None))
    histories = {history.viewer_id: history for history in selectors.histories(request.viewer_ids)}
    members = [build_profile(_request_of(viewer), histories.get(viewer)) for viewer in request.viewer_ids]
    group = _merge_viewers(members, list(histories.values()))
    apply_viewer(sitting, group)
    ranker = active_ranker(sitting.cache_read)
    sitting.degraded |= not is_active_model(ranker, sitting.cache_read)
    return decorate(sitting, _from_model(sitting, members, group, ranker) or popularity_fallback(sitting, group))


def _request_of(viewer: int) -> RecommendRequest:
    return RecommendRequest(viewer_id=viewer)


def _merge_viewers(members: Sequence[ViewerProfile], histories: Sequence[selectors.History]) -> ViewerProfile:
    """What all of them watched, and what holds for all of them."""
    return ViewerProfile(
        viewer_id=None,
        version=None,
        events=_merge_events(histories),
        seen_items=merge_exclusions([one.seen_items for one in members]),
        posted_history=(),
        posted_ids=np.empty(0, np.int32),
        exists=all(one.exists for one in members),
        age_limit=selectors.strictest_age_limit(*(one.age_limit for one in members)),
    )


def _merge_events(histories: Sequence[selectors.History]) -> Events:
    """Film ids and kinds of all events by their times."""
    if not histories:
        return Events.from_ids([])
    order = np.argsort(np.concatenate([one.occurred_at for one in histories]), kind="stable")
    ids, kinds = (np.concatenate([getattr(one, name) for one in histories])[order] for name in ("movie_ids", "kinds"))
    return Events(ids, kinds=kinds)


def _from_model(
    sitting: RequestContext, members: Sequence[ViewerProfile], group: ViewerProfile, ranker: "Ranker | None"
) -> Answer | None:
    if ranker is None:
        return None
    heard = [one for one in members if has_known_movies(one.events, ranker)]
    if not heard:
        return content_fallback(sitting, group)
    ranked = _fuse_members(sitting, heard, group, ranker)
    return answer_from_model(sitting, group, ranker, ranked) if len(ranked.movie_ids) else None


def _fuse_members(
    sitting: RequestContext, heard: Sequence[ViewerProfile], group: ViewerProfile, ranker: "Ranker"
) -> RankedMovies:
    query, gate = sitting.request, sitting.eligibility
    states = model_scoring.encode_viewers(ranker, heard, query.requested_at)
    barred = np.concatenate([group.seen_ids, gate.excluded_ids])
    most = max(MIN_CANDIDATES, sitting.candidate_count)
    best = model_scoring.top_by_model(ranker, states, most, gate, [barred] * len(heard))
    candidates = np.unique(np.concatenate([one.movie_ids for one in best]))
    candidates = candidates[
        ranker.columns_of(candidates) >= 0
    ]  # a night has to learn of a film before all can agree on it
    scores = fuse_rankings(ranker.score(states, candidates.tolist())) if len(candidates) else np.empty(0)
    first = np.argsort(-scores, kind="stable")[: sitting.candidate_count]
    return RankedMovies(candidates[first], scores[first].astype(np.float32))


def fuse_rankings(scores: np.ndarray) -> np.ndarray:
    """float64 [n], 0..1, from the viewers' own scores [viewers, n]: 1 for a film that all of them have first."""
    content = np.stack([(RRF_K + 1) / (RRF_K + 1 + rank_positions(row)) for row in scores])
    return (1 - LEAST_MISERY_WEIGHT) * content.mean(0) + LEAST_MISERY_WEIGHT * content.min(0)
