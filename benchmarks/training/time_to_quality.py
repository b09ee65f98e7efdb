"""How fast a way of training learns: NDCG@10 on P1's validation, the time of asking told, by seconds of training."""

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
MAX_TARGETS = 2_000  # viewers asked


def seconds_to_goals(task: Task, shape: Preset) -> dict[str, float | None]:
    """Training seconds, evaluation left out, until the validation reaches each goal; null where it never does."""
    reached: dict[str, float | None] = dict.fromkeys(map(str, GOALS))
    started = time.perf_counter()

    def on_epoch(epoch: int, model: TransformerRecModel) -> dict[str, float]:
        nonlocal started
        paused = time.perf_counter()
        figure = _ndcg10(task, model)
        for goal in GOALS:
            if figure >= goal and reached[str(goal)] is None:
                reached[str(goal)] = round(paused - started, 1)
        print(f"epoch {epoch}: NDCG@10 {figure:.4f} after {paused - started:.0f} s", flush=True)
        started += time.perf_counter() - paused
        return {"ndcg10": figure}

    def on_step(step: Step) -> bool:
        return None in reached.values()

    with contextlib.suppress(TrainingInterrupted):
        make_trainer(task, shape).run(TrainingHooks(on_step, on_epoch))
    return reached


def compare_losses(task: Task, shape: Preset, minutes: float) -> dict[str, dict[str, float]]:
    """Speed, and NDCG@10 after `minutes` of training from the same start: by number of shared negatives, and of the
    softmax over all films.
    """
    told = {}
    for negatives in (*(n for n in NEGATIVES if n < len(task.vocab)), len(task.vocab)):
        trainer = make_trainer(task, override(shape, train={"negatives": negatives}))
        speed = measure_speed(trainer, minutes * 60).targets_per_s
        figure = _ndcg10(task, trainer.model.eval())
        told[str(negatives)] = {"targets_per_s": round(speed), "steps": trainer.total_steps, "ndcg10": round(figure, 4)}
        print(f"{negatives} negatives: {told[str(negatives)]}", flush=True)
    return told


def _ndcg10(task: Task, model: TransformerRecModel) -> float:
    targets = evaluate.sample_targets(task.validation, MAX_TARGETS)
    ranks = evaluate.rank_targets(task.tokens, targets, evaluate.ranker_scorer(Ranker(model, task.vocab), "request"))
    return metrics.ndcg(ranks, 10)
