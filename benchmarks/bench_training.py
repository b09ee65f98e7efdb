"""Speed of learning: targets a second of the training loop beside the brief's way, in one run.

targets_per_s           positions that get a loss, by the preset's own training steps
brief_targets_per_s     one target a sample, 20 negatives, batch 256, the brief's shape, written plainly
rectools_targets_per_s  RecTools' SASRec; null where it is not installed
seconds_to              training seconds until NDCG@10 on P1's validation (time of asking told); only with --data
peak_mb                 most memory that the process ever held (resident)"""

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.brief_way import targets_per_s
from benchmarks.protocols import Task, protocol, read
from benchmarks.report import print_report
from benchmarks.simulated import write_simulated
from recommender.ml import evaluate, metrics
from recommender.ml.config import PRESETS, preset
from recommender.ml.evaluate import Targets
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.train import Progress, Step, Stopped, Trainer

GOALS = (0.15, 0.18)
RATINGS = 1_000_000  # of the generated set
VALIDATED = 2_000  # viewers asked after each epoch
WARM_STEPS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument("--preset", choices=PRESETS, default="default")
    parser.add_argument("--seconds", type=float, default=60, help="how long each way is measured (60)")
    parser.add_argument("--quick", action="store_true", help="15 seconds each, and no training to a goal")


def run(given: argparse.Namespace) -> None:
    seconds = 15.0 if given.quick else given.seconds
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data = given.data or write_simulated(Path(folder) / "simulated", RATINGS)
        dataset, events = read(data, None)
    task = protocol("P1", dataset, events, data)
    films, targets = len(task.vocab), int((task.ends - task.tokens.indptr[:-1] - 1).clip(min=0).sum())
    speed, parameters = _our_targets_per_s(task, given.preset, seconds)
    brief = targets_per_s(task.tokens, films, seconds)
    reached = _seconds_to(task, given.preset) if given.data and not given.quick else dict.fromkeys(map(str, GOALS))
    result: dict[str, Any] = {"bench": "training", "preset": given.preset, "parameters": parameters, "movies": films}
    result |= {"targets": targets, "targets_per_s": round(speed), "brief_targets_per_s": round(brief)}
    result |= {"ratio": round(speed / brief, 1), "rectools_targets_per_s": None, "seconds_to": reached}
    result |= {"epoch_s": round(targets / speed, 1), "threads": torch.get_num_threads(), "peak_mb": _peak_mb()}
    rows = [
        ["targets a second", speed],
        ["the brief's way", brief],
        ["times as many", speed / brief],
        [f"seconds an epoch of {targets:,} targets", targets / speed],
        *[[f"seconds to NDCG@10 {goal}", "-" if taken is None else taken] for goal, taken in reached.items()],
    ]
    print_report(f"Training on {dataset.name}, preset {given.preset}", ["", ""], rows, result)


def _trainer(task: Task, name: str) -> Trainer:
    shape = preset(name)
    torch.manual_seed(shape.train.seed)
    return Trainer(TransformerRecModel(len(task.vocab), shape.model, task.features), task.tokens, task.ends, shape)


def _our_targets_per_s(task: Task, name: str, seconds: float) -> tuple[float, int]:
    """Targets a second after a few steps to warm up, and the model's parameters."""
    trainer = _trainer(task, name)
    done, started = 0, 0.0

    def on_step(step: Step) -> bool:
        nonlocal done, started
        if step.epoch == 1 and step.step <= WARM_STEPS:
            started = time.perf_counter()
            return True
        done += step.targets
        return time.perf_counter() - started < seconds

    with contextlib.suppress(Stopped):
        trainer.run(Progress(on_step))
    return done / (time.perf_counter() - started), sum(p.numel() for p in trainer.model.parameters())


def _seconds_to(task: Task, name: str) -> dict[str, float | None]:
    """Training seconds, evaluation left out, until the validation reaches each goal; null where it never does."""
    reached: dict[str, float | None] = dict.fromkeys(map(str, GOALS))
    chosen = np.sort(np.random.default_rng(0).permutation(len(task.validation.rows))[:VALIDATED])
    targets = Targets(*(column[chosen] for column in task.validation))
    trainer = _trainer(task, name)
    started = time.perf_counter()

    def on_epoch(epoch: int, model: TransformerRecModel) -> dict[str, float]:
        nonlocal started
        paused = time.perf_counter()
        ranks = evaluate.rank(task.tokens, targets, evaluate.of_ranker(Ranker(model, task.vocab), "request"))
        figure = metrics.ndcg(ranks, 10)
        for goal in GOALS:
            if figure >= goal and reached[str(goal)] is None:
                reached[str(goal)] = round(paused - started, 1)
        print(f"epoch {epoch}: NDCG@10 {figure:.4f} after {paused - started:.0f} s", flush=True)
        started += time.perf_counter() - paused
        return {"ndcg10": figure}

    def on_step(step: Step) -> bool:
        return None in reached.values()

    with contextlib.suppress(Stopped):
        trainer.run(Progress(on_step, on_epoch))
    return reached


def _peak_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))
