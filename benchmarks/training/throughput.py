"""Measure training throughput: targets (positions with a loss, without padding) per second."""

import contextlib
import time
from typing import NamedTuple

from benchmarks.protocols import Task
from benchmarks.quality.seed_runs import new_model
from recommender.ml.config import Preset
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted

WARM_STEPS = 3


class Speed(NamedTuple):
    """A measured speed and the size of the model."""

    targets_per_s: float
    parameters: int


def make_trainer(task: Task, preset: Preset) -> Trainer:
    """Return a trainer of an untrained model."""
    return Trainer(new_model(task, preset), task.tokens, task.ends, preset)


def measure_speed(trainer: Trainer, seconds: float) -> Speed:
    """Train for about `seconds` after a few warm-up steps and return the speed."""
    targets, started = 0, 0.0

    def on_step(step: Step) -> bool:
        nonlocal targets, started
        if step.epoch == 1 and step.step <= WARM_STEPS:
            started = time.perf_counter()
            return True
        targets += step.targets
        return time.perf_counter() - started < seconds

    with contextlib.suppress(TrainingInterrupted):
        trainer.run(TrainingHooks(on_step))
    return Speed(targets / (time.perf_counter() - started), sum(p.numel() for p in trainer.model.parameters()))
