"""Measure how fast training reaches quality: NDCG@10 on P1's validation, request time given, by seconds of training."""

import contextlib
import time

from benchmarks.protocols import Task
from benchmarks.training.throughput import make_trainer, measure_speed
from recommender.ml import evaluate, metrics
from recommender.ml.config import Preset, override
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.train import Step, TrainingHooks, TrainingInterrupted

GOALS = (0.15, 0.18)
NEGATIVES = (512, 1024, 2048, 4096)
MAX_TARGETS = 2_000  # of validation


def seconds_to_goals(task: Task, preset: Preset) -> dict[str, float | None]:
    """Return the training seconds, without evaluation, until validation reaches each goal; None where it never does."""
    goal_seconds: dict[str, float | None] = dict.fromkeys(map(str, GOALS))
    started = time.perf_counter()

    def on_epoch(epoch: int, model: TransformerRecModel) -> dict[str, float]:
        nonlocal started
        paused = time.perf_counter()
        ndcg10 = ndcg10_of(task, model)
        for goal in GOALS:
            if ndcg10 >= goal and goal_seconds[str(goal)] is None:
                goal_seconds[str(goal)] = round(paused - started, 1)
        print(f"epoch {epoch}: NDCG@10 {ndcg10:.4f} after {paused - started:.0f} s", flush=True)
        started += time.perf_counter() - paused
        return {"ndcg10": ndcg10}

    def on_step(step: Step) -> bool:
        return None in goal_seconds.values()

    with contextlib.suppress(TrainingInterrupted):
        make_trainer(task, preset).run(TrainingHooks(on_step, on_epoch))
    return goal_seconds


def compare_losses(task: Task, preset: Preset, minutes: float) -> dict[str, dict[str, float]]:
    """Return speed and NDCG@10 after `minutes` of training from the same start, by number of shared negatives up to the
    softmax over all films.
    """
    results = {}
    for negatives in (*(n for n in NEGATIVES if n < len(task.vocab)), len(task.vocab)):
        trainer = make_trainer(task, override(preset, train={"negatives": negatives}))
        speed = measure_speed(trainer, minutes * 60).targets_per_s
        ndcg10 = ndcg10_of(task, trainer.model.eval())
        results[str(negatives)] = {
            "targets_per_s": round(speed),
            "steps": trainer.total_steps,
            "ndcg10": round(ndcg10, 4),
        }
        print(f"{negatives} negatives: {results[str(negatives)]}", flush=True)
    return results


def ndcg10_of(task: Task, model: TransformerRecModel) -> float:
    """Return NDCG@10 on a sample of validation, request time given."""
    targets = evaluate.sample_targets(task.validation, MAX_TARGETS)
    ranks = evaluate.rank_targets(task.tokens, targets, evaluate.ranker_scorer(Ranker(model, task.vocab), "request"))
    return metrics.ndcg(ranks, 10)
