"""Asking the model: states through the embedding cache, then the best films of a mask."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving.subject import Subject

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

AT_ONCE = 2  # blocks that are encoded side by side
BLOCK = 32  # viewers ranked at once: bounds memory, and is as fast as more


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

    if len(blocks) < 2:
        yield from map(encode, blocks)
    else:  # torch lets go of the interpreter while it computes
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(encode, blocks)


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


def best(
    ranker: "Ranker", rows: np.ndarray, k: int, allowed: np.ndarray, exclude: Sequence[np.ndarray]
) -> list[Ranked]:
    """The k best of the allowed films (bool [V]) for each state row, without the film ids of its `exclude`."""
    found: list[Ranked] = []
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        found += [Ranked(*top) for top in ranker.top(rows[part], k, allowed, exclude[part])]
    return found


def rated(ranker: "Ranker", state: np.ndarray, movie_ids: np.ndarray) -> np.ndarray:
    """The model's score of each film for one state row [1, S]: float32 [n], -inf for a film that it does not know."""
    scores = np.full(len(movie_ids), -np.inf, np.float32)
    known = ranker.index(movie_ids) >= 0
    if known.any():
        scores[known] = ranker.score(state, movie_ids[known].tolist())[0]
    return scores
