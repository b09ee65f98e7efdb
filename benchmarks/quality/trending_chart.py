"""The chart "trending" as a running system makes it, as a baseline of protocol N.

The formulas are those of the chart, without the rules against made popularity by which new viewers count less: every
viewer counts as one who is long known.
"""

import numpy as np

from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets
from recommender.ml.popularity import DAY, MIN_GOOD_STARS
from recommender.serving.candidates import trending


class TrendingChart:
    """Scores films as the chart does at the midnight before each visit; those that do not trend follow by popularity,
    as they fill a list that is too short."""

    def __init__(self, tokens: Tokens, num_items: int) -> None:
        self.num_items = num_items
        viewers = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
        order = np.argsort(tokens.times, kind="stable")
        self.days, self.viewers = tokens.times[order] // DAY, viewers[order]
        self.items = tokens.items[order].astype(np.int64) - 1
        stars = tokens.stars[order]
        self.is_good = (stars == 0) | (stars >= 2 * MIN_GOOD_STARS)
        self.replaced_on = self._next_days()
        active = np.unique(np.stack([self.days, self.viewers]), axis=1)[0]
        self.active_days, self.active_viewers = np.unique(active, return_counts=True)
        self._cached: dict[int, np.ndarray] = {}

    def _next_days(self) -> np.ndarray:
        """Return the day on which the same viewer has the same film again, the last day of all where never."""
        pairs = self.viewers * self.num_items + self.items
        order = np.argsort(pairs, kind="stable")
        next_days = np.full(len(pairs), np.iinfo(np.int64).max)
        is_same = np.flatnonzero(np.diff(pairs[order]) == 0)
        next_days[order[is_same]] = self.days[order[is_same + 1]]
        return next_days

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        return np.stack([self.scores_on(day) for day in (tokens.times[targets.rows] // DAY).tolist()])

    def scores_on(self, day: int) -> np.ndarray:
        """Return the scores at the midnight before `day` (since 1970), float32 [N]: above 1 for films that trend."""
        if day not in self._cached:
            recent, long_term = self._weights(day)
            trend = trending.trend_scores(recent, long_term)
            filling = long_term / (long_term.max(initial=0) + 1)
            self._cached[day] = np.where(trend > 0, 1 + trend, filling).astype(np.float32)
        return self._cached[day]

    def _weights(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what each film counts for at the midnight before `day`, recently and in the long term: float64 [N]
        each, of the last word of each viewer on each film."""
        known = self.active_days < day
        decay = trending.decay_weights(self.active_days[known], self.active_viewers[known].astype(np.float64))
        rows = np.flatnonzero((self.days < day) & (self.replaced_on >= day) & self.is_good)
        on_day = self.days[rows] - decay.first_day
        recent = self._sum(rows, decay.recent[on_day], trending.MAX_RECENT_PER_VIEWER)
        return recent, self._sum(rows, decay.long_term[on_day], trending.MAX_LONG_TERM_PER_VIEWER)

    def _sum(self, rows: np.ndarray, weights: np.ndarray, max_per_viewer: float) -> np.ndarray:
        """Add up the weights by film, those of one viewer up to a sum."""
        viewers = self.viewers[rows]
        share = np.minimum(1, max_per_viewer / np.maximum(np.bincount(viewers, weights), 1e-300))
        return np.bincount(self.items[rows], weights * share[viewers], minlength=self.num_items)
