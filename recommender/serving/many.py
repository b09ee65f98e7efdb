"""Many viewers in one call: one read of the histories, then the model in blocks."""

from collections.abc import Sequence

import numpy as np

from catalog import selectors
from recommender.serving import ranking, stamps
from recommender.serving.query import Answer, Query
from recommender.serving.recommend import active_ranker, from_model, from_popular, serves, sit
from recommender.serving.subject import subject
from recommender.viewing import readable


def recommend_many(queries: Sequence[Query]) -> list[Answer]:
    """An answer for each query, in order, as it would get alone. All share `at`, `top_k` and the exclusions."""
    if not queries:
        return []
    look = stamps.look(None)
    sittings = [sit(query, look) for query in queries]
    histories = {h.viewer_id: h for h in selectors.histories([q.user_id for q in queries if q.user_id is not None])}
    subjects = [subject(query, histories.get(query.user_id or 0)) for query in queries]
    ranker = active_ranker(look)
    for sitting in sittings:
        sitting.degraded |= not serves(ranker, look)
    answers: dict[int, Answer] = {}
    places = [n for n, who in enumerate(subjects) if ranker is not None and readable(who.events, ranker)]
    if ranker is not None and places:
        chosen, gate = [subjects[n] for n in places], sittings[0].gate
        rows = ranking.states(ranker, chosen, queries[0].at)
        barred = [np.concatenate([who.seen, gate.exclude]) for who in chosen]
        ranked = ranking.best(ranker, rows, queries[0].wanted, gate.vocabulary(ranker), barred)
        for n, films in zip(places, ranked, strict=True):
            if len(films.movie_ids):
                answers[n] = from_model(sittings[n], subjects[n], ranker, films)
    return [answers.get(n) or from_popular(sittings[n], subjects[n]) for n in range(len(queries))]
