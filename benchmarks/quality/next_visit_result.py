"""Measure protocol N: baselines, peers, trained seeds; what they gain over each other; the order within visits."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import trec_judge
from benchmarks.quality.bounded_training import bounded_task
from benchmarks.quality.next_visit import (
    Split,
    VisitRanks,
    catalogue_scorer,
    first_visits,
    fit_baselines,
    ndcg_difference,
    rank_visits,
    visit_metrics,
)
from benchmarks.quality.peers import peer_models
from benchmarks.quality.sample_lists import print_lists
from benchmarks.quality.seed_runs import SeedRun, run_seed
from benchmarks.quality.trec_judge import Ranking
from benchmarks.quality.visit_order import order_dependence, shuffle_within_visits
from catalog.dataset import Dataset
from recommender.ml.config import Preset
from recommender.ml.evaluate import Scorer
from recommender.training.share import TrainingShare

TESTS = ("every", "first")
ORDERED_BASELINES = ("markov", "recency_ease", "blend")  # the others know no order
SELECTED_ON = "NDCG@10 of the new films of visits before the cut, mean of the three times"
COLUMNS = ["", "every NDCG@10", "every HR@10", "first NDCG@10", "first HR@10", "every recall@50", "liked NDCG@10"]

ScorerOf = Callable[[Split], Scorer]


class NextVisit:
    """One measurement; `result` is what is stored."""

    def __init__(self, split: Split, description: Mapping[str, Any]) -> None:
        self.split, self.shuffled = split, shuffle_within_visits(split)
        self.scorers: dict[str, Scorer] = {}
        self.ranks: dict[str, VisitRanks] = {}
        self.result: dict[str, Any] = {**description, "protocol": "N", "baselines": {}, "runs": [], "shuffled": {}}
        self.result["peers"] = {}

    def rank(self, name: str, scorer_of: ScorerOf, *, ordered: bool) -> dict[str, Any]:
        """Rank with a scorer and return its metrics; `ordered`: also with the order within past visits shuffled."""
        score = self.scorers[name] = scorer_of(self.split)
        ranked = self.ranks[name] = rank_visits(self.split, score)
        metrics = visit_metrics(self.split, ranked)
        print(f"{name}: {metrics['every']}", flush=True)
        if ordered:
            other = rank_visits(self.shuffled, scorer_of(self.shuffled))
            self.result["shuffled"][name] = order_dependence(self.split, ranked, other)
        return metrics

    def measure_baselines(self) -> None:
        """Fit and rank every baseline."""
        for name, (score, fit_s) in fit_baselines(self.split).items():
            metrics = self.rank(name, _always(score), ordered=name in ORDERED_BASELINES)
            self.result["baselines"][name] = metrics | {"fit_s": fit_s}
        self.result["best_baseline"] = {test: best_baseline(self.result["baselines"], test) for test in TESTS}

    def measure_peers(self, minutes: float) -> None:
        """Train every published model for up to so many minutes, and rank with it."""
        with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
            for name in peer_models.PEERS:
                score, fitted = peer_models.fit_peer(name, self.split, Path(folder), minutes)
                self.result["peers"][name] = self.rank(name, _always(score), ordered=False) | fitted
        self.result["best_peer"] = {test: best_baseline(self.result["peers"], test) for test in TESTS}

    def measure_seed(self, run: SeedRun) -> None:
        """Rank with a trained seed, as a stored list and live."""
        scorer_of = partial(catalogue_scorer, ranker=run.ranker)
        metrics = self.rank(f"seed {run.seed}", partial(scorer_of, live=False), ordered=True)
        live = self.rank(f"seed {run.seed} live", partial(scorer_of, live=True), ordered=False)
        for test in TESTS:
            metrics[test]["live"] = live[test]
        self.result["runs"].append({"seed": run.seed, "epoch": run.epoch, "train_s": round(run.train_s, 1), **metrics})

    def compare(self) -> None:
        """Add the means over the seeds, and what they gain over the best baselines and peers and the blend."""
        runs = self.result["runs"]
        best = {*self.result["best_baseline"].values(), *self.result.get("best_peer", {}).values()}
        self.result |= {test: _mean([run[test] for run in runs]) for test in TESTS}
        seeds = [self.ranks[f"seed {run['seed']}"] for run in runs]
        self.result["over"] = {
            name: ndcg_difference(self.split, seeds, self.ranks[name]) for name in sorted({*best, "blend"})
        }
        self.result["train_s"] = float(np.median([run["train_s"] for run in runs]))
        self.result["selected_on"] = SELECTED_ON

    def judge(self, folder: Path) -> None:
        """Have trec_eval score the lists of every scorer, see `trec_judge`."""
        split = first_visits(self.split, trec_judge.MAX_TARGETS)
        rank = partial(_rank_without_ties, split)
        self.result["judged"] = trec_judge.judge_all(folder, self.scorers, rank, split.catalogue.movie_ids)


def _always(score: Scorer) -> ScorerOf:
    return lambda split: score


def _rank_without_ties(split: Split, score: Scorer) -> Ranking:
    ranked = rank_visits(split, trec_judge.without_ties(score), trec_judge.LENGTH)
    return trec_judge.visit_ranking(ranked.lists, ranked.ranks, split.relevant)


def measure_next_visit(
    args: Any, dataset: Dataset, split: Split, preset: Preset, description: Mapping[str, Any]
) -> dict[str, Any]:
    """Rank with every baseline and every trained seed, printing metrics on the way, and return the result."""
    measured = NextVisit(split, description)
    measured.measure_baselines()
    if args.peers:
        measured.measure_peers(args.peer_minutes)
    task = bounded_task(split, TrainingShare(*args.training_share)) if args.training_share else split.task
    for seed in [] if args.baselines_only else args.seeds:
        run = run_seed(task, preset, seed, "unknown", args.checkpoints)
        measured.measure_seed(run)
        if args.lists:
            rankers = {"transformer alone": run.ranker.with_ensemble(None), "ensemble": run.ranker}
            scorers = {name: catalogue_scorer(split, ranker, live=False) for name, ranker in rankers.items()}
            print_lists(split, dataset, scorers, args.lists)
    if measured.result["runs"]:
        measured.compare()
    if args.judge:
        measured.judge(args.judge)
    return measured.result


def best_baseline(metrics: Mapping[str, Mapping[str, Any]], test: str) -> str:
    """Return the name of the baseline with the highest NDCG@10."""
    return max(metrics, key=lambda name: metrics[name][test]["ndcg10"])


def _mean(seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean over the seeds of nested metrics."""
    return {
        name: _mean([seed[name] for seed in seeds])
        if isinstance(value, Mapping)
        else round(float(np.mean([seed[name] for seed in seeds])), 4)
        for name, value in seeds[0].items()
    }


def table_rows(result: Mapping[str, Any]) -> list[list[object]]:
    """Return the rows of the report: NDCG@10 and HR@10 of both tests, recall@50 of every visit."""
    by_name = result["baselines"] | result["peers"]
    for run in result["runs"]:
        by_name[f"model as stored, seed {run['seed']}"] = run
        by_name[f"model live, seed {run['seed']}"] = {test: run[test]["live"] for test in TESTS}
    return [
        [
            name,
            *(f"{metrics[test][figure]:.4f}" for test in TESTS for figure in ("ndcg10", "hr10")),
            f"{metrics['every']['recall50']:.4f}",
            f"{metrics['every']['liked']['ndcg10']:.4f}",
        ]
        for name, metrics in by_name.items()
    ]
