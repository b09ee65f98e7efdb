"""Speed of learning: targets a second of the training loop beside other ways, in one run.

targets_per_s           positions that get a loss, by the preset's own training steps
brief_targets_per_s     one target a sample, 20 negatives, batch 256, the brief's shape, written plainly
rectools_targets_per_s  RecTools' SASRec, beside ours_at_rectools_shape_targets_per_s: the same shape and loss
                        (benchmarks/training/rectools_comparison.py says how to install it); null where it is not installed
seconds_to              training seconds until NDCG@10 on P1's validation (time of asking told): of data sets with few
                        films, or with --goals
peak_mb                 most memory that this process ever held (resident)"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import peak_mb
from benchmarks.protocols import Task, make_task, read_events
from benchmarks.report import print_report, revision
from benchmarks.synthetic_data import write_synthetic_movielens
from benchmarks.training import rectools_comparison
from benchmarks.training.naive_loop import naive_targets_per_s
from benchmarks.training.throughput import make_trainer, measure_speed
from benchmarks.training.time_to_quality import GOALS, compare_losses, seconds_to_goals
from recommender.ml.config import MAX_FULL_SOFTMAX_ITEMS, PRESETS, get_preset

RATINGS = 1_000_000  # of the generated set
QUICK_SECONDS = 6.0
STATED = 4.8e6 / (2.75 * 3600)  # samples a second that the brief tells of its own training


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument("--preset", choices=PRESETS, default="default")
    parser.add_argument("--seconds", type=float, default=60, help="how long each way is measured (60)")
    parser.add_argument("--quick", action="store_true", help="6 seconds each, and no training to a goal")
    parser.add_argument("--full", action="store_true", help="RecTools at 200 films a window, too")
    parser.add_argument("--result", type=Path, metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--goals", action="store_true", help="train to the goals on a large catalogue, too")
    parser.add_argument(
        "--losses", type=float, metavar="MINUTES", help="instead: sampled losses, each trained so many minutes"
    )


def run(given: argparse.Namespace) -> None:
    name, task = _load(given.data)
    if given.losses:
        _report_losses(name, task, given)
        return
    seconds = QUICK_SECONDS if given.quick else given.seconds
    films, targets = len(task.vocab), int((task.ends - task.tokens.indptr[:-1] - 1).clip(min=0).sum())
    speed, parameters = measure_speed(make_trainer(task, get_preset(given.preset)), seconds)
    brief = naive_targets_per_s(task.tokens, films, seconds)
    lengths = (50, 200) if given.full else (50,)
    beside = (
        [rectools_comparison.compare_with_rectools(task, n, seconds) for n in lengths]
        if rectools_comparison.is_installed()
        else []
    )
    reached: dict[str, float | None] = dict.fromkeys(map(str, GOALS))
    if given.goals or (given.data and not given.quick and films <= MAX_FULL_SOFTMAX_ITEMS):
        reached = seconds_to_goals(task, get_preset(given.preset))
    result: dict[str, Any] = {"bench": "training", "preset": given.preset, "parameters": parameters, "movies": films}
    result |= {"targets": targets, "targets_per_s": round(speed), "brief_targets_per_s": round(brief)}
    result |= {"ratio": round(speed / brief, 1), "brief_stated_samples_per_s": round(STATED), "seconds_to": reached}
    result |= {"rectools_targets_per_s": beside[0]["rectools_targets_per_s"] if beside else None}
    result |= {"ours_at_rectools_shape_targets_per_s": beside[0]["ours_targets_per_s"] if beside else None}
    result |= {"equal_shape": beside, "epoch_s": round(targets / speed, 1)}
    result |= {"threads": torch.get_num_threads(), "peak_mb": round(peak_mb())}
    result |= {"data": name, "code": revision()}
    if given.result:
        given.result.write_text(json.dumps(result, indent=1) + "\n")
    print_report(f"Training on {name}, preset {given.preset}", ["", ""], _rows(result), result)


def _load(data: Path | None) -> tuple[str, Task]:
    """The set's name, and P1 on it. The tables that it was read into are let go."""
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        path = data or write_synthetic_movielens(Path(folder) / "simulated", RATINGS)
        dataset, events = read_events(path, None)
    return dataset.name, make_task("P1", dataset, events, path)


def _rows(result: dict[str, Any]) -> list[list[object]]:
    speed, epoch = result["targets_per_s"], result["epoch_s"]
    rows: list[list[object]] = [
        ["targets a second", speed],
        ["the brief's way", result["brief_targets_per_s"]],
        ["times as many", result["ratio"]],
        ["what the brief tells of its own (4.8 M in 2.75 hours)", result["brief_stated_samples_per_s"]],
        [f"an epoch of {result['targets']:,} targets, hours", epoch / 3600],
    ]
    for line in result["equal_shape"]:
        rows.append([f"RecTools' SASRec, {line['length']} films", line["rectools_targets_per_s"]])
        rows.append(["ours at that shape and loss", line["ours_targets_per_s"]])
    for goal, taken in result["seconds_to"].items():
        rows.append([f"seconds to NDCG@10 {goal}", "-" if taken is None else taken])
    return [*rows, ["most memory, MB", result["peak_mb"]]]


def _report_losses(name: str, task: Task, given: argparse.Namespace) -> None:
    trainer = make_trainer(task, get_preset(given.preset))
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    losses = compare_losses(task, get_preset(given.preset), given.losses)
    result: dict[str, Any] = {"bench": "training", "preset": given.preset, "parameters": parameters}
    result |= {"movies": len(task.vocab), "minutes": given.losses, "losses": losses, "peak_mb": round(peak_mb())}
    print("On a simulated set the figures tell which loss learns the simulated order faster, and nothing of lists.")
    rows = [[negatives, *line.values()] for negatives, line in losses.items()]
    title = f"Shared negatives on {name}, {given.losses:g} minutes each, validation"
    print_report(title, ["negatives", "targets a second", "steps", "NDCG@10"], rows, result)
