"""Two to ten viewers who watch together: one list that nobody has seen and that leaves nobody out.

Each viewer's ranking gives a movie 61 / (61 + place), as in reciprocal rank fusion (Cormack et al. 2009): nobody counts
for more because the model is surer of them. A movie's score is half the mean of these and half the least of them. By
the mean alone one viewer's favourites can be what another cannot stand; by the least alone (PolyLens, O'Connor et al.
2001) nobody gets a favourite; both together are a consensus function as of Amer-Yahia et al. 2009.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from catalog.keys import Key
from recommender.history import has_known_movies, merge_exclusions, to_model_events
from recommender.ml.data import Events
from recommender.serving.answers import build_answer, rerank
from recommender.serving.candidates.model_scoring import encode_viewers, top_by_model
from recommender.serving.candidates.trending import RRF_K, rank_positions
from recommender.serving.concurrency import COMPUTING, GROUPS_AND_EXPLANATIONS
from recommender.serving.context import RequestContext, load_histories, load_ranker, open_context
from recommender.serving.degraded_mode import computing
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.list_sources import (
    Candidates,
    content_candidates,
    model_candidates,
    popular_candidates,
    repeated_candidates,
)
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Answer
from recommender.serving.viewer import NO_EVENTS, ViewerProfile, build_profile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

NO_VIEWER = RecommendRequest(viewer_id=None)
LEAST_MISERY_WEIGHT = 0.5  # the part of the least satisfied viewer; the rest is the mean of all
MIN_CANDIDATES = 200  # of each viewer's best movies


def recommend_for_group(request: RecommendRequest) -> Answer:
    """Recommend movies to the viewers of `request.viewer_ids` together.

    What any of them has seen or turned down is left out, and the strictest of their age limits holds. Viewers of whose
    history the model knows nothing have no say beside that. The answer tells nobody what another watched alone: movies
    that are left out count together, and an explanation says only what is true of each member.
    """
    context = open_context(request)  # one read of Redis
    with computing(context, GROUPS_AND_EXPLANATIONS, COMPUTING):
        keys: Sequence[Key | None] = request.viewer_keys or [None] * len(request.viewer_ids)
        histories = load_histories(list(zip(request.viewer_ids, keys, strict=True)))  # one query
        members = [build_profile(NO_VIEWER, history, context.snapshot.doubles) for history in histories]
        group = merge_viewers(members, [history for history in histories if history is not None])
        candidates = (
            repeated_candidates(context, group)
            or _personal_candidates(context, members, group)
            or popular_candidates(context, group)
        )
    candidates = candidates._replace(members=members)
    movies = rerank(context, candidates)
    return build_answer(context, candidates, movies)


def merge_viewers(members: Sequence[ViewerProfile], histories: Sequence[selectors.History]) -> ViewerProfile:
    """Describe the members as one viewer: what all of them watched, and the limits of all of them."""
    events = NO_EVENTS
    if histories:
        read = [to_model_events(history) for history in histories]
        movie_ids, times, kinds, *_ = (np.concatenate(column) for column in zip(*read, strict=True))
        order = np.argsort(times, kind="stable")
        events = Events(movie_ids[order], kinds=kinds[order])
    return ViewerProfile(
        viewer_id=None,
        events=events,
        exclusions=merge_exclusions([member.exclusions for member in members]),
        exists=all(member.exists for member in members),
        age_limit=selectors.strictest_age_limit(*(member.age_limit for member in members)),
        country=_common(member.country for member in members),
        language=_common(member.language for member in members),
    )


def _common(values: Iterable[str]) -> str:
    """Return the value of all who have one; "" where they differ: a film must be available to all who watch it."""
    known = set(filter(None, values))
    return known.pop() if len(known) == 1 else ""


def _personal_candidates(
    context: RequestContext, members: Sequence[ViewerProfile], group: ViewerProfile
) -> Candidates | None:
    ranker = load_ranker(context)
    if ranker is None or context.overloaded:
        return None
    rankable = [member for member in members if has_known_movies(member.events, ranker)]
    if not rankable:
        return content_candidates(context, group)
    states = encode_viewers(ranker, rankable, context.request.requested_at)
    ranked = rank_for_all(ranker, states, context.candidate_count, context.eligible_for(group), group.seen_ids)
    return model_candidates(context, group, ranker, ranked)


def rank_for_all(
    ranker: "Ranker", states: np.ndarray, k: int, eligibility: EligibilityFilter, seen_ids: np.ndarray
) -> RankedMovies:
    """Rank the best movies of each viewer (rows of `states`) for all of them, the first k; those of `seen_ids` left
    out."""
    exclude = np.concatenate([seen_ids, eligibility.excluded_ids])
    best = top_by_model(ranker, states, max(MIN_CANDIDATES, k), eligibility, [exclude] * len(states))
    movie_ids = np.unique(np.concatenate([ranked.movie_ids for ranked in best]))
    movie_ids = movie_ids[ranker.columns_of(movie_ids) >= 0]  # before training knows a movie, all cannot agree on it
    scores = fuse_rankings(ranker.score(states, movie_ids.tolist())) if len(movie_ids) else np.empty(0)
    order = np.argsort(-scores, kind="stable")
    ranked = RankedMovies(movie_ids[order], scores[order].astype(np.float32))
    return ranked.first_of_doubles(eligibility.snapshot.doubles, k)


def fuse_rankings(scores: np.ndarray) -> np.ndarray:
    """Return how satisfied the group is with each movie, float64 [n], 0..1, from the viewers' own scores [viewers, n].

    It is 1 for a movie that all of them have first.
    """
    satisfaction = np.stack([(RRF_K + 1) / (RRF_K + 1 + rank_positions(viewer_scores)) for viewer_scores in scores])
    return (1 - LEAST_MISERY_WEIGHT) * satisfaction.mean(0) + LEAST_MISERY_WEIGHT * satisfaction.min(0)
