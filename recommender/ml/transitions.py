"""Item-to-item transitions: a Markov chain over a window, counted as a sparse matrix.

Counts over a window of 10 with weight 1/gap, rows divided by their sum + 10: the constants of the comparison that the
project measures itself against (docs/quality.md).
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.data import Tokens
from recommender.ml.ragged import concatenate_ranges, concatenate_tensor_ranges
from recommender.ml.training_tokens import TrainingTokens

WINDOW, SHRINKAGE, TAU = 10, 10.0, 3.0  # tokens, counts, tokens
CHUNK_TOKENS = 400_000  # tokens whose pairs are counted at a time: about 200 MB
MAX_TOKENS = 30_000_000  # that are counted: more change the shares little


class Transitions(NamedTuple):
    """Shares of the films that follow each film, as CSR rows over columns 0..N - 1. Model folders store the fields by
    name."""

    indptr: Tensor  # int64 [N + 1]
    columns: Tensor  # int32 [nnz]; after `to_half` uint16 where that holds every film
    shares: Tensor  # float32 [nnz]; after `to_half` float16

    @classmethod
    def from_tokens(
        cls, viewers: np.ndarray, items: np.ndarray, num_items: int, max_successors: int | None = None
    ) -> Self:
        """Count tokens [n] in the order of watching: their viewers, and their columns 0..N - 1; see `from_training`."""
        return cls.from_training(TrainingTokens.from_columns(viewers, items, num_items), max_successors)

    @classmethod
    def from_training(cls, training: TrainingTokens, max_successors: int | None = None) -> Self:
        """Count which film follows which. The `max_successors` greatest shares of each film remain, by default all. Of
        more than MAX_TOKENS tokens those of every n-th viewer are counted."""
        training = training.thin_out(MAX_TOKENS)
        tokens = training.counts()
        most = np.minimum(tokens * WINDOW, min(training.num_items, max_successors or training.num_items)).sum()
        columns, shares = np.empty(most, np.int32), np.empty(most, np.float32)  # takes memory as far as it is filled
        indptr = np.zeros(training.num_items + 1, np.int64)
        for first, below in _item_ranges(tokens):
            counts, own_columns, own_shares = _successors(training, (first, below), max_successors)
            indptr[first + 1 : below + 1] = indptr[first] + counts.cumsum()
            own = slice(indptr[first], indptr[below])
            columns[own], shares[own] = own_columns, own_shares
        return cls(*map(torch.from_numpy, (indptr, columns[: indptr[-1]], shares[: indptr[-1]])))

    def plus(self, others: Self, max_successors: int) -> Self:
        """Return the sums of these shares and those of `others`; the `max_successors` greatest of each film remain."""
        num_items = len(self.indptr) - 1
        keys, shares = (
            np.concatenate([part.numpy() for part in parts])
            for parts in ([_places(self), _places(others)], [self.shares, others.shares])
        )
        keys, inverse = np.unique(keys, return_inverse=True)
        shares = np.bincount(inverse, shares, len(keys)).astype(np.float32)
        rows, columns = keys // max(num_items, 1), (keys % max(num_items, 1)).astype(np.int32)
        counts, remaining = _greatest_of_rows(rows, shares, num_items, max_successors)
        kept = (np.append(0, counts.cumsum()), columns[remaining], shares[remaining])
        return type(self)(*map(torch.from_numpy, kept))

    def scores(self, history: Tensor) -> Tensor:
        """Add up the shares after the films `history` [B, W], token ids, newest first, 0 for none, each times
        exp(-age / TAU): float32 [B, N]."""
        return sum_rows(*self, history, _age_weights(history))

    def entries(self, history: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what `scores` adds up, [n] each: viewers, places in the scores [B, N], and what is added there."""
        return row_entries(*self, history, _age_weights(history), len(self.indptr) - 1)

    def scores_at(self, history: Tensor, columns: Tensor) -> Tensor:
        """Return what `scores` does for some films alone, distinct `columns` [K]: float32 [B, K]."""
        return sum_rows_at(
            *self, history, _age_weights(history), places_of(columns, len(self.indptr) - 1), len(columns)
        )

    def to_half(self) -> Self:
        """Return the transitions in half the memory, since every web worker holds them, and those of two models during
        an activation."""
        index_type = torch.uint16 if len(self.indptr) <= 1 << 16 else torch.int32
        return type(self)(self.indptr, self.columns.to(index_type), self.shares.half())

    def to(self, device: torch.device) -> Self:
        """Return the transitions on another device; only a CPU keeps uint16, which others hardly support."""
        wide = self if device.type == "cpu" else self._replace(columns=self.columns.int())
        return type(self)(*(column.to(device) for column in wide))


def _places(transitions: Transitions) -> Tensor:
    """Return the place of each share in a matrix [N, N], int64 [nnz]."""
    num_items = len(transitions.indptr) - 1
    return torch.arange(num_items).repeat_interleave(transitions.indptr.diff()) * num_items + transitions.columns.long()


def _age_weights(history: Tensor) -> Tensor:
    return torch.exp(torch.arange(history.shape[1], device=history.device) / -TAU)


def sum_rows(
    indptr: Tensor, columns: Tensor, values: Tensor, history: Tensor, by_age: Tensor, width: int | None = None
) -> Tensor:
    """Add up sparse rows of `width` columns, by default one for each row, over the films `history` [B, W]: float32
    [B, width]; see `row_entries`."""
    width = len(indptr) - 1 if width is None else width
    _, keys, entries = row_entries(indptr, columns, values, history, by_age, width)
    return torch.zeros(len(history) * width, device=history.device).index_add_(0, keys, entries).view(-1, width)


