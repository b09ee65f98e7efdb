"""Many viewers in one call: one read of the histories, then the model in blocks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender.history import has_known_movies
from recommender.serving import current_versions
from recommender.serving.candidates import model_scoring
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.concurrency import bulk_turn
from recommender.serving.current_versions import CacheRead
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

BLOCK_SIZE = 8  # viewers of a turn


@instrumented
def recommend_many(requests: Sequence[RecommendRequest]) -> list[Answer]:
    """An answer for each query, in order, as it would get alone. All share `at`, `top_k` and what is excluded, and come
    from one model; between blocks of them others have their turn."""
    if not requests:
        return []
    look = current_versions.read_versions(None)
    with bulk_turn():
        histories = {
            h.viewer_id: h for h in selectors.histories([q.viewer_id for q in requests if q.viewer_id is not None])
        }
    ranker = active_ranker(look)
    answers: list[Answer] = []
    for start in range(0, len(requests), BLOCK_SIZE):
        with bulk_turn():
            answers += _answer_block(requests[start : start + BLOCK_SIZE], histories, look, ranker)
    return answers


def _answer_block(
    queries: Sequence[RecommendRequest],
    histories: Mapping[int, selectors.History],
    look: CacheRead,
    ranker: "Ranker | None",
) -> list[Answer]:
    sittings = [open_context(query, look) for query in queries]
    subjects = [build_profile(query, histories.get(query.viewer_id or 0)) for query in queries]
    for sitting, who in zip(sittings, subjects, strict=True):
        sitting.degraded |= not is_active_model(ranker, look)
        apply_viewer(sitting, who)
    answers: dict[int, Answer | None] = {}
    if ranker is not None:
        for n, (sitting, who) in enumerate(zip(sittings, subjects, strict=True)):
            if not has_known_movies(who.events, ranker):
                answers[n] = content_fallback(sitting, who)
        places = [n for n in range(len(queries)) if n not in answers]
        for n, ranked in zip(places, _rank_block(ranker, sittings, subjects, places), strict=True):
            answers[n] = answer_from_model(sittings[n], subjects[n], ranker, ranked) if len(ranked.movie_ids) else None
    each = enumerate(zip(sittings, subjects, strict=True))
    return [decorate(sitting, answers.get(n) or popularity_fallback(sitting, who)) for n, (sitting, who) in each]


def _rank_block(
    ranker: "Ranker", sittings: Sequence[RequestContext], subjects: Sequence[ViewerProfile], places: Sequence[int]
) -> list[RankedMovies]:
    """The model's films for the viewers at these places; those with one age limit share a mask."""
    if not places:
        return []
    query = sittings[0].request
    rows = model_scoring.encode_viewers(ranker, [subjects[n] for n in places], query.requested_at)
    limits = [sittings[n].eligibility.age_limit for n in places]
    found: dict[int, RankedMovies] = {}
    for limit in set(limits):
        group = [row for row, own in enumerate(limits) if own == limit]
        gate = sittings[places[group[0]]].eligibility
        barred = [np.concatenate([subjects[places[row]].seen_ids, gate.excluded_ids]) for row in group]
        best = model_scoring.top_by_model(ranker, rows[group], sittings[0].candidate_count, gate, barred)
        found |= dict(zip(group, best, strict=True))
    return [found[row] for row in range(len(places))]
