"""What a result says, from the ranks of baselines and trained seeds."""

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

COMPARED_BASELINES = (
    "popularity",
    "blend",
)  # baselines that are shown beside the model where accuracy is not the question
LIST_LENGTH = 10  # films of a list


def build_result(
    task: Task, told: TimeMode, baselines: Mapping[str, Baseline], runs: Sequence[SeedRun]
) -> dict[str, Any]:
    parts = target_slices(task)
    ours = [_of_run(run, parts) for run in runs]
    figures = {
        name: unwrap_single_test({test: summary(ranks) for test, ranks in of.ranks.items()})
        | {"fit_s": of.fit_s, "slices": slice_summaries(of.ranks, parts)}
        for name, of in baselines.items()
    }
    result: dict[str, Any] = {"baselines": figures, "runs": ours}
    result |= {"train_s": float(np.median([run.train_s for run in runs])) if runs else None}
    result |= {"selected_on": SELECTED_ON if runs else None, "curves": [run.curve for run in runs]}
    result |= _headline(list(task.tests), [run[told] for run in ours])
    if runs:
        result["over_blend"] = _over(task, baselines["blend"].ranks, [run.ranks[told] for run in runs])
        result["over_alone"] = _over_alone(task, told, runs)
        result |= _besides(task, told, baselines, runs)
    return result


def _of_run(run: SeedRun, parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        t: unwrap_single_test({test: summary(ranks) for test, ranks in of.items()}) for t, of in run.ranks.items()
    }
    by_time = {t: slice_summaries(of, parts) for t, of in run.ranks.items()}
    return {
        "seed": run.seed,
        "epoch": run.epoch,
        "prior": run.prior_weights(),
        "train_s": round(run.train_s, 1),
        **figures,
        "alone": unwrap_single_test({test: summary(ranks) for test, ranks in run.ranks_without_prior.items()}),
        "slices": {name: {t: of[name] for t, of in by_time.items()} for name in parts},
    }


def _besides(task: Task, told: TimeMode, baselines: Mapping[str, Baseline], runs: Sequence[SeedRun]) -> dict[str, Any]:
    """What lists are like besides right, and the cold-start curve: of popularity, the blend and the seeds' mean."""
    scorers = {name: baselines[name].score for name in COMPARED_BASELINES}
    scorers |= {f"seed {run.seed}": evaluate.ranker_scorer(run.ranker, told) for run in runs}
    lists = {name: _beyond(task, score) for name, score in scorers.items()}
    curve = {n: _joined(of, MAIN_METRICS) for n, of in cold_start.cold_start_curve(task, scorers).items()}
    return {"beyond": _joined(lists, lists["blend"]), "cold_start": curve}


def _beyond(task: Task, score: Scorer) -> dict[str, float]:
    """Of the top lists of the first test's viewers."""
    targets = next(iter(task.tests.values()))
    watched, of_film = token_counts(task, task.baseline_ends), beyond_accuracy.genre_matrix_of(task.features)
    lists = beyond_accuracy.top_k_lists(task.tokens, targets, score, LIST_LENGTH)
    return beyond_accuracy.summary(lists, evaluate.seen_items(task.tokens, targets), watched, of_film, len(task.ends))


def _joined(by_scorer: Mapping[str, Mapping[str, float]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Figures of the model, mean over its seeds, and of those beside it."""
    seeds = [of for name, of in by_scorer.items() if name not in COMPARED_BASELINES]
    of = {"model": mean_metrics(seeds, names)}
    return of | {name: mean_metrics([by_scorer[name]], names) for name in COMPARED_BASELINES}


def _headline(tests: list[str], figures: list[dict[str, Any]]) -> dict[str, Any]:
    """hr10 and ndcg10, means over the seeds; by test where there are several."""
    if tests == ["test"]:
        return mean_metrics(figures) if figures else dict.fromkeys(MAIN_METRICS)
    return {test: mean_metrics(of[test] for of in figures) if figures else None for test in tests}


def _over(task: Task, base: Mapping[str, np.ndarray], ours: list[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Paired differences from a baseline's ranks."""
    return unwrap_single_test(
        {
            test: paired_differences([of[test] for of in ours], [base[test]], targets.viewers)
            for test, targets in task.tests.items()
        }
    )


def _over_alone(task: Task, told: TimeMode, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """Paired differences that the prior makes."""
    return unwrap_single_test(
        {
            test: paired_differences(
                [run.ranks[told][test] for run in runs],
                [run.ranks_without_prior[test] for run in runs],
                targets.viewers,
            )
            for test, targets in task.tests.items()
        }
    )
