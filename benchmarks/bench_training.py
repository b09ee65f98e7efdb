"""Training speed: targets per second of the training loop and of other loops, in one run.

targets_per_s           positions with a loss, by the preset's own training steps
brief_targets_per_s     a naive PyTorch loop: one target per sample, 20 negatives, batch 256, 2 layers
rectools_targets_per_s  RecTools' SASRec; ours_at_rectools_shape_targets_per_s is our loop at the same shape and loss
                        (benchmarks/training/rectools_comparison.py says how to install it); null if not installed
seconds_to              training seconds until NDCG@10 on P1's validation (request time given), for data sets with few
                        films, or with --goals
peak_mb                 maximum resident memory of this process

--ranks measures in place of that how fast one process trains, and two by torchrun, each with a core and a thread of its
own: rounds of both, one after the other."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import peak_mb
from benchmarks.protocols import Task, make_task, read_events, training_events
from benchmarks.report import print_report, revision
from benchmarks.synthetic_data import write_synthetic_movielens
from benchmarks.training import rectools_comparison
from benchmarks.training.naive_loop import naive_targets_per_s
from benchmarks.training.ranks import compare_ranks
from benchmarks.training.throughput import make_trainer, measure_speed
from benchmarks.training.time_to_quality import GOALS, compare_losses, seconds_to_goals
from recommender.ml.config import MAX_FULL_SOFTMAX_ITEMS, PRESETS, Preset, canonical_preset, fit_to_size, get_preset

RATINGS = 1_000_000  # of the generated set
QUICK_SECONDS = 6.0
REFERENCE_RATE = 4.8e6 / (2.75 * 3600)  # samples a second stated for the naive loop: 4.8 M in 2.75 hours


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument("--preset", type=canonical_preset, choices=PRESETS, default="default")
    parser.add_argument("--seconds", type=float, default=60, help="how long each loop is measured (60)")
    parser.add_argument("--quick", action="store_true", help="6 seconds each, and no training to a goal")
    parser.add_argument("--full", action="store_true", help="RecTools at 200 films a window, too")
    parser.add_argument("--result", type=Path, metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--goals", action="store_true", help="train to the goals on a large catalogue, too")
    parser.add_argument("--ranks", action="store_true", help="instead: two processes over one")
    parser.add_argument(
        "--losses", type=float, metavar="MINUTES", help="instead: sampled losses, each trained so many minutes"
    )


def run(args: argparse.Namespace) -> None:
    """Measure the loops and print the report."""
    if args.ranks:
        _report_ranks(args)
        return
    name, task = _load(args.data)
    if args.losses:
        _report_losses(name, task, args)
        return
    seconds = QUICK_SECONDS if args.quick else args.seconds
    num_movies, targets = len(task.vocab), int((task.ends - task.tokens.indptr[:-1] - 1).clip(min=0).sum())
    speed, parameters = measure_speed(make_trainer(task, _preset(args.preset, task)), seconds)
    naive = naive_targets_per_s(task.tokens, num_movies, seconds)
    lengths: tuple[int, ...] = (50, 200) if args.full else (50,)
    if not rectools_comparison.is_installed():
        lengths = ()
    comparisons = [rectools_comparison.compare_with_rectools(task, n, seconds) for n in lengths]
    goal_seconds: dict[str, float | None] = dict.fromkeys(map(str, GOALS))
    if args.goals or (args.data and not args.quick and num_movies <= MAX_FULL_SOFTMAX_ITEMS):
        goal_seconds = seconds_to_goals(task, _preset(args.preset, task))
    result: dict[str, Any] = {
        "bench": "training",
        "preset": args.preset,
        "parameters": parameters,
        "movies": num_movies,
    }
    result |= {"targets": targets, "targets_per_s": round(speed), "brief_targets_per_s": round(naive)}
    result |= {
        "ratio": round(speed / naive, 1),
        "brief_stated_samples_per_s": round(REFERENCE_RATE),
        "seconds_to": goal_seconds,
    }
    result |= {"rectools_targets_per_s": comparisons[0]["rectools_targets_per_s"] if comparisons else None}
    result |= {"ours_at_rectools_shape_targets_per_s": comparisons[0]["ours_targets_per_s"] if comparisons else None}
    result |= {"equal_shape": comparisons, "epoch_s": round(targets / speed, 1)}
    result |= {"threads": torch.get_num_threads(), "peak_mb": round(peak_mb())}
    result |= {"data": name, "code": revision()}
    if args.result:
        args.result.write_text(json.dumps(result, indent=1) + "\n")
    print_report(f"Training on {name}, preset {args.preset}", ["", ""], _rows(result), result)


def _report_ranks(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data = args.data or write_synthetic_movielens(Path(folder) / "simulated", RATINGS)
        compared = compare_ranks(data, args.preset, QUICK_SECONDS if args.quick else args.seconds)
    result: dict[str, Any] = {"bench": "training", "preset": args.preset, "parameters": 0, "movies": 0}
    result |= compared | {"data": args.data.name if args.data else "simulated", "code": revision()}
    if args.result:
        args.result.write_text(json.dumps(result, indent=1) + "\n")
    rows = [["one process", compared["one_rank_targets_per_s"]], ["two", compared["two_ranks_targets_per_s"]]]
    print_report(
        "Training by torchrun", ["", "targets a second"], [*rows, ["ratio", compared["two_ranks_over_one"]]], result
    )


def _load(data: Path | None) -> tuple[str, Task]:
    """Return the data set's name and the task P1 on it."""
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        path = data or write_synthetic_movielens(Path(folder) / "simulated", RATINGS)
        dataset, events = read_events(path, None)
    return dataset.name, make_task("P1", dataset, events, path)


def _rows(result: dict[str, Any]) -> list[list[object]]:
    speed, epoch = result["targets_per_s"], result["epoch_s"]
    rows: list[list[object]] = [
        ["targets a second", speed],
        ["naive loop", result["brief_targets_per_s"]],
        ["ratio", result["ratio"]],
        ["stated for the naive loop (4.8 M in 2.75 hours)", result["brief_stated_samples_per_s"]],
        [f"an epoch of {result['targets']:,} targets, hours", epoch / 3600],
    ]
    for comparison in result["equal_shape"]:
        rows.append([f"RecTools' SASRec, {comparison['length']} films", comparison["rectools_targets_per_s"]])
        rows.append(["ours at that shape and loss", comparison["ours_targets_per_s"]])
    for goal, seconds in result["seconds_to"].items():
        rows.append([f"seconds to NDCG@10 {goal}", "-" if seconds is None else seconds])
    return [*rows, ["peak memory, MB", result["peak_mb"]]]


def _report_losses(name: str, task: Task, args: argparse.Namespace) -> None:
    trainer = make_trainer(task, _preset(args.preset, task))
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    losses = compare_losses(task, _preset(args.preset, task), args.losses)
    result: dict[str, Any] = {"bench": "training", "preset": args.preset, "parameters": parameters}
    result |= {"movies": len(task.vocab), "minutes": args.losses, "losses": losses, "peak_mb": round(peak_mb())}
    print("On a generated set the metrics compare losses on random data; they say nothing about the quality of lists.")
    rows = [[negatives, *line.values()] for negatives, line in losses.items()]
    title = f"Shared negatives on {name}, {args.losses:g} minutes each, validation"
    print_report(title, ["negatives", "targets a second", "steps", "NDCG@10"], rows, result)


def _preset(name: str, task: Task) -> Preset:
    """Return the preset for the events of the task."""
    return fit_to_size(get_preset(name), training_events(task))
