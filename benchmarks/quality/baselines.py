"""Fit the closed-form baselines of the quality benchmark and rank with them."""

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality.summaries import summary, unwrap_single_test
from recommender.ml import evaluate
from recommender.ml.baselines import baseline_fitters, fit_recent_popularity
from recommender.ml.evaluate import Scorer
from recommender.ml.training_tokens import TrainingTokens

DAYS = 7  # of a second recent popularity, besides 30 days
PUBLISHED = {"popularity": (0.036, 0.018), "ease": (0.110, 0.054)}  # HR@10 and NDCG@10 on protocol A


class Baseline(NamedTuple):
    """A fitted baseline with its ranks."""

    score: Scorer
    fit_s: float
    ranks: dict[str, np.ndarray]  # by test


def check_published(baselines: Mapping[str, Baseline]) -> None:
    """Check the harness on protocol A and ml-1m. Raises `SystemExit` where it does not reproduce the published results:
    then no result of it can be trusted."""
    for name, published in PUBLISHED.items():
        metrics = summary(baselines[name].ranks["test"])
        rounded = round(metrics["hr10"], 3), round(metrics["ndcg10"], 3)
        if rounded != published:
            raise SystemExit(
                f"{name} has HR@10 / NDCG@10 of {rounded} on A, published are {published}: the data differ."
            )


def fit_and_rank(task: Task) -> dict[str, Baseline]:
    """Fit every baseline, by name. They select nothing on validation, so they learn from all but the test."""
    prefix = TrainingTokens(task.tokens, task.baseline_ends, len(task.vocab))
    fits = {**baseline_fitters(prefix), f"recent_popularity_{DAYS}": lambda: fit_recent_popularity(prefix, DAYS)}
    baselines = {}
    for name, fit in fits.items():
        started = time.monotonic()
        score = fit()
        seconds = round(time.monotonic() - started, 2)
        ranks = {test: evaluate.rank_targets(task.tokens, targets, score) for test, targets in task.tests.items()}
        baselines[name] = Baseline(score, seconds, ranks)
        print(f"{name}: {unwrap_single_test({test: summary(r) for test, r in ranks.items()})}", flush=True)
    return baselines
