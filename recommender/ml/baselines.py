"""Closed-form baselines, seconds to fit: what the transformer has to beat.

Formulas and constants are those of the comparison that the project measures itself against: the Markov chain of
`transitions`; EASE (Steck 2019, arXiv 1905.03375) with lambda 500, and with lambda 1000 and recency-weighted histories;
their blend by z-scores.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch

from recommender.ml.data import Tokens
from recommender.ml.ease import EASE_LAMBDA, MAX_EASE_ITEMS, fit_ease
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.popularity import DAY, WINDOW_DAYS, DailyPopularity
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.transitions import TAU, Transitions, last_items

RECENCY_LAMBDA = 1000.0
RECENT_DAYS = 30


class TrainingTokens:
    """The tokens that a baseline may learn from: each viewer's before row `ends`."""

    def __init__(self, tokens: Tokens, ends: np.ndarray, num_items: int) -> None:
        self.num_items = num_items
        rows, indptr = concatenate_ranges(tokens.indptr[:-1], ends)
        self.viewers = np.repeat(np.arange(len(ends)), np.diff(indptr))
        self.items, self.times = tokens.items[rows] - 1, tokens.times[rows]


def fit_popularity(training: TrainingTokens) -> Scorer:
    """Score each film by how many tokens it has."""
    return _constant_scorer(np.bincount(training.items, minlength=training.num_items))


def fit_recent_popularity(training: TrainingTokens, days: int = RECENT_DAYS) -> Scorer:
    """Score by the tokens of the last days of the data; films without any keep their order by all tokens."""
    recent = training.times > training.times.max(initial=0) - days * 86_400
    all_counts = np.bincount(training.items, minlength=training.num_items)
    recent_counts = np.bincount(training.items[recent], minlength=training.num_items)
    return _constant_scorer(recent_counts + all_counts / (all_counts.max(initial=1) + 1))


def rolling_popularity(popularity: DailyPopularity, days: int | None) -> Scorer:
    """Score by the counts of the last `days` (one of WINDOW_DAYS; None: of all times) before the midnight before each
    target; films without any keep their order by all counts."""
    window = -1 if days is None else WINDOW_DAYS.index(days)

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        scores = np.empty((len(targets.rows), popularity.num_items), np.float32)
        target_days = tokens.times[targets.rows] // DAY
        for day in np.unique(target_days).tolist():
            counts = popularity.at_day(day)
            scores[target_days == day] = counts[:, window] + counts[:, -1] / (counts[:, -1].max(initial=0) + 1)
        return scores

    return score


def _constant_scorer(counts: np.ndarray) -> Scorer:
    scores = counts.astype(np.float32)
    return lambda tokens, targets: np.broadcast_to(scores, (len(targets.rows), len(scores)))


class Markov:
    """Score by transition counts from the last WINDOW films of the history."""

    def __init__(self, training: TrainingTokens) -> None:
        self.transitions = Transitions.from_tokens(training.viewers, training.items, training.num_items)

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        last = last_items(tokens, targets.viewers, targets.rows)
        return self.transitions.scores(torch.from_numpy(last)).numpy()


class Ease:
    """EASE (see `ease.py`) on the `max_items` most popular films.

    Scores are B times the history, whose film of age a (0 is the newest) weighs exp(-a / tau), or 1 without `tau`."""

    def __init__(
        self, training: TrainingTokens, ridge: float, tau: float | None, max_items: int = MAX_EASE_ITEMS
    ) -> None:
        self.num_items, self.tau = training.num_items, tau
        self.items, self.weights = fit_ease(
            training.viewers, training.items, training.num_items, ridge, max_viewers=None, max_items=max_items
        )
        self.column_of_item = np.full(training.num_items, -1)
        self.column_of_item[self.items] = np.arange(len(self.items))

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        histories = np.zeros((len(targets.rows), len(self.items)), np.float32)
        for history, viewer, row in zip(histories, *targets, strict=True):
            columns = self.column_of_item[tokens.items[tokens.indptr[viewer] : row] - 1]
            age = np.arange(len(columns))[::-1]
            weight = np.ones(len(columns)) if self.tau is None else np.exp(-age / self.tau)
            history[columns[columns >= 0]] = weight[columns >= 0]
        scores = np.zeros((len(targets.rows), self.num_items), np.float32)
        scores[:, self.items] = histories @ self.weights
        return scores


def blend(*scorers: Scorer) -> Scorer:
    """Add up the scorers' z-scores, viewer by viewer."""

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        total = np.float32(0)
        for scorer in scorers:
            raw = scorer(tokens, targets)
            spread = raw.std(1, keepdims=True)
            total = total + (raw - raw.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
        return np.asarray(total)

    return score


def baseline_fitters(
    training: TrainingTokens, *, max_ease_items: int = MAX_EASE_ITEMS
) -> Mapping[str, Callable[[], Scorer]]:
    """Return a function that fits each baseline, by name; the blend shares Markov and the recency EASE with them."""
    markov = cache(lambda: Markov(training))
    recency = cache(lambda: Ease(training, RECENCY_LAMBDA, TAU, max_ease_items))
    return {
        "popularity": lambda: fit_popularity(training),
        "recent_popularity": lambda: fit_recent_popularity(training),
        "markov": markov,
        "ease": lambda: Ease(training, EASE_LAMBDA, None, max_ease_items),
        "recency_ease": recency,
        "blend": lambda: blend(markov(), recency()),
    }
