"""Build the JSON result of the quality benchmark from the ranks of baselines and trained seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality import cold_start
from benchmarks.quality.baselines import Baseline
from benchmarks.quality.seed_runs import SELECTED_ON, SeedRun
from benchmarks.quality.summaries import (
    MAIN_METRICS,
    mean_metrics,
    paired_differences,
    slice_summaries,
    summary,
    target_slices,
    token_counts,
    unwrap_single_test,
)
from recommender.ml import beyond_accuracy, evaluate
from recommender.ml.evaluate import Scorer, TimeMode

COMPARED_BASELINES = ("popularity", "blend")  # where accuracy is not the question
LIST_LENGTH = 10


def build_result(
    task: Task, time_mode: TimeMode, baselines: Mapping[str, Baseline], runs: Sequence[SeedRun]
) -> dict[str, Any]:
    """Return the JSON result of baselines and trained seeds; its headline is of `time_mode`."""
    slices_by_name = target_slices(task)
    baseline_metrics = {
        name: unwrap_single_test({test: summary(ranks) for test, ranks in baseline.ranks.items()})
        | {"fit_s": baseline.fit_s, "slices": slice_summaries(baseline.ranks, slices_by_name)}
        for name, baseline in baselines.items()
    }
    run_metrics = [_run_metrics(run, slices_by_name) for run in runs]
    result: dict[str, Any] = {"baselines": baseline_metrics, "runs": run_metrics}
    result |= {"train_s": float(np.median([run.train_s for run in runs])) if runs else None}
    result |= {"selected_on": SELECTED_ON if runs else None, "curves": [run.curve for run in runs]}
    result |= _headline(list(task.tests), [metrics[time_mode] for metrics in run_metrics])
    if runs:
        seed_ranks = [run.ranks[time_mode] for run in runs]
        result["over_blend"] = _differences(task, seed_ranks, [baselines["blend"].ranks])
        result["over_alone"] = _differences(task, seed_ranks, [run.ranks_without_prior for run in runs])
        result |= _beyond_and_cold_start(task, time_mode, baselines, runs)
    return result


def _run_metrics(run: SeedRun, slices_by_name: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    slice_metrics = {mode: slice_summaries(by_test, slices_by_name) for mode, by_test in run.ranks.items()}
    return {
        "seed": run.seed,
        "epoch": run.epoch,
        "prior": run.prior_weights(),
        "train_s": round(run.train_s, 1),
        **{
            mode: unwrap_single_test({test: summary(ranks) for test, ranks in by_test.items()})
            for mode, by_test in run.ranks.items()
        },
        "alone": unwrap_single_test({test: summary(ranks) for test, ranks in run.ranks_without_prior.items()}),
        "slices": {name: {mode: by_name[name] for mode, by_name in slice_metrics.items()} for name in slices_by_name},
    }


def _beyond_and_cold_start(
    task: Task, time_mode: TimeMode, baselines: Mapping[str, Baseline], runs: Sequence[SeedRun]
) -> dict[str, Any]:
    """Return metrics beyond accuracy and the cold-start curve: of popularity, the blend and the mean of the seeds."""
    scorers = {name: baselines[name].score for name in COMPARED_BASELINES}
    scorers |= {f"seed {run.seed}": evaluate.ranker_scorer(run.ranker, time_mode) for run in runs}
    beyond = {name: _beyond_accuracy(task, score) for name, score in scorers.items()}
    curve = cold_start.cold_start_curve(task, scorers)
    return {
        "beyond": _mean_over_seeds(beyond, beyond["blend"]),
        "cold_start": {length: _mean_over_seeds(metrics, MAIN_METRICS) for length, metrics in curve.items()},
    }


def _beyond_accuracy(task: Task, score: Scorer) -> dict[str, float]:
    """Return metrics beyond accuracy of the top lists for the first test's viewers."""
    targets = next(iter(task.tests.values()))
    lists = beyond_accuracy.top_k_lists(task.tokens, targets, score, LIST_LENGTH)
    return beyond_accuracy.summary(
        lists,
        evaluate.seen_items(task.tokens, targets),
        token_counts(task, task.baseline_ends),
        beyond_accuracy.genre_matrix_of(task.features),
        len(task.ends),
    )


def _mean_over_seeds(by_scorer: Mapping[str, Mapping[str, float]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return the metrics of the model, mean over its seeds, and of the compared baselines."""
    seeds = [metrics for name, metrics in by_scorer.items() if name not in COMPARED_BASELINES]
    means = {"model": mean_metrics(seeds, names)}
    return means | {name: mean_metrics([by_scorer[name]], names) for name in COMPARED_BASELINES}


def _headline(tests: list[str], seed_metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Return hr10 and ndcg10, means over the seeds; by test where there are several."""
    if tests == ["test"]:
        return mean_metrics(seed_metrics) if seed_metrics else dict.fromkeys(MAIN_METRICS)
    return {test: mean_metrics(metrics[test] for metrics in seed_metrics) if seed_metrics else None for test in tests}


def _differences(
    task: Task, ranks: Sequence[Mapping[str, np.ndarray]], base: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Any]:
    """Return the paired differences of ranks by seed and test from other ranks."""
    return unwrap_single_test(
        {
            test: paired_differences([r[test] for r in ranks], [b[test] for b in base], targets.viewers)
            for test, targets in task.tests.items()
        }
    )
