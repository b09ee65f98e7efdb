"""Targets a second: positions of the training loop that get a loss, padding not counted."""

import contextlib
import time
from typing import NamedTuple

from benchmarks.protocols import Task
from benchmarks.quality.seed_runs import new_model
from recommender.ml.config import Preset
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted

WARM_STEPS = 3


class Speed(NamedTuple):
    targets_per_s: float
    parameters: int


def make_trainer(task: Task, shape: Preset) -> Trainer:
    return Trainer(new_model(task, shape), task.tokens, task.ends, shape)


def measure_speed(trainer: Trainer, seconds: float) -> Speed:
    """Trains for about `seconds` after a few steps to warm up."""
    done, started = 0, 0.0

    def on_step(step: Step) -> bool:
        nonlocal done, started
        if step.epoch == 1 and step.step <= WARM_STEPS:
            started = time.perf_counter()
            return True
        done += step.targets
        return time.perf_counter() - started < seconds

    with contextlib.suppress(TrainingInterrupted):
        trainer.run(TrainingHooks(on_step))
    return Speed(done / (time.perf_counter() - started), sum(p.numel() for p in trainer.model.parameters()))
