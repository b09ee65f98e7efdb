"""The closed forms of the quality benchmark, fitted and asked."""

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality.summaries import summary, unwrap_single_test
from recommender.ml import evaluate
from recommender.ml.baselines import TrainingTokens, baseline_fitters, fit_recent_popularity
from recommender.ml.evaluate import Scorer

DAYS = 7  # of a popularity beside that of the last 30 days
PUBLISHED = {"popularity": (0.036, 0.018), "ease": (0.110, 0.054)}  # HR@10, NDCG@10 on protocol A, as published


class Baseline(NamedTuple):
    score: Scorer
    fit_s: float
    ranks: dict[str, np.ndarray]  # by test


def check_published(baselines: Mapping[str, Baseline]) -> None:
    """The harness on protocol A and ml-1m. Raises SystemExit where it does not give the published figures: then none of
    its figures can be trusted."""
    for name, published in PUBLISHED.items():
        of = summary(baselines[name].ranks["test"])
        found = round(of["hr10"], 3), round(of["ndcg10"], 3)
        if found != published:
            raise SystemExit(f"{name} has HR@10 / NDCG@10 of {found} on A, published are {published}: the data differ.")


def fit_and_rank(task: Task) -> dict[str, Baseline]:
    """Every baseline by name. They have nothing to select on validation, so they learn from all but the test."""
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
