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
from recommender.ml.ease import EASE_LAMBDA, MAX_EASE_ITEMS, Gram, count_shared_viewers, fit_ease
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.popularity import DAY, WINDOW_DAYS, DailyPopularity
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import TAU, Transitions, last_items

RECENCY_LAMBDA = 1000.0
RECENT_DAYS = 30
MAX_VIEWERS = 200_000  # whose films EASE counts as a baseline


def fit_popularity(training: TrainingTokens) -> Scorer:
    """Score each film by how many tokens it has."""
    return _constant_scorer(training.counts())


def fit_recent_popularity(training: TrainingTokens, days: int = RECENT_DAYS) -> Scorer:
    """Score by the tokens of the last days of the data; films without any keep their order by all tokens."""
    since = max((int(block.times.max(initial=0)) for block in training.blocks()), default=0) - days * DAY
    all_counts, recent_counts = training.counts(), np.zeros(training.num_items, np.int64)
    for block in training.blocks():
        recent_counts += np.bincount(block.items[block.times > since], minlength=training.num_items)
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

    def __init__(self, training: TrainingTokens, max_successors: int | None = None) -> None:
        """`max_successors`: of a film, those that follow it most often; None: all."""
        self.transitions = Transitions.from_training(training, max_successors)

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        last = last_items(tokens, targets.viewers, targets.rows)
        return self.transitions.scores(torch.from_numpy(last)).numpy()


class Ease:
    """EASE (see `ease.py`) on the films of a Gram matrix.

    Scores are B times the history, whose film of age a (0 is the newest) weighs exp(-a / tau), or 1 without `tau`."""

    def __init__(self, gram: Gram, num_items: int, ridge: float, tau: float | None) -> None:
        self.num_items, self.tau = num_items, tau
        self.items, self.weights = gram.films, fit_ease(gram, ridge)
        self.column_of_item = np.full(num_items, -1)
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
    training: TrainingTokens, *, max_ease_items: int = MAX_EASE_ITEMS, markov: Markov | None = None
) -> Mapping[str, Callable[[], Scorer]]:
    """Return a function that fits each baseline, by name; the blend shares Markov and the recency EASE with them.
    `markov`: one that was fitted on the same tokens."""
    fit_markov = cache(lambda: markov or Markov(training))
    count = cache(lambda: count_shared_viewers(training, max_viewers=MAX_VIEWERS, max_items=max_ease_items))
    fit_recency = cache(lambda: Ease(count(), training.num_items, RECENCY_LAMBDA, TAU))
    return {
        "popularity": lambda: fit_popularity(training),
        "recent_popularity": lambda: fit_recent_popularity(training),
        "markov": fit_markov,
        "ease": lambda: Ease(count(), training.num_items, EASE_LAMBDA, None),
        "recency_ease": fit_recency,
        "blend": lambda: blend(fit_markov(), fit_recency()),
    }
