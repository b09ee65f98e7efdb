"""Which film follows which, by counting: a Markov chain over a window, as a sparse matrix.

Counts over a window of 10 with weight 1/gap, rows divided by their sum + 10: the constants of the comparison that the
project measures itself against (docs/quality.md).
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.data import Tokens

WINDOW, SHRINKAGE, TAU = 10, 10.0, 3.0  # tokens, counts, tokens
CHUNK_TOKENS = 1_000_000  # tokens whose pairs are counted at a time: about 500 MB


class Transitions(NamedTuple):
    """Shares of the films that follow each film. Films are counted from 0."""

    indptr: Tensor  # int64 [N + 1]
    columns: Tensor  # int32 [nnz], packed uint16 where that holds every film
    shares: Tensor  # float32 [nnz], packed float16

    @classmethod
    def from_tokens(
        cls, viewers: np.ndarray, items: np.ndarray, num_items: int, max_successors: int | None = None
    ) -> Self:
        """From tokens [n] in the order of watching: whose they are, and their films 0..N - 1. The `kept` greatest
        shares of each film remain, by default all."""
        parts = [
            _successors(viewers, items, chosen, num_items, max_successors) for chosen in _item_ranges(items, num_items)
        ]
        counts, columns, shares = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(*map(torch.from_numpy, (np.append(0, counts.cumsum()), columns, shares)))

    def scores(self, history: Tensor) -> Tensor:
        """Sum over recent [B, W] films, newest first, places 1..N or 0, of exp(-age / TAU) times what follows them:
        float32 [B, N]."""
        films = len(self.indptr) - 1
        rows, ages = (history > 0).nonzero(as_tuple=True)
        sources = history[rows, ages] - 1
        starts, counts = self.indptr[sources], self.indptr[sources + 1] - self.indptr[sources]
        entries = torch.arange(int(counts.sum()), device=history.device)
        entries += torch.repeat_interleave(starts - (counts.cumsum(0) - counts), counts)
        weights = torch.repeat_interleave(torch.exp(ages / -TAU), counts) * self.shares[entries]
        keys = torch.repeat_interleave(rows * films, counts) + self.columns[entries].long()
        total = torch.zeros(len(history) * films, device=history.device).index_add_(0, keys, weights)
        return total.view(len(history), films)

    def to_half(self) -> Self:
        """In half the memory: every web worker holds them, and those of two models while one takes over."""
        short = torch.uint16 if len(self.indptr) <= 1 << 16 else torch.int32
        return type(self)(self.indptr, self.columns.to(short), self.shares.half())

    def to(self, device: torch.device) -> Self:
        """In 32 bits where it is not for a processor: torch's other devices know little of uint16."""
        wide = self if device.type == "cpu" else self._replace(columns=self.columns.int())
        return type(self)(*(column.to(device) for column in wide))


def last_items(tokens: Tokens, viewers: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Places of the last WINDOW tokens of `viewers` [B] before row `stops` [B], newest first; int64 [B, WINDOW]."""
    if not len(tokens.items):
        return np.zeros((len(viewers), WINDOW), np.int64)
    rows = stops[:, None] - 1 - np.arange(WINDOW)
    return np.where(rows >= tokens.indptr[viewers][:, None], tokens.items[np.maximum(rows, 0)], 0)


def _item_ranges(items: np.ndarray, films: int) -> Iterator[tuple[int, int]]:
    """Ranges of films that have at most CHUNK tokens each, or are one film."""
    ends = np.bincount(items, minlength=films).cumsum()
    start = 0
    while start < films:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_TOKENS, side="right")))
        yield start, stop
        start = stop


def _successors(
    owner: np.ndarray, items: np.ndarray, chosen: tuple[int, int], films: int, kept: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many films follow each film of a range, int64; and which, int32, with their shares, film by film in the order
    of columns."""
    pairs, total = _weighted_pairs(owner, items, chosen, films)
    rows, columns = pairs // films - chosen[0], (pairs % films).astype(np.int32)
    del pairs
    shares = (total / (np.bincount(rows, total)[rows] + SHRINKAGE)).astype(np.float32)
    counts = np.bincount(rows, minlength=chosen[1] - chosen[0])
    if kept is not None:
        best = np.lexsort((-shares, rows))  # keeps the rows' order
        nth = np.arange(len(best)) - np.repeat(counts.cumsum() - counts, counts)
        remaining = np.sort(best[nth < kept])
        counts, columns, shares = np.minimum(counts, kept), columns[remaining], shares[remaining]
    return counts, columns, shares


def _weighted_pairs(
    owner: np.ndarray, items: np.ndarray, chosen: tuple[int, int], films: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which films follow those of a range, row * films + column, ascending; and their weights."""
    places = np.flatnonzero((items >= chosen[0]) & (items < chosen[1]))
    found = []
    for gap in range(1, WINDOW + 1):
        ahead = places[places + gap < len(items)]
        ahead = ahead[owner[ahead] == owner[ahead + gap]]
        found.append((items[ahead].astype(np.int64) * films + items[ahead + gap]) * WINDOW + gap - 1)
    keys = np.concatenate(found)
    del found
    keys.sort()  # in place, and without an order of its own: the gap is a part of the key
    weights = 1 / (keys % WINDOW + 1)
    keys //= WINDOW
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    pair = np.repeat(np.arange(len(first)), np.diff(first, append=len(keys)))
    return keys[first], np.bincount(pair, weights, len(first))