def row_entries(
    indptr: Tensor, columns: Tensor, values: Tensor, history: Tensor, by_age: Tensor, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the entries [n] of sparse rows of `width` columns over the films `history` [B, W], token ids, newest
    first, 0 for none: the viewer of each, its place in a matrix [B, width], and its value times its film's weight in
    `by_age` [W]. Film i has `values` at `columns`, both from indptr[i] to indptr[i + 1]."""
    rows, ages = (history > 0).nonzero(as_tuple=True)
    sources = history[rows, ages] - 1
    entries, ranges = concatenate_tensor_ranges(indptr[sources], indptr[sources + 1])
    counts = ranges.diff()
    weights = torch.repeat_interleave(by_age[ages], counts) * values[entries]
    viewers = torch.repeat_interleave(rows, counts)
    return viewers, viewers * width + columns[entries].long(), weights


def sum_rows_at(
    indptr: Tensor, columns: Tensor, values: Tensor, history: Tensor, by_age: Tensor, place_of: np.ndarray, count: int
) -> Tensor:
    """Add up the entries of sparse rows at `count` columns alone, float32 [B, count], as `sum_rows` does; `place_of`
    [N]: the place of each column among them, -1 for none. Films that several histories have are looked at once.

    By numpy, whose steps cost a third of torch's on arrays this small.
    """
    starts, columns_of, values_of, watched, ages = (
        tensor.cpu().numpy() for tensor in (indptr, columns, values, history, by_age)
    )
    is_watched = np.zeros(len(starts), bool)  # by token id
    is_watched[watched] = True
    is_watched[0] = False
    films = np.flatnonzero(is_watched)
    row_of = np.zeros(len(starts), np.int32)  # by token id; row 0 is of no film
    row_of[films] = np.arange(1, len(films) + 1)
    entries, ranges = concatenate_ranges(starts[films - 1], starts[films])
    places = place_of[columns_of[entries]]
    wanted = np.flatnonzero(places >= 0)
    rows = np.searchsorted(ranges, wanted, side="right")
    of_films = np.zeros((len(films) + 1, count), np.float32)
    np.add.at(of_films, (rows, places[wanted]), values_of[entries[wanted]].astype(np.float32))
    weights = np.zeros((len(watched), len(films) + 1), np.float32)
    np.add.at(weights, (np.arange(len(watched))[:, None], row_of[watched]), ages)
    return torch.from_numpy(weights @ of_films).to(history.device)


def places_of(columns: Tensor, width: int) -> np.ndarray:
    """Return the place of each of 0..width - 1 among distinct `columns` [K], -1 for none: int32 [width]."""
    places = np.full(width, -1, np.int32)
    places[columns.cpu().numpy()] = np.arange(len(columns))
    return places


def last_items(tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, count: int = WINDOW) -> np.ndarray:
    """Return the last `count` token ids of `viewers` [B] before row `stops` [B], newest first, 0 for none: int64
    [B, count]."""
    if not len(tokens.items):
        return np.zeros((len(viewers), count), np.int64)
    rows = stops[:, None] - 1 - np.arange(count)
    items = tokens.items[np.maximum(rows, 0)].astype(np.int64)
    return np.where(rows >= tokens.indptr[viewers][:, None], items, 0)


def _item_ranges(counts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield ranges of columns, which have so many tokens, of at most CHUNK_TOKENS tokens each, or of one column."""
    ends = counts.cumsum()
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_TOKENS, side="right")))
        yield start, stop
        start = stop


def _successors(
    training: TrainingTokens, sources: tuple[int, int], max_successors: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many films follow each film of the range `sources`, int64, and which, int32, with their shares, film
    by film in the order of columns."""
    pairs, total = _weighted_pairs(training, sources)
    rows, columns = pairs // training.num_items - sources[0], (pairs % training.num_items).astype(np.int32)
    del pairs
    shares = (total / (np.bincount(rows, total)[rows] + SHRINKAGE)).astype(np.float32)
    if max_successors is None:
        return np.bincount(rows, minlength=sources[1] - sources[0]), columns, shares
    counts, remaining = _greatest_of_rows(rows, shares, sources[1] - sources[0], max_successors)
    return counts, columns[remaining], shares[remaining]


def _greatest_of_rows(rows: np.ndarray, values: np.ndarray, num_rows: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values of each row are among its `most` greatest, int64 [num_rows], and where these are in
    `values` [n], ascending; `rows` [n] ascend."""
    counts = np.bincount(rows, minlength=num_rows)
    best = np.lexsort((-values, rows))  # keeps the rows' order
    nth = np.arange(len(best)) - np.repeat(counts.cumsum() - counts, counts)
    return np.minimum(counts, most), np.sort(best[nth < most])


def _weighted_pairs(training: TrainingTokens, sources: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return which films follow those of the range `sources`, as row * N + column, ascending, and their weights."""
    rows, items = training.rows_of_items(*sources), training.tokens.items
    ends = training.ends_at(rows)
    parts = []
    for gap in range(1, WINDOW + 1):
        first = rows[rows + gap < ends]
        pairs = (items[first].astype(np.int64) - 1) * training.num_items + items[first + gap] - 1
        parts.append(pairs * WINDOW + gap - 1)
    keys = np.concatenate(parts)
    del parts
    keys.sort()  # in place, without an array of order: the gap is a part of the key
    weights = 1 / (keys % WINDOW + 1)
    keys //= WINDOW
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    pair = np.repeat(np.arange(len(first)), np.diff(first, append=len(keys)))
    return keys[first], np.bincount(pair, weights, len(first))
