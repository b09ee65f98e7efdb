"""Histories of some viewers in memory: what one shard holds."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.ragged import concatenate_ranges


class HistoryBlock(NamedTuple):
    """Viewers, ascending, with the events of each that hold (`catalog.last_word`), in the order (occurred_at, id)."""

    viewers: np.ndarray  # int32 [U]
    versions: np.ndarray  # int64 [U], of the snapshot that the events are of
    indptr: np.ndarray  # int64 [U + 1]: viewer u's events are rows indptr[u] to indptr[u + 1]
    movie_ids: np.ndarray  # int32 [n]
    times: np.ndarray  # int64 [n], unix seconds
    kinds: np.ndarray  # int8 [n], as HeldEvents has them
    ratings: np.ndarray  # float32 [n], stars; NaN: none
    completions: np.ndarray  # float32 [n], 0..1; NaN: not known

    @classmethod
    def empty(cls) -> Self:
        """Return a block of nobody."""
        columns = (np.empty(0, dtype) for dtype in (np.int32, np.int64, np.int8, np.float32, np.float32))
        return cls(np.empty(0, np.int32), np.empty(0, np.int64), np.zeros(1, np.int64), *columns)

    def select(self, rows: np.ndarray) -> Self:
        """Return the viewers at `rows`, int64 [m] or bool [U]."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        events, indptr = concatenate_ranges(self.indptr[rows], self.indptr[rows + 1])
        return type(self)(self.viewers[rows], self.versions[rows], indptr, *(column[events] for column in self[3:]))

    def lengths(self) -> np.ndarray:
        """Return the events of each viewer, int64 [U]."""
        return np.diff(self.indptr)


def join(blocks: Sequence[HistoryBlock]) -> HistoryBlock:
    """Return all viewers of the blocks, ascending; nobody is in two of them."""
    blocks = [HistoryBlock.empty(), *blocks]
    offsets = np.cumsum([0, *(block.indptr[-1] for block in blocks[:-1])])
    ends = [block.indptr[1:] + offset for block, offset in zip(blocks, offsets, strict=True)]
    viewers, versions = (np.concatenate([block[column] for block in blocks]) for column in range(2))
    columns = (np.concatenate([block[column] for block in blocks]) for column in range(3, len(HistoryBlock._fields)))
    joined = HistoryBlock(viewers, versions, np.concatenate([[0], *ends]).astype(np.int64), *columns)
    if (np.diff(viewers) > 0).all():
        return joined
    return joined.select(np.argsort(viewers, kind="stable"))
