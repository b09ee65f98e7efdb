"""Asking the model: states through the embedding cache, then the best films that pass a gate."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.movies.snapshot import EligibilityFilter
from recommender.serving.viewer import ViewerProfile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MAX_WORKERS = 2  # blocks that are computed side by side
BLOCK_SIZE = 16  # viewers of a block: bounds memory, and is nearly as fast as more

Block = TypeVar("Block")
Result = TypeVar("Result")


class RankedMovies(NamedTuple):
    movie_ids: np.ndarray  # int32 [n], best first
    scores: np.ndarray  # float32 [n]


def encode_viewers(ranker: "Ranker", viewers: Sequence[ViewerProfile], requested_at: int | None) -> np.ndarray:
    """float32 [B, S]. A viewer's own history without a request time is encoded once a viewer version."""
    rows = [_cached_embedding(ranker, one) if requested_at is None else None for one in viewers]
    missing = [place for place, row in enumerate(rows) if row is None]
    blocks = [missing[start : start + BLOCK_SIZE] for start in range(0, len(missing), BLOCK_SIZE)]
    for block, encoded in zip(blocks, _encode_blocks(ranker, viewers, blocks, requested_at), strict=True):
        for place, row in zip(block, encoded, strict=True):
            rows[place] = row
            if requested_at is None:
                _store_embedding(ranker, viewers[place], row)
    return np.stack(rows)  # type: ignore[arg-type]


def _encode_blocks(
    ranker: "Ranker", viewers: Sequence[ViewerProfile], blocks: Sequence[Sequence[int]], requested_at: int | None
) -> Iterator[np.ndarray]:
    def encode(block: Sequence[int]) -> np.ndarray:
        return ranker.encode(
            [viewers[place].events for place in block], None if requested_at is None else [requested_at] * len(block)
        )

    return _parallel_map(encode, blocks)


def _parallel_map(work: Callable[[Block], Result], blocks: Sequence[Block]) -> Iterator[Result]:
    """torch lets go of the interpreter while it computes."""
    if len(blocks) < 2:
        yield from map(work, blocks)
    else:
        with ThreadPoolExecutor(MAX_WORKERS) as pool:
            yield from pool.map(work, blocks)


def _cached_embedding(ranker: "Ranker", viewer: ViewerProfile) -> np.ndarray | None:
    if viewer.viewer_id is None or viewer.version is None:
        return None
    try:
        state = cache.read_embedding(ranker.version, viewer.viewer_id, viewer.version)
    except CacheUnavailable:
        return None
    return state if state is not None and len(state) == ranker.state_size else None


def _store_embedding(ranker: "Ranker", viewer: ViewerProfile, state: np.ndarray) -> None:
    if viewer.viewer_id is None or viewer.version is None:
        return
    with suppress(CacheUnavailable):  # it is only encoded again
        cache.store_embedding(ranker.version, viewer.viewer_id, viewer.version, state)


def top_by_model(
    ranker: "Ranker", states: np.ndarray, k: int, eligibility: EligibilityFilter, exclude: Sequence[np.ndarray]
) -> list[RankedMovies]:
    """The k best films that pass the gate for each state row, without the film ids of its `exclude`."""
    allowed, newcomers = eligibility.vocabulary_mask(ranker), eligibility.cold_items(ranker)

    def rank(part: slice) -> list[RankedMovies]:
        return [RankedMovies(*top) for top in ranker.top(states[part], k, allowed, exclude[part], newcomers)]

    parts = [slice(start, start + BLOCK_SIZE) for start in range(0, len(states), BLOCK_SIZE)]
    return [ranked for block in _parallel_map(rank, parts) for ranked in block]


def score_movies(ranker: "Ranker", state: np.ndarray, movie_ids: np.ndarray) -> np.ndarray:
    """The model's score of each film for one state row [1, S]: float32 [n], -inf for a film that it does not know."""
    scores = np.full(len(movie_ids), -np.inf, np.float32)
    known = ranker.columns_of(movie_ids) >= 0
    if known.any():
        scores[known] = ranker.score(state, movie_ids[known].tolist())[0]
    return scores
