"""One seed of the quality benchmark: trained, epoch and prior chosen on validation, the test asked once."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.progress import Progress as Bar

from benchmarks.protocols import Task
from recommender.ml import evaluate, metrics
from recommender.ml.config import Preset, override, to_json
from recommender.ml.evaluate import TIME_MODES, Targets, TimeMode
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import load_checkpoint, save_checkpoint
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingResult

MAX_SELECTION_TARGETS = 2_000  # validation targets asked after an epoch: all of them would take a third of its time
SELECTED_ON = "validation NDCG@10, mean of the three times: epoch, then weight of the prior"

Ranks = dict[TimeMode, dict[str, np.ndarray]]  # float64 [targets], by what is told of time and by test


class SeedRun(NamedTuple):
    seed: int
    epoch: int  # the one that was selected
    train_s: float
    curve: list[dict[str, float]]  # by epoch
    ranker: Ranker
    ranks: Ranks
    ranks_without_prior: dict[str, np.ndarray]  # as `ranks[told]`, without the prior

    def prior_weights(self) -> list[float]:
        """By how many of the last films are known; empty where the prior does not weigh."""
        return self.ranker.prior.weights.tolist() if self.ranker.prior else []


def run_seed(
    task: Task, shape: Preset, seed: int, told: TimeMode, checkpoints: Path | None, cold: np.ndarray | None = None
) -> SeedRun:
    """Trains with this seed and asks. `cold` bool [N]: films that are asked for by their metadata alone."""
    shape = override(shape, train={"seed": seed})
    folder = checkpoints and checkpoints / f"seed{seed}"
    selection = EpochSelection(task, shape, folder)
    trained = _train(task, shape, folder, selection)
    selection.restore(trained.model)
    if cold is not None:
        with torch.no_grad():  # as the trainer does with films that have no token at all; these have their targets
            trained.model.items.ids.weight[1:][torch.from_numpy(cold)] = 0
    alone = Ranker(trained.model, task.vocab)
    ranker = fit_prior(alone, task.tokens, task.ends, task.validation)
    return SeedRun(
        seed,
        int(selection.best["epoch"]) or trained.epochs,
        sum(epoch["seconds"] for epoch in trained.history),
        trained.history,
        ranker,
        _rank_all_tests(ranker, task),
        {test: rank_targets(alone, task, targets, told) for test, targets in task.tests.items()},
    )


def new_model(task: Task, shape: Preset) -> TransformerRecModel:
    torch.manual_seed(shape.train.seed)
    return TransformerRecModel(len(task.vocab), shape.model, task.features)


def rank_targets(ranker: Ranker, task: Task, targets: Targets, told: TimeMode) -> np.ndarray:
    return evaluate.rank_targets(task.tokens, targets, evaluate.ranker_scorer(ranker, told))


def _rank_all_tests(ranker: Ranker, task: Task) -> Ranks:
    """A model that reads no times answers all ways of telling them alike."""
    differing = TIME_MODES if ranker.config.temporal else TIME_MODES[:1]
    ranks = {
        t: {test: rank_targets(ranker, task, targets, t) for test, targets in task.tests.items()} for t in differing
    }
    return {t: ranks.get(t, ranks[differing[0]]) for t in TIME_MODES}


def _train(task: Task, shape: Preset, folder: Path | None, selection: "EpochSelection") -> TrainingResult:
    trainer = Trainer(new_model(task, shape), task.tokens, task.ends, shape, checkpoints=folder)
    with Bar(transient=True) as bar:
        row = bar.add_task("training", total=None)

        def on_step(step: Step) -> None:
            bar.update(row, total=step.steps * step.epochs, completed=step.steps * (step.epoch - 1) + step.step)

        return trainer.run(TrainingHooks(on_step, selection.on_epoch), resume=folder is not None)


class EpochSelection:
    """Keeps the weights of the best epoch; on disk too where the trainer keeps its states, to be taken up with them."""

    def __init__(self, task: Task, shape: Preset, folder: Path | None) -> None:
        self.task, self.targets = task, evaluate.sample_targets(task.validation, MAX_SELECTION_TARGETS)
        self.seed, self.started = shape.train.seed, time.monotonic()
        self.best: dict[str, Any] = {"epoch": 0, "ndcg10": -1.0, "weights": None}
        self.of = {"train": to_json(shape.train), "config": to_json(shape.model), "data": task.data_hash}
        self.path = folder and folder / "selected.pt"
        if self.path and self.path.exists():
            state = load_checkpoint(self.path, torch.device("cpu"))
            if state["of"] == self.of:
                self.best = state["best"]

    def on_epoch(self, epoch: int, model: TransformerRecModel) -> dict[str, float]:
        """Figures on validation, for the curve."""
        ranker = Ranker(model, self.task.vocab)
        by_time = {t: metrics.ndcg(rank_targets(ranker, self.task, self.targets, t), 10) for t in TIME_MODES}
        mean = round(float(np.mean(list(by_time.values()))), 4)
        figures = {f"{t}_ndcg10": round(value, 4) for t, value in by_time.items()} | {"ndcg10": mean}
        print(f"seed {self.seed} epoch {epoch}: {time.monotonic() - self.started:.0f} s, {figures}", flush=True)
        if mean > self.best["ndcg10"]:
            weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            self.best = {"epoch": epoch, "ndcg10": mean, "weights": weights}
            if self.path:
                save_checkpoint(self.path, {"of": self.of, "best": self.best})
        return figures

    def restore(self, model: TransformerRecModel) -> None:
        """Puts the best epoch's weights into `model`."""
        if self.best["weights"] is not None:
            model.load_state_dict(self.best["weights"])
