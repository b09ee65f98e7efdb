"""Candidates by the model: viewers encoded through the embedding cache, then scored against the movies."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.viewer import ViewerProfile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MAX_WORKERS = 2  # blocks that are computed side by side
BLOCK_SIZE = 16  # viewers of a block: bounds memory, and is nearly as fast as more

Block = TypeVar("Block")
Result = TypeVar("Result")


def encode_viewers(ranker: "Ranker", viewers: Sequence[ViewerProfile], requested_at: int | None) -> np.ndarray:
    """Return the model's states of the viewers, float32 [B, S]; `requested_at` in unix seconds.

    A viewer's own history without a request time is encoded once for each version of the viewer; one that is put
    together again as it was before has a version below 0, and is encoded each time.
    """
    states = [_cached_embedding(ranker, viewer) if requested_at is None else None for viewer in viewers]
    missing = [position for position, state in enumerate(states) if state is None]
    blocks = [missing[start : start + BLOCK_SIZE] for start in range(0, len(missing), BLOCK_SIZE)]

    def encode(block: Sequence[int]) -> np.ndarray:
        histories = [viewers[position].events for position in block]
        return ranker.encode(histories, None if requested_at is None else [requested_at] * len(block))

    for block, encoded in zip(blocks, _parallel_map(encode, blocks), strict=True):
        for position, state in zip(block, encoded, strict=True):
            states[position] = state
            if requested_at is None:
                _store_embedding(ranker, viewers[position], state)
    return np.stack(states)  # type: ignore[arg-type]


def top_by_model(
    ranker: "Ranker", states: np.ndarray, k: int, eligibility: EligibilityFilter, exclude: Sequence[np.ndarray]
) -> list[RankedMovies]:
    """Return the k best movies that pass the filter for each state row, without the movie ids of its `exclude`; of
    doubles the best."""
    doubles = eligibility.snapshot.doubles
    count = doubles.ranked_count(k)
    allowed, cold_items = eligibility.vocabulary_mask(ranker), eligibility.cold_items(ranker)

    def rank(block: slice) -> list[RankedMovies]:
        best = ranker.top(states[block], count, allowed, exclude[block], cold_items)
        return [RankedMovies(*top).first_of_doubles(doubles, k) for top in best]

    blocks = [slice(start, start + BLOCK_SIZE) for start in range(0, len(states), BLOCK_SIZE)]
    return [ranked for block in _parallel_map(rank, blocks) for ranked in block]


def score_movies(ranker: "Ranker", state: np.ndarray, movie_ids: np.ndarray) -> np.ndarray:
    """Return the model's scores for one state row [1, S]: float32 [n], -inf for a movie that it does not know."""
    scores = np.full(len(movie_ids), -np.inf, np.float32)
    known = ranker.columns_of(movie_ids) >= 0
    if known.any():
        scores[known] = ranker.score(state, movie_ids[known].tolist())[0]
    return scores


def _parallel_map(work: Callable[[Block], Result], blocks: Sequence[Block]) -> Iterator[Result]:
    """Yield the results in order, computed in threads: torch releases the interpreter while it computes."""
    if len(blocks) < 2:
        yield from map(work, blocks)
    else:
        with ThreadPoolExecutor(MAX_WORKERS) as pool:
            yield from pool.map(work, blocks)


def _cached_embedding(ranker: "Ranker", viewer: ViewerProfile) -> np.ndarray | None:
    if viewer.viewer_id is None or viewer.version is None or viewer.version < 0:
        return None
    try:
        state = cache.read_embedding(ranker.version, viewer.viewer_id, viewer.version)
    except CacheUnavailable:
        return None
    return state if state is not None and len(state) == ranker.state_size else None


def _store_embedding(ranker: "Ranker", viewer: ViewerProfile, state: np.ndarray) -> None:
    if viewer.viewer_id is None or viewer.version is None or viewer.version < 0:
        return
    with suppress(CacheUnavailable):  # it is only encoded again
        cache.store_embedding(ranker.version, viewer.viewer_id, viewer.version, state)
