"""How many watches each film has lately: counts over rolling windows up to a midnight (UTC)."""

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.ragged import concatenate_ranges

DAY = 86_400  # seconds
WINDOW_DAYS = (1, 3, 7, 30, 365)
NUM_COUNTS = len(WINDOW_DAYS) + 1  # the windows, then all times
MAX_CACHED_DAYS = 64  # of six numbers a film


class Popularity(NamedTuple):
    """Counts of films by id. Films that are not in it have none."""

    movie_ids: np.ndarray  # int32 [M], ascending
    counts: np.ndarray  # float32 [M, NUM_COUNTS]

    def counts_of(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the counts of some films, float32 [n, NUM_COUNTS]."""
        found = np.zeros((len(movie_ids), NUM_COUNTS), np.float32)
        if len(self.movie_ids):
            rows = np.searchsorted(self.movie_ids, movie_ids).clip(max=len(self.movie_ids) - 1)
            known = self.movie_ids[rows] == movie_ids
            found[known] = self.counts[rows[known]]
        return found


class DailyPopularity:
    """The counts of a vocabulary's films as they were at any midnight."""

    def __init__(self, times: np.ndarray, items: np.ndarray, num_items: int) -> None:
        """Take watches: times int64 [n], unix seconds, and columns [n], 0..num_items - 1."""
        order = np.argsort(times, kind="stable")
        self.times, self.items, self.num_items = times[order], items[order], num_items
        self.at_day = lru_cache(MAX_CACHED_DAYS)(self._count)

    @classmethod
    def from_tokens(cls, tokens: Tokens, num_items: int, ends: np.ndarray | None = None) -> Self:
        """Count all tokens, or each viewer's before row `ends` [U]."""
        rows = slice(None) if ends is None else concatenate_ranges(tokens.indptr[:-1], ends)[0]
        return cls(tokens.times[rows], tokens.items[rows] - 1, num_items)

    def latest(self) -> np.ndarray:
        """Return the counts with every watch, float32 [num_items, NUM_COUNTS]."""
        return self._count(int(self.times[-1]) // DAY + 1 if len(self.times) else 0)

    def _count(self, day: int) -> np.ndarray:
        """Count up to the midnight before `day` (days since 1970), float32 [num_items, NUM_COUNTS]."""
        midnight = day * DAY
        stop = np.searchsorted(self.times, midnight)
        starts = [np.searchsorted(self.times, midnight - days * DAY) for days in WINDOW_DAYS]
        counts = [np.bincount(self.items[start:stop], minlength=self.num_items) for start in (*starts, 0)]
        return np.stack(counts, axis=1).astype(np.float32)
