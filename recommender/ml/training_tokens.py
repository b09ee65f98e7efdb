"""The tokens that are learned from by counting, in blocks, so that memory does not grow with their number."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.token_files import release_pages, viewer_blocks


class TokenBlock(NamedTuple):
    """The tokens of some viewers."""

    viewers: np.ndarray  # int64 [n], ascending
    items: np.ndarray  # int64 [n]: columns 0..N - 1
    times: np.ndarray  # int64 [n]


class TrainingTokens:
    """Each viewer's tokens before row `ends` [U]."""

    def __init__(self, tokens: Tokens, ends: np.ndarray, num_items: int) -> None:
        self.tokens, self.starts, self.ends, self.num_items = tokens, tokens.indptr[:-1], ends, num_items

    @classmethod
    def from_columns(cls, viewers: np.ndarray, items: np.ndarray, num_items: int) -> Self:
        """Take tokens [n] of viewers one after the other, with columns 0..N - 1, without times."""
        starts = np.flatnonzero(np.diff(viewers, prepend=-1) != 0) if len(viewers) else np.empty(0, np.int64)
        return cls._from_items(np.append(starts, len(viewers)), np.asarray(items, np.int64) + 1, num_items)

    @classmethod
    def _from_items(cls, indptr: np.ndarray, items: np.ndarray, num_items: int) -> Self:
        """Take token ids [n] of viewers [U], with `indptr` as Tokens have it, and nothing else."""
        none = np.zeros(0, np.int64)
        tokens = Tokens(
            indptr=indptr,
            items=items,
            times=np.broadcast_to(np.int64(0), len(items)),
            stars=np.broadcast_to(np.int8(0), len(items)),
            timed=np.zeros(len(indptr) - 1, bool),
            taste_indptr=np.zeros(len(indptr), np.int64),
            taste_items=none,
            taste_weights=np.zeros(0, np.float32),
            taste_seen=none,
        )
        return cls(tokens, indptr[1:], num_items)

    def blocks(self) -> Iterator[TokenBlock]:
        """Yield all of them, some viewers at a time."""
        for viewers in viewer_blocks(self.tokens):
            yield self.of_viewers(np.arange(viewers.start, viewers.stop))

    def of_viewers(self, viewers: np.ndarray) -> TokenBlock:
        """Return those of some viewers, int64 [m] ascending."""
        rows, indptr = concatenate_ranges(self.starts[viewers], self.ends[viewers])
        numbers = np.repeat(viewers, np.diff(indptr))
        block = TokenBlock(numbers, self.tokens.items[rows].astype(np.int64) - 1, self.tokens.times[rows])
        release_pages(self.tokens)
        return block

    def thin_out(self, max_tokens: int) -> Self:
        """Return the films of every n-th viewer, in memory and without times, where there are more tokens than that."""
        every = -(-int((self.ends - self.starts).sum()) // max_tokens)
        if every <= 1:
            return self
        lengths, parts = (self.ends - self.starts)[::every], [np.empty(0, np.int32)]
        for block in viewer_blocks(self.tokens):
            viewers = np.arange(-(-block.start // every) * every, block.stop, every)
            parts.append(self.tokens.items[concatenate_ranges(self.starts[viewers], self.ends[viewers])[0]])
        return self._from_items(np.append(0, lengths.cumsum()), np.concatenate(parts), self.num_items)

    def counts(self) -> np.ndarray:
        """Return how many tokens each film has, int64 [N]."""
        total = np.zeros(self.num_items, np.int64)
        for block in self.blocks():
            total += np.bincount(block.items, minlength=self.num_items)
        return total

    def rows_of_items(self, first: int, below: int) -> np.ndarray:
        """Return the rows of the tokens with columns from `first`, and below another: int64 [n], ascending."""
        parts = [np.empty(0, np.int64)]
        for viewers in viewer_blocks(self.tokens):
            start, stop = self.tokens.indptr[viewers.start], self.tokens.indptr[viewers.stop]
            items = self.tokens.items[start:stop]
            parts.append(np.flatnonzero((items > first) & (items <= below)) + start)
        rows = np.concatenate(parts)
        return rows[rows < self.ends_at(rows)]

    def ends_at(self, rows: np.ndarray) -> np.ndarray:
        """Return where the viewers end whose tokens are at `rows`, int64 [n]."""
        return self.ends[np.searchsorted(self.tokens.indptr, rows, side="right") - 1]
