"""One seed of the quality benchmark: trained, epoch and prior chosen on validation, the test asked once."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.progress import Progress as Bar

from benchmarks.protocols import Task
from recommender.ml import evaluate, metrics
from recommender.ml.checkpoint import load_state, save_state
from recommender.ml.config import Preset, as_json, changed
from recommender.ml.evaluate import TIMES, Targets, Time
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.train import Progress, Step, Trained, Trainer
from recommender.ml.tuning import with_prior

SELECT_TARGETS = 2_000  # validation targets asked after an epoch: all of them would take a third of its time
SELECTED_ON = "validation NDCG@10, mean of the three times: epoch, then weight of the prior"

Ranks = dict[Time, dict[str, np.ndarray]]  # float64 [targets], by what is told of time and by test


class Run(NamedTuple):
    seed: int
    epoch: int  # the one that was selected
    train_s: float
    curve: list[dict[str, float]]  # by epoch
    ranker: Ranker
    ranks: Ranks
    alone: dict[str, np.ndarray]  # as `ranks[told]`, without the prior

    def prior_weights(self) -> list[float]:
        """By how many of the last films are known; empty where the prior does not weigh."""
        return self.ranker.prior.weights.tolist() if self.ranker.prior else []


def run_seed(
    task: Task, shape: Preset, seed: int, told: Time, checkpoints: Path | None, cold: np.ndarray | None = None
) -> Run:
    """Trains with this seed and asks. `cold` bool [N]: films that are asked for by their metadata alone."""
    shape = changed(shape, train={"seed": seed})
    folder = checkpoints and checkpoints / f"seed{seed}"
    selection = Selection(task, shape, folder)
    trained = _train(task, shape, folder, selection)
    selection.restore(trained.model)
    if cold is not None:
        with torch.no_grad():  # as the trainer does with films that have no token at all; these have their targets
            trained.model.items.ids.weight[1:][torch.from_numpy(cold)] = 0
    alone = Ranker(trained.model, task.vocab)
    ranker = with_prior(alone, task.tokens, task.ends, task.validation)
    return Run(
        seed,
        int(selection.best["epoch"]) or trained.epochs,
        sum(epoch["seconds"] for epoch in trained.history),
        trained.history,
        ranker,
        _asked(ranker, task),
        {test: rank(alone, task, targets, told) for test, targets in task.tests.items()},
    )


def fresh_model(task: Task, shape: Preset) -> TransformerRecModel:
    torch.manual_seed(shape.train.seed)
    return TransformerRecModel(len(task.vocab), shape.model, task.features)


def rank(ranker: Ranker, task: Task, targets: Targets, told: Time) -> np.ndarray:
    return evaluate.rank(task.tokens, targets, evaluate.of_ranker(ranker, told))


def _asked(ranker: Ranker, task: Task) -> Ranks:
    """A model that reads no times answers all ways of telling them alike."""
    differing = TIMES if ranker.config.temporal else TIMES[:1]
    ranks = {t: {test: rank(ranker, task, targets, t) for test, targets in task.tests.items()} for t in differing}
    return {t: ranks.get(t, ranks[differing[0]]) for t in TIMES}


def _train(task: Task, shape: Preset, folder: Path | None, selection: "Selection") -> Trained:
    trainer = Trainer(fresh_model(task, shape), task.tokens, task.ends, shape, checkpoints=folder)
    with Bar(transient=True) as bar:
        row = bar.add_task("training", total=None)

        def on_step(step: Step) -> None:
            bar.update(row, total=step.steps * step.epochs, completed=step.steps * (step.epoch - 1) + step.step)

        return trainer.run(Progress(on_step, selection.on_epoch), resume=folder is not None)


class Selection:
    """Keeps the weights of the best epoch; on disk too where the trainer keeps its states, to be taken up with them."""

    def __init__(self, task: Task, shape: Preset, folder: Path | None) -> None:
        self.task, self.targets = task, evaluate.sample(task.validation, SELECT_TARGETS)
        self.seed, self.started = shape.train.seed, time.monotonic()
        self.best: dict[str, Any] = {"epoch": 0, "ndcg10": -1.0, "weights": None}
        self.of = {"train": as_json(shape.train), "config": as_json(shape.model), "data": task.hash}
        self.path = folder and folder / "selected.pt"
        if self.path and self.path.exists():
            state = load_state(self.path, torch.device("cpu"))
            if state["of"] == self.of:
                self.best = state["best"]

    def on_epoch(self, epoch: int, model: TransformerRecModel) -> dict[str, float]:
        """Figures on validation, for the curve."""
        ranker = Ranker(model, self.task.vocab)
        by_time = {t: metrics.ndcg(rank(ranker, self.task, self.targets, t), 10) for t in TIMES}
        mean = round(float(np.mean(list(by_time.values()))), 4)
        figures = {f"{t}_ndcg10": round(value, 4) for t, value in by_time.items()} | {"ndcg10": mean}
        print(f"seed {self.seed} epoch {epoch}: {time.monotonic() - self.started:.0f} s, {figures}", flush=True)
        if mean > self.best["ndcg10"]:
            weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            self.best = {"epoch": epoch, "ndcg10": mean, "weights": weights}
            if self.path:
                save_state(self.path, {"of": self.of, "best": self.best})
        return figures

    def restore(self, model: TransformerRecModel) -> None:
        """Puts the best epoch's weights into `model`."""
        if self.best["weights"] is not None:
            model.load_state_dict(self.best["weights"])
