"""Asking the model: states through the embedding cache, then the best films that pass a gate."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving.eligibility import Gate
from recommender.serving.subject import Subject

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

AT_ONCE = 2  # blocks that are computed side by side
BLOCK = 16  # viewers of a block: bounds memory, and is nearly as fast as more

Block = TypeVar("Block")
Result = TypeVar("Result")


class Ranked(NamedTuple):
    movie_ids: np.ndarray  # int32 [n], best first
    scores: np.ndarray  # float32 [n]


def states(ranker: "Ranker", subjects: Sequence[Subject], at: int | None) -> np.ndarray:
    """float32 [B, S]. A viewer's own history without a request time is encoded once a viewer version."""
    rows = [_cached(ranker, one) if at is None else None for one in subjects]
    missing = [place for place, row in enumerate(rows) if row is None]
    blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
    for block, encoded in zip(blocks, _encoded(ranker, subjects, blocks, at), strict=True):
        for place, row in zip(block, encoded, strict=True):
            rows[place] = row
            if at is None:
                _keep(ranker, subjects[place], row)
    return np.stack(rows)  # type: ignore[arg-type]


def _encoded(
    ranker: "Ranker", subjects: Sequence[Subject], blocks: Sequence[Sequence[int]], at: int | None
) -> Iterator[np.ndarray]:
    def encode(block: Sequence[int]) -> np.ndarray:
        return ranker.encode([subjects[place].events for place in block], None if at is None else [at] * len(block))

    return _side_by_side(encode, blocks)


def _side_by_side(work: Callable[[Block], Result], blocks: Sequence[Block]) -> Iterator[Result]:
    """torch lets go of the interpreter while it computes."""
    if len(blocks) < 2:
        yield from map(work, blocks)
    else:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(work, blocks)


def _cached(ranker: "Ranker", subject: Subject) -> np.ndarray | None:
    if subject.viewer_id is None or subject.version is None:
        return None
    try:
        state = cache.read_embedding(ranker.version, subject.viewer_id, subject.version)
    except CacheUnavailable:
        return None
    return state if state is not None and len(state) == ranker.state_size else None


def _keep(ranker: "Ranker", subject: Subject, state: np.ndarray) -> None:
    if subject.viewer_id is None or subject.version is None:
        return
    with suppress(CacheUnavailable):  # it is only encoded again
        cache.store_embedding(ranker.version, subject.viewer_id, subject.version, state)


def best(ranker: "Ranker", rows: np.ndarray, k: int, gate: Gate, exclude: Sequence[np.ndarray]) -> list[Ranked]:
    """The k best films that pass the gate for each state row, without the film ids of its `exclude`."""
    allowed, newcomers = gate.vocabulary(ranker), gate.newcomers(ranker)

    def rank(part: slice) -> list[Ranked]:
        return [Ranked(*top) for top in ranker.top(rows[part], k, allowed, exclude[part], newcomers)]

    parts = [slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)]
    return [ranked for block in _side_by_side(rank, parts) for ranked in block]


def rated(ranker: "Ranker", state: np.ndarray, movie_ids: np.ndarray) -> np.ndarray:
    """The model's score of each film for one state row [1, S]: float32 [n], -inf for a film that it does not know."""
    scores = np.full(len(movie_ids), -np.inf, np.float32)
    known = ranker.columns_of(movie_ids) >= 0
    if known.any():
        scores[known] = ranker.score(state, movie_ids[known].tolist())[0]
    return scores
