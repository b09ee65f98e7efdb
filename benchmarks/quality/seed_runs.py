"""Train one seed of the quality benchmark: select epoch and prior on validation, rank the test once."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.progress import Progress as Bar

from benchmarks.protocols import Task
from recommender.ml import evaluate
from recommender.ml.config import Preset, override
from recommender.ml.ensemble_fitting import fit_ensemble
from recommender.ml.epoch_selection import EpochSelection
from recommender.ml.evaluate import TIME_MODES, Targets, TimeMode
from recommender.ml.model import TransformerRecModel
from recommender.ml.new_film_fitting import fit_new_film_term
from recommender.ml.prior_tuning import fit_prior
from recommender.ml.ranker import Ranker
from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingResult
from recommender.ml.visits import Visits

SELECTED_ON = "validation NDCG@10, mean of the three times: epoch, then weight of the prior"

Ranks = dict[TimeMode, dict[str, np.ndarray]]  # float64 [targets], by time mode and test


class SeedRun(NamedTuple):
    """The outcome of one seed."""

    seed: int
    epoch: int  # the selected one
    train_s: float
    curve: list[dict[str, float]]  # by epoch
    ranker: Ranker
    ranks: Ranks
    ranks_without_prior: dict[str, np.ndarray]  # by test, in the time mode of the run

    def prior_weights(self) -> list[float]:
        """Return the prior's weights by history length; empty where it is not enabled."""
        return self.ranker.prior.weights.tolist() if self.ranker.prior else []


def run_seed(
    task: Task,
    preset: Preset,
    seed: int,
    time_mode: TimeMode,
    checkpoints: Path | None,
    cold_mask: np.ndarray | None = None,
) -> SeedRun:
    """Train with a seed and rank all tests. `cold_mask` bool [N]: films that are ranked by their metadata alone."""
    preset = override(preset, train={"seed": seed})
    folder = checkpoints and checkpoints / f"seed{seed}"
    validation = task.validation_visits or Visits(*task.validation, task.validation.rows + 1)
    selection = EpochSelection(task.tokens, task.vocab, validation, preset, folder)
    trained = _train(task, preset, folder, selection)
    if cold_mask is not None:
        with torch.no_grad():  # as the trainer does with films without any token; these have their targets
            trained.model.items.ids.weight[1:][torch.from_numpy(cold_mask)] = 0
    without_prior = Ranker(trained.model, task.vocab, feature_names=task.features.names)
    ranker = fit_prior(without_prior, task.tokens, task.ends, task.validation)
    if task.popularity:
        ranker = fit_ensemble(ranker, task.tokens, task.ends, validation, task.popularity)
    ranker = fit_new_film_term(ranker, task.tokens, task.ends, task.validation, task.popularity)
    return SeedRun(
        seed,
        selection.best_epoch or trained.epochs,
        sum(epoch["seconds"] for epoch in trained.history),
        trained.history,
        ranker,
        _rank_all_tests(ranker, task),
        {test: rank_targets(without_prior, task, targets, time_mode) for test, targets in task.tests.items()},
    )


def new_model(task: Task, preset: Preset) -> TransformerRecModel:
    """Return the untrained model of a preset and its seed."""
    torch.manual_seed(preset.train.seed)
    return TransformerRecModel(len(task.vocab), preset.model, task.features)


def rank_targets(ranker: Ranker, task: Task, targets: Targets, time_mode: TimeMode) -> np.ndarray:
    """Return the ranks of targets by a ranker, float64 [n]."""
    return evaluate.rank_targets(task.tokens, targets, evaluate.ranker_scorer(ranker, time_mode, task.popularity))


def _rank_all_tests(ranker: Ranker, task: Task) -> Ranks:
    """Rank all tests in all time modes; a model that reads no times ranks the same in all."""
    modes = TIME_MODES if ranker.config.temporal else TIME_MODES[:1]
    ranks = {
        mode: {test: rank_targets(ranker, task, targets, mode) for test, targets in task.tests.items()}
        for mode in modes
    }
    return {mode: ranks.get(mode, ranks[modes[0]]) for mode in TIME_MODES}


def _train(task: Task, preset: Preset, folder: Path | None, selection: EpochSelection) -> TrainingResult:
    trainer = Trainer(new_model(task, preset), task.tokens, task.ends, preset, checkpoints=folder)
    with Bar(transient=True) as bar:
        row = bar.add_task("training", total=None)

        def on_step(step: Step) -> None:
            bar.update(row, total=step.steps * step.epochs, completed=step.steps * (step.epoch - 1) + step.step)

        def on_epoch(epoch: int, model: TransformerRecModel) -> dict[str, float]:
            measured = selection.on_epoch(epoch, model)
            print(f"seed {preset.train.seed} epoch {epoch}: {time.monotonic() - started:.0f} s, {measured}", flush=True)
            return measured

        started = time.monotonic()
        hooks = TrainingHooks(on_step, on_epoch, selection.is_finished, selection.restore)
        return trainer.run(hooks, resume=folder is not None)
