"""Many viewers in one call: one read of the histories, then the model in blocks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender.serving import ranking, stamps
from recommender.serving.capacity import turn
from recommender.serving.query import Answer, Query
from recommender.serving.ranking import Ranked
from recommender.serving.recommend import (
    Sitting,
    active_ranker,
    from_kin,
    from_model,
    from_popular,
    meet,
    serves,
    sit,
    told,
)
from recommender.serving.stamps import Look
from recommender.serving.subject import Subject, subject
from recommender.serving.tally import tallied
from recommender.viewing import has_known_movies

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

BLOCK = 8  # viewers of a turn


@tallied
def recommend_many(queries: Sequence[Query]) -> list[Answer]:
    """An answer for each query, in order, as it would get alone. All share `at`, `top_k` and what is excluded, and come
    from one model; between blocks of them others have their turn."""
    if not queries:
        return []
    look = stamps.look(None)
    with turn():
        histories = {h.viewer_id: h for h in selectors.histories([q.user_id for q in queries if q.user_id is not None])}
    ranker = active_ranker(look)
    answers: list[Answer] = []
    for start in range(0, len(queries), BLOCK):
        with turn():
            answers += _block(queries[start : start + BLOCK], histories, look, ranker)
    return answers


def _block(
    queries: Sequence[Query], histories: Mapping[int, selectors.History], look: Look, ranker: "Ranker | None"
) -> list[Answer]:
    sittings = [sit(query, look) for query in queries]
    subjects = [subject(query, histories.get(query.user_id or 0)) for query in queries]
    for sitting, who in zip(sittings, subjects, strict=True):
        sitting.degraded |= not serves(ranker, look)
        meet(sitting, who)
    answers: dict[int, Answer | None] = {}
    if ranker is not None:
        for n, (sitting, who) in enumerate(zip(sittings, subjects, strict=True)):
            if not has_known_movies(who.events, ranker):
                answers[n] = from_kin(sitting, who)
        places = [n for n in range(len(queries)) if n not in answers]
        for n, ranked in zip(places, _ranked(ranker, sittings, subjects, places), strict=True):
            answers[n] = from_model(sittings[n], subjects[n], ranker, ranked) if len(ranked.movie_ids) else None
    each = enumerate(zip(sittings, subjects, strict=True))
    return [told(sitting, answers.get(n) or from_popular(sitting, who)) for n, (sitting, who) in each]


def _ranked(
    ranker: "Ranker", sittings: Sequence[Sitting], subjects: Sequence[Subject], places: Sequence[int]
) -> list[Ranked]:
    """The model's films for the viewers at these places; those with one age limit share a mask."""
    if not places:
        return []
    query = sittings[0].query
    rows = ranking.states(ranker, [subjects[n] for n in places], query.at)
    limits = [sittings[n].gate.age_limit for n in places]
    found: dict[int, Ranked] = {}
    for limit in set(limits):
        group = [row for row, own in enumerate(limits) if own == limit]
        gate = sittings[places[group[0]]].gate
        barred = [np.concatenate([subjects[places[row]].seen, gate.exclude]) for row in group]
        best = ranking.best(ranker, rows[group], sittings[0].pool, gate, barred)
        found |= dict(zip(group, best, strict=True))
    return [found[row] for row in range(len(places))]
