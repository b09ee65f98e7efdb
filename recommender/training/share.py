"""The share of the histories that trains, where an operator bounds it: the newest events of viewers who are not gone.

Lists are made of whole histories, for everybody.
"""

from typing import NamedTuple, Self

import numpy as np
from django.conf import settings

from recommender.ml.data import Histories
from recommender.ml.ragged import concatenate_ranges

DAY = 86_400  # seconds


class TrainingShare(NamedTuple):
    """How much of the histories trains; 0 stands for all."""

    events_per_viewer: int  # the newest
    active_days: int  # of viewers with an event in so many days

    @classmethod
    def from_settings(cls) -> Self:
        """Return what this instance is set to."""
        return cls(settings.TRAINING_EVENTS_PER_VIEWER, settings.TRAINING_ACTIVE_DAYS)

    def starts(self, starts: np.ndarray, ends: np.ndarray, times: np.ndarray, now: float) -> np.ndarray:
        """Return where what trains of each viewer begins, int64 [U], up to `ends`. `times` [n] ascend between `starts`
        and `ends` [U] of a viewer, unix seconds like `now`."""
        bounded = np.maximum(starts, ends - self.events_per_viewer) if self.events_per_viewer else starts
        if not self.active_days or not len(times):
            return bounded
        is_gone = times[np.maximum(ends - 1, 0)] < now - self.active_days * DAY
        return np.where(is_gone, ends, bounded)

    def select(self, histories: Histories, now: float) -> Histories:
        """Return what trains of some viewers, at the moment `now`, without those of whom nothing does."""
        if not any(self):
            return histories
        ends = histories.indptr[1:]
        starts = self.starts(histories.indptr[:-1], ends, histories.times, now)
        kept = np.flatnonzero(starts < ends)
        rows, indptr = concatenate_ranges(starts[kept], ends[kept])
        columns = (column[rows] for column in histories[2:-1])
        return Histories._make([histories.viewers[kept], indptr, *columns, histories.timed[kept]])
