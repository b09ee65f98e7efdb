"""How many watches each film has lately: counts over rolling windows up to a midnight (UTC).

They are counted as the charts count (recommender/serving/candidates/charts.py): no poor ratings, on the same clock.
"""

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.data import Tokens

DAY = 86_400  # seconds
WINDOW_DAYS = (1, 3, 7, 30, 365)
NUM_COUNTS = len(WINDOW_DAYS) + 1  # the windows, then all times
FULL_DAY_VIEWERS = 50  # viewers who watch something on one day: then the clock of what is popular goes on by that day
MIN_GOOD_STARS = 3.0  # a rating below speaks against the film, as in charts
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
    """The counts of a vocabulary's films as they were at any midnight.

    A day on which `FULL_DAY_VIEWERS` viewers watched something passes as a whole, one with fewer by its share: so the
    windows of a small site reach further back, and data that was imported years after its last watch is as good as new.
    """

    def __init__(self, days: np.ndarray, viewers: np.ndarray, items: np.ndarray, num_items: int) -> None:
        """Take watches: the day of each since 1970, its viewer and its column 0..num_items - 1, all [n]."""
        order = np.argsort(days, kind="stable")
        self.days, self.items, self.num_items = days[order], items[order], num_items
        active_days, active_viewers = np.unique(np.unique(np.stack([days, viewers]), axis=1)[0], return_counts=True)
        self.first_day, passed = passed_days(active_days, active_viewers)
        self.clock = np.concatenate([[0.0], passed.cumsum()])  # days that had passed at each midnight from first_day on
        self.at_day = lru_cache(MAX_CACHED_DAYS)(self._count)

    @classmethod
    def from_tokens(cls, tokens: Tokens, num_items: int, ends: np.ndarray | None = None) -> Self:
        """Count all tokens, or each viewer's before row `ends` [U], but for poor ratings."""
        viewers = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
        counted = (tokens.stars == 0) | (tokens.stars >= 2 * MIN_GOOD_STARS)
        if ends is not None:
            counted &= np.arange(len(viewers)) < ends[viewers]
        return cls(tokens.times[counted] // DAY, viewers[counted], tokens.items[counted] - 1, num_items)

    def latest(self) -> np.ndarray:
        """Return the counts with every watch, float32 [num_items, NUM_COUNTS]."""
        return self._count(int(self.days[-1]) + 1 if len(self.days) else 0)

    def _count(self, day: int) -> np.ndarray:
        """Count up to the midnight before `day` (since 1970), float32 [num_items, NUM_COUNTS]."""
        now = self.clock[np.clip(day - self.first_day, 0, len(self.clock) - 1)]
        stop = np.searchsorted(self.days, day)
        counts = [np.bincount(self.items[:stop], minlength=self.num_items)]
        for window in reversed(WINDOW_DAYS):
            first = self.first_day + int(np.searchsorted(self.clock, now - window - 1e-6))
            start = np.searchsorted(self.days, first)
            counts.append(np.bincount(self.items[start:stop], minlength=self.num_items))
        return np.stack(counts[::-1], axis=1).astype(np.float32)


def passed_days(days: np.ndarray, viewers: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the first of `days` (since 1970, ascending, int64 [n]) and how much of each day from it to the last has
    passed, float64, 0..1, by how many viewers were active on `days` [n]."""
    if not len(days):
        return 0, np.zeros(0)
    passed = np.zeros(int(days[-1] - days[0]) + 1)
    passed[days - days[0]] = np.minimum(viewers / FULL_DAY_VIEWERS, 1)
    return int(days[0]), passed
