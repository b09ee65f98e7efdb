"""Viewers of whom less is known: what a cold viewer looks like, made from those who have been here for long."""

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets


def truncate_histories(tokens: Tokens, targets: Targets, max_tokens: int) -> tuple[Tokens, Targets]:
    """For each target a viewer of its own, who has the target and the n tokens before it, with the taste from there
    on. `targets` [m] become viewers 0..m - 1."""
    viewers, rows = targets
    first = np.maximum(tokens.indptr[viewers], rows - max_tokens)
    kept, indptr = _concatenate_ranges(first, rows + 1)
    older = tokens.taste_seen[np.maximum(first - 1, 0)]
    low = np.where(first > tokens.indptr[viewers], older, tokens.taste_indptr[viewers])
    tasted, taste_indptr = _concatenate_ranges(low, tokens.taste_seen[rows])
    owner = np.repeat(np.arange(len(rows)), np.diff(indptr))
    short = Tokens(
        indptr=indptr,
        items=tokens.items[kept],
        times=tokens.times[kept],
        stars=tokens.stars[kept],
        timed=tokens.timed[viewers],
        taste_indptr=taste_indptr,
        taste_items=tokens.taste_items[tasted],
        taste_weights=tokens.taste_weights[tasted],
        taste_seen=tokens.taste_seen[kept] + (taste_indptr[:-1] - low)[owner],
    )
    return short, Targets(np.arange(len(rows)), indptr[1:] - 1)


def _concatenate_ranges(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rows of the ranges [m] one after the other, and where each range begins: int64 [sum], [m + 1]."""
    indptr = np.concatenate([[0], np.cumsum(stops - starts)])
    return np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], np.diff(indptr)), indptr
