"""Histories whose order can be learned: movies come in pairs (2n, then 2n + 1), viewers like one half of them."""

import numpy as np

from recommender.ml.data import RATING, Histories

MOVIES, VIEWERS, LENGTH = 40, 120, 16


def paired_histories(seed: int = 1) -> Histories:
    """Return histories in which each viewer rates `LENGTH` movies: pairs in random order, a minute between the two."""
    rng = np.random.default_rng(seed)
    movie_ids, times = [], []
    for viewer in range(VIEWERS):
        half = np.arange(MOVIES // 4) + (viewer % 2) * MOVIES // 4
        first = rng.permutation(half)[: LENGTH // 2] * 2
        movie_ids.append(np.stack([first, first + 1], 1).ravel() + 100)
        start = 1_000_000_000 + np.arange(LENGTH // 2) * 86_400
        times.append(np.stack([start, start + 60], 1).ravel())
    n = VIEWERS * LENGTH
    return Histories(
        viewers=np.arange(VIEWERS),
        indptr=np.arange(VIEWERS + 1) * LENGTH,
        movie_ids=np.concatenate(movie_ids).astype(np.int32),
        times=np.concatenate(times),
        kinds=np.full(n, RATING, np.int8),
        ratings=rng.integers(1, 11, n).astype(np.float32) / 2,
        completions=np.full(n, np.nan, np.float32),
        timed=np.ones(VIEWERS, bool),
    )
