"""Which watched films moved a score most: each is left out of the history in turn and the model scores again."""

from collections.abc import Sequence

import numpy as np

from recommender.ml.data import RATING, WATCH, Events
from recommender.ml.ranker import Ranker

NUM_NEWEST, NUM_NEAREST = 8, 8  # films of the history that are left out in turn: bounds the cost to one small batch


def leave_one_out_effects(
    ranker: Ranker,
    events: Events,
    movie_ids: Sequence[int],
    requested_at: int | None = None,
    state: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return films of the history, int32 [C], and how much lower the score of each of `movie_ids` would be without
    each of them: float32 [C, K]. C is 0 where the history has fewer than two films that the model knows.

    Only the newest films and those whose vectors are nearest to `movie_ids` are left out, not every film of a long
    history. `state`: the history's, float32 [S], where it is known. Raises `KeyError` for a listed film that the model
    does not know.
    """
    candidates = _history_candidates(ranker, events, movie_ids)
    if not len(candidates):
        return candidates, np.empty((0, len(movie_ids)), np.float32)
    columns = {name: column for name, column in events._asdict().items() if column is not None}
    histories = [events]
    for movie_id in candidates:
        keep = events.movie_ids != movie_id
        histories.append(Events(**{name: column[keep] for name, column in columns.items()}))
    scores = ranker.score(ranker.encode_variants(histories, requested_at, state), movie_ids)
    return candidates, scores[0] - scores[1:]


def _history_candidates(ranker: Ranker, events: Events, movie_ids: Sequence[int]) -> np.ndarray:
    """Return the newest films of the history and the older ones nearest to `movie_ids`, int32 [C]."""
    watched = events.movie_ids if events.kinds is None else events.movie_ids[np.isin(events.kinds, (WATCH, RATING))]
    newest_first = watched[::-1][np.sort(np.unique(watched[::-1], return_index=True)[1])]
    known = newest_first[ranker.columns_of(newest_first) >= 0]
    if len(known) < 2:
        return known[:0]
    newest, older = known[:NUM_NEWEST], known[NUM_NEWEST:]
    similarity = ranker.cosine_matrix(older, movie_ids).max(1) if len(older) else np.empty(0)
    return np.concatenate([newest, older[np.argsort(-similarity, kind="stable")[:NUM_NEAREST]]])
