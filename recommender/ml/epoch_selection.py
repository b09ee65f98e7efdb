"""Select the epoch whose model makes the best lists on validation, and end a training that no longer gets better."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from recommender.ml import evaluate, visits
from recommender.ml.config import Preset, to_json
from recommender.ml.data import Tokens
from recommender.ml.evaluate import TIME_MODES, Targets
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.token_files import hash_tokens
from recommender.ml.training_checkpoint import CheckpointCorrupt, load_checkpoint, save_checkpoint
from recommender.ml.visits import Visits
from recommender.ml.vocab import Vocab

MAX_VISITS = 2_000  # ranked after an epoch: all of them would take a third of its time
PATIENCE = 0.25  # of all epochs, without a better one; then the training ends
MIN_PATIENCE = 5  # epochs


class EpochSelection:
    """Keeps the weights of the best epoch: in memory, and in a folder to resume with them."""

    def __init__(
        self, tokens: Tokens, vocab: Vocab, validation: Visits, preset: Preset, folder: Path | None = None
    ) -> None:
        """Measure on the new films of the visits `validation`, known up to each visit's start."""
        self.tokens, self.vocab, self.epochs = tokens, vocab, preset.train.epochs
        sample = evaluate.sample_targets(Targets(validation.viewers, np.arange(len(validation.viewers))), MAX_VISITS)
        self.visits = validation.select(sample.rows)
        self.relevant = visits.relevant_items(tokens, self.visits)
        self.epoch, self.best_epoch, self.best_ndcg10 = 0, 0, -1.0
        self.weights: dict[str, torch.Tensor] | None = None
        self.run: dict[str, Any] = {"train": to_json(preset.train), "config": to_json(preset.model)}
        self.run["data"] = hash_tokens(tokens, *self.visits)
        self.path = folder and folder / "selected.pt"
        self._resume()

    def _resume(self) -> None:
        """Read the best epoch of an interrupted training of the same data and configuration."""
        if self.path is None or not self.path.exists():
            return
        try:
            state = load_checkpoint(self.path, torch.device("cpu"))
        except CheckpointCorrupt:
            return
        if state.get("run") == self.run:
            self.best_epoch, self.best_ndcg10, self.weights = state["epoch"], state["ndcg10"], state["weights"]

    def on_epoch(self, epoch: int, model: TransformerRecModel) -> dict[str, float]:
        """Measure an epoch and keep its weights if it is the best. Returns NDCG@10 by time mode, and the means of
        NDCG@10 and HR@10 over the modes."""
        self.epoch = epoch
        ranker, targets = Ranker(model, self.vocab), Targets(self.visits.viewers, self.visits.starts)
        by_mode: dict[str, dict[str, float]] = {}
        for mode in TIME_MODES:
            ranks = evaluate.rank_relevant(self.tokens, targets, self.relevant, evaluate.ranker_scorer(ranker, mode))
            by_mode[mode] = visits.summary(ranks, self.relevant)
        ndcg10, hr10 = (
            round(float(np.mean([summary.get(name, 0.0) for summary in by_mode.values()])), 4)
            for name in ("ndcg10", "hr10")
        )
        if ndcg10 > self.best_ndcg10:
            self.best_epoch, self.best_ndcg10 = epoch, ndcg10
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
            if self.path:
                state: dict[str, Any] = {"run": self.run, "epoch": epoch, "ndcg10": ndcg10, "weights": self.weights}
                save_checkpoint(self.path, state)
        modes = {f"{mode}_ndcg10": summary.get("ndcg10", 0.0) for mode, summary in by_mode.items()}
        return modes | {"ndcg10": ndcg10, "hr10": hr10}

    def is_finished(self) -> bool:
        """Return whether the last epochs were no better than an earlier one."""
        return self.epoch - self.best_epoch > max(MIN_PATIENCE, PATIENCE * self.epochs)

    def restore(self, model: TransformerRecModel) -> None:
        """Load the best epoch's weights into `model`."""
        if self.weights is not None:
            model.load_state_dict(self.weights)
