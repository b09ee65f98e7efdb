"""Compute the metrics of a result from ranks: summaries, slices of the targets, paired differences."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.protocols import Task
from recommender.ml import metrics
from recommender.ml.evaluate import Targets

VISIT_GAP = 3600  # seconds after the film before
MIN_LIKED_HALF_STARS = 8  # half stars
MIN_TOKENS = 20  # tokens of a film in training, at least, for it not to be rare
MAIN_METRICS = ("hr10", "ndcg10")


def summary(ranks: np.ndarray) -> dict[str, float]:
    """Return the metrics of ranks, rounded."""
    return {name: round(value, 4) for name, value in metrics.summary(ranks).items()}


def unwrap_single_test(by_test: dict[str, Any]) -> dict[str, Any]:
    """Return the value of the only test of a protocol without its name, or all by name."""
    return by_test["test"] if set(by_test) == {"test"} else by_test


def target_slices(task: Task) -> dict[str, dict[str, np.ndarray]]:
    """Return slices of the targets, by name and test: bool [targets]. Empty ones and those of all targets are left out.

    new_visits: more than an hour after the film before. rated4: the viewer gave the target four stars or more.
    rare_films: the film has fewer than 20 tokens in training. history_*: the length of the viewer's history.
    """
    parts: dict[str, dict[str, np.ndarray]] = {}
    for test, targets in task.tests.items():
        for name, mask in _parts(task, targets).items():
            if mask.any() and not mask.all():
                parts.setdefault(name, {})[test] = mask
    return parts


def _parts(task: Task, targets: Targets) -> dict[str, np.ndarray]:
    tokens, (viewers, rows) = task.tokens, targets
    history_lengths = rows - tokens.indptr[viewers]
    return {
        "new_visits": (tokens.times[rows] - tokens.times[rows - 1] > VISIT_GAP) & tokens.timed[viewers],
        "rated4": tokens.stars[rows] >= MIN_LIKED_HALF_STARS,
        "rare_films": token_counts(task, task.ends)[tokens.items[rows] - 1] < MIN_TOKENS,
        "history_1_5": history_lengths <= 5,
        "history_6_20": (history_lengths > 5) & (history_lengths <= 20),
        "history_over_20": history_lengths > 20,
    }


def token_counts(task: Task, ends: np.ndarray) -> np.ndarray:
    """Count the tokens of each film before row `ends` [U]: int64 [N]."""
    viewer_of_token = np.repeat(np.arange(len(ends)), task.tokens.lengths())
    training_items = task.tokens.items[np.arange(len(viewer_of_token)) < ends[viewer_of_token]]
    return np.bincount(training_items - 1, minlength=len(task.vocab))


def slice_summaries(ranks: Mapping[str, np.ndarray], parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Return metrics by slice, from ranks by test."""
    return {
        name: unwrap_single_test({test: summary(ranks[test][mask]) for test, mask in by_test.items()})
        for name, by_test in parts.items()
    }


def mean_metrics(figures: Iterable[Mapping[str, float]], names: Iterable[str] = MAIN_METRICS) -> dict[str, float]:
    """Return the mean of each named metric."""
    rows = list(figures)
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in names}


def paired_differences(
    seed_ranks: list[np.ndarray], base_ranks: list[np.ndarray], viewers: np.ndarray
) -> dict[str, list[float]]:
    """Return the differences of HR@10 and NDCG@10 on the same targets, each with its 95 % interval.

    Both are ranks [targets] by seed; a target's metric is its mean over the seeds. `viewers` [targets] are the
    targets' viewers.
    """
    measures = {
        "hr10": lambda ranks: (ranks <= 10).astype(float),
        "ndcg10": lambda ranks: metrics.ndcg_gains(ranks, 10),
    }
    differences = {}
    for name, metric in measures.items():
        mean_metric, base_metric = (
            np.mean([metric(ranks) for ranks in side], axis=0) for side in (seed_ranks, base_ranks)
        )
        differences[name] = [round(value, 4) for value in metrics.paired_bootstrap(mean_metric, base_metric, viewers)]
    return differences
