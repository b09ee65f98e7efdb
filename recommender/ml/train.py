"""The training loop: epochs over windows, a loss on every position, checkpoints that resume at the same step."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml import distributed
from recommender.ml.batches import Batch, Windows, bucket_by_length, collate, first_seen_index, training_windows
from recommender.ml.config import GAP_NONE, GAP_UNKNOWN, MAX_FULL_SOFTMAX_ITEMS, Preset, TrainConfig, to_json
from recommender.ml.data import Tokens
from recommender.ml.losses import SeenMask, bf16_is_faster, softmax_loss
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import ModelCorrupt, data_hash, load_checkpoint, save_checkpoint

CHECKPOINT_SECONDS = 60.0
MIN_STEPS, MIN_POSITIONS = 64, 512  # of an epoch; of a batch
MIN_EPOCHS = 4  # that a budget of minutes leaves: fewer give lists that nobody should see
DEFAULT_NEGATIVES = 2048  # where there are too many films for the full softmax
MLP_NEGATIVES = 64  # films that the MLP scorer is trained against, shared by a batch


class Step(NamedTuple):
    """What the loop tells after each step."""

    epoch: int  # from 1
    step: int  # of the epoch, from 1
    steps: int  # of the epoch
    epochs: int
    loss: float
    average: float  # of the epoch so far
    targets: int  # of this step


class TrainingInterrupted(Exception):
    """The caller's `report` asked to stop; the state is saved."""


@dataclass
class TrainingHooks:
    """Hooks of the caller: after each step (return False to stop) and after each epoch (its figures are kept)."""

    on_step: Callable[[Step], bool | None] = lambda step: None
    on_epoch: Callable[[int, TransformerRecModel], dict[str, float]] = lambda epoch, model: {}


@dataclass
class TrainingResult:
    model: TransformerRecModel
    history: list[dict[str, float]] = field(default_factory=list)  # by epoch: loss, seconds, figures of on_epoch
    epochs: int = 0


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Trainer:
    """One run: the model, its optimiser, and where it stands."""

    def __init__(
        self,
        model: TransformerRecModel,
        tokens: Tokens,
        ends: np.ndarray,
        preset: Preset,
        *,
        checkpoints: Path | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Trains `model` on each viewer's tokens before row `ends` [U]. Checkpoints go to the folder `checkpoints`."""
        self.device = device or pick_device()
        self.model, self.tokens, self.ends = model.to(self.device), tokens, ends
        self.preset, self.config, self.checkpoints = preset, preset.train, checkpoints
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=self.config.weight_decay, fused=True
        )
        self.bf16 = self.config.bf16 and bf16_is_faster(self.device)
        self.data_hash = data_hash(tokens.items, tokens.times, ends)  # a checkpoint goes on with the same alone
        self.epochs, self.epoch, self.step, self.total_steps = self.config.epochs, 1, 0, 0
        self.history: list[dict[str, float]] = []
        self.losses = [0.0, 0.0]  # of this epoch: sum, count

    def run(
        self, hooks: TrainingHooks | None = None, *, resume: bool = False, minutes: float | None = None
    ) -> TrainingResult:
        """Trains to the last epoch. `minutes` shortens the run to the whole epochs that fit, judged by the first steps.

        The result is the same for a seed on one machine, whether or not the run was interrupted and resumed.
        Raises `Stopped` when `progress.on_step` returned False.
        """
        hooks = hooks or TrainingHooks()
        if resume:
            self._load_checkpoint()
        distributed.sync_initial_weights(self.model, self.total_steps)
        self.budget = minutes
        while self.epoch <= self.epochs:
            started = time.monotonic()
            self._train_epoch(hooks)
            self.history.append(
                {
                    "epoch": self.epoch,
                    "loss": self.losses[0] / max(1, self.losses[1]),
                    "seconds": time.monotonic() - started,
                }
                | hooks.on_epoch(self.epoch, self.model.eval())
            )
            self.epoch, self.step, self.losses = self.epoch + 1, 0, [0.0, 0.0]
            self._save_checkpoint(f"transformer_epoch{self.epoch - 1}.pt")
        self._zero_untrained_ids()
        return TrainingResult(self.model.eval(), self.history, self.epochs)

    @torch.no_grad()
    def _zero_untrained_ids(self) -> None:
        """Films without a token to learn from get no vector of their own: as everybody's negatives they learned only to
        be nobody's choice. What their metadata says of them stays.
        """
        learned = np.arange(len(self.tokens.items)) < np.repeat(self.ends, self.tokens.lengths())
        counts = np.bincount(self.tokens.items[learned], minlength=self.model.num_items + 1)
        self.model.items.ids.weight[torch.from_numpy(counts == 0).to(self.device)] = 0

    def _train_epoch(self, hooks: TrainingHooks) -> None:
        rng = np.random.default_rng([self.config.seed, self.epoch])
        windows = training_windows(self.tokens, self.ends, self.preset.model.max_len, rng)
        # Little data gets smaller batches: an epoch of a few steps would learn little.
        most = min(self.config.batch_positions, max(MIN_POSITIONS, int(windows.lengths().sum()) // MIN_STEPS))
        groups = list(bucket_by_length(windows, most, rng))
        saved = begun = time.monotonic()
        while self.step < len(groups):
            self.step += 1
            loss, targets = self._train_step(windows.select(groups[self.step - 1]), len(groups))
            if self.budget and self.total_steps == 12:
                self._fit_epochs_to_budget(len(groups), (time.monotonic() - begun) / self.total_steps)
            told = Step(self.epoch, self.step, len(groups), self.epochs, loss, self.losses[0] / self.losses[1], targets)
            if distributed.any_rank(hooks.on_step(told) is False):
                self._save_checkpoint("transformer_latest.pt")
                raise TrainingInterrupted(f"stopped in epoch {self.epoch} after step {self.step}")
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save_checkpoint("transformer_latest.pt")
                saved = time.monotonic()

    def _fit_epochs_to_budget(self, steps: int, seconds: float) -> None:
        """Sets how many epochs fit into the budget."""
        assert self.budget
        fitting = max(MIN_EPOCHS, int(self.budget * 60 / (steps * seconds)))
        self.epochs = min(self.config.epochs, distributed.broadcast_from_rank0(fitting))

    def _train_step(self, windows: Windows, steps: int) -> tuple[float, int]:
        rng = np.random.default_rng([self.config.seed, self.epoch, self.step])
        torch.manual_seed(int(rng.integers(2**62)) + distributed.rank())
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(self.total_steps, steps * self.epochs)
        batch, targets = self._make_batch(windows, rng)
        own, part = distributed.local_rows(targets)
        loss = (
            self._compute_loss(
                batch.select(own).to(self.device), targets[own].to(self.device), windows.select(own), rng
            )
            * part
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        loss = distributed.all_reduce_gradients(self.model, loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimiser.step()
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(f"The loss is {value} in epoch {self.epoch}, step {self.step}; lower the lr.")
        self.total_steps += 1
        self.losses[0], self.losses[1] = self.losses[0] + value, self.losses[1] + 1
        return value, int(windows.lengths().sum())

    def _learning_rate(self, step: int, steps: int) -> float:
        """Linear warm-up, then a cosine down to `final_lr`."""
        config = self.config
        warm = min(1.0, (step + 1) / config.warmup_steps)
        done = min(1.0, step / max(1, steps))
        return config.lr * warm * (config.final_lr + (1 - config.final_lr) * (1 + math.cos(math.pi * done)) / 2)

    def _make_batch(self, windows: Windows, rng: np.random.Generator) -> tuple[Batch, Tensor]:
        """The batch with its targets int64 [B, L], made to forget some of what it knows of times and ratings."""
        # The token after a window is its last target; its time is the time of asking.
        batch = collate(self.tokens, windows, self.preset.model, self.tokens.times[windows.stops])
        last = torch.from_numpy(self.tokens.items[windows.stops])[:, None]
        targets = torch.cat([batch.items[:, 1:], last], 1) * (batch.items > 0)
        apply_input_dropout(batch, self.config, rng)
        return batch, targets

    def _compute_loss(self, batch: Batch, targets: Tensor, windows: Windows, rng: np.random.Generator) -> Tensor:
        films = self.model.num_items
        negatives = self.config.negatives or (0 if films <= MAX_FULL_SOFTMAX_ITEMS else DEFAULT_NEGATIVES)
        positions = targets > 0
        wanted = targets[positions]
        sampled = 0 < negatives < films
        candidates = np.sort(rng.choice(films, negatives, replace=False)) + 1 if sampled else np.arange(1, films + 1)
        drawn = torch.from_numpy(candidates).to(self.device)
        if sampled:
            places, local = torch.cat([batch.items.flatten(), batch.taste.flatten(), wanted, drawn]).unique(
                return_inverse=True
            )
            places, local = _prepend_padding(places, local)
            parts = local.split([batch.items.numel(), batch.taste.numel(), len(wanted), len(drawn)])
            batch.items, batch.taste = parts[0].view_as(batch.items), parts[1].view_as(batch.taste)
            own, columns, shift = parts[2], parts[3], math.log((films - 1) / negatives)
            table = self.model.items(places, self._id_dropout(rng, places))
            slot = torch.full((len(places),), -1, device=self.device)
            slot[columns] = torch.arange(len(columns), device=self.device)
            hits = slot[own]
        else:
            table = self.model.items(None, self._id_dropout(rng))
            own, columns, shift = wanted, drawn, 0.0
            hits = own - 1
        users = self.model.position_vectors(batch, table)[positions]
        vectors = self.model.output_vectors(table)
        seen = self._seen_mask(windows, candidates, positions) if self.config.spare_seen else None
        loss = softmax_loss(
            users, vectors[own], vectors[columns], hits, seen=seen, log_q_correction=shift, bf16=self.bf16
        )
        if self.model.scorer is not None:
            loss = loss + self._mlp_loss(users, vectors, own, rng)
        return loss

    def _seen_mask(self, windows: Windows, candidates: np.ndarray, positions: Tensor) -> SeenMask:
        """What was seen before each target of `positions` bool [B, L]."""
        first = torch.from_numpy(first_seen_index(self.tokens, windows, candidates)).to(self.device)
        window, place = positions.nonzero(as_tuple=True)
        padding = positions.shape[1] - torch.from_numpy(windows.lengths()).to(self.device)
        return SeenMask(first, window, (place + 1 - padding[window]).to(torch.int16))

    def _mlp_loss(self, users: Tensor, vectors: Tensor, own: Tensor, rng: np.random.Generator) -> Tensor:
        """Cross-entropy of the MLP's score of the target against films shared by the batch."""
        assert self.model.scorer is not None
        drawn = torch.from_numpy(rng.integers(1, len(vectors), MLP_NEGATIVES)).to(self.device)
        against = self.model.scorer(users, vectors[drawn])
        against = against.masked_fill(drawn[None, :] == own[:, None], -torch.inf)
        logits = torch.cat([self.model.scorer(users, vectors[own][:, None]), against], 1)
        return F.cross_entropy(logits, torch.zeros_like(own))

    def _id_dropout(self, rng: np.random.Generator, places: Tensor | None = None) -> Tensor | None:
        """Which films' ids a step forgets, bool [n] of `places` or of all."""
        if not self.preset.model.metadata or not self.config.forget_id:
            return None
        drawn = torch.from_numpy(rng.random(self.model.num_items + 1) < self.config.forget_id).to(self.device)
        return drawn if places is None else drawn[places]

    def _save_checkpoint(self, name: str) -> None:
        if self.checkpoints is None or distributed.rank():
            return
        state: dict[str, Any] = {
            "epoch": self.epoch,
            "step": self.step,
            "total": self.total_steps,
            "epochs": self.epochs,
        }
        state |= {"history": self.history, "losses": self.losses, "train": to_json(self.config)}
        state |= {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        state |= {"config": to_json(self.preset.model), "films": self.model.num_items}
        state |= {"data": self.data_hash, "bf16": self.bf16}
        save_checkpoint(self.checkpoints / name, state)

    def _load_checkpoint(self) -> None:
        """Takes up the newest checkpoint that can be read, if there is one of this very run."""
        best: dict[str, Any] | None = None
        for state in self._own_checkpoints():
            if best is None or (state["epoch"], state["step"]) > (best["epoch"], best["step"]):
                best = state
        if best is None:
            return
        self.model.load_state_dict(best["model"])
        self.optimiser.load_state_dict(best["optimiser"])
        self.epoch, self.step, self.total_steps = best["epoch"], best["step"], best["total"]
        self.epochs, self.history, self.losses = best["epochs"], best["history"], best["losses"]
        self.bf16 = best["bf16"]

    def _own_checkpoints(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self.checkpoints.glob("transformer_*.pt")) if self.checkpoints else []:
            try:
                state = load_checkpoint(path, self.device)
            except ModelCorrupt:
                continue  # an older one will do
            same = (to_json(self.config), to_json(self.preset.model), self.model.num_items, self.data_hash)
            if (state["train"], state["config"], state["films"], state.get("data")) == same:
                yield state


def _prepend_padding(places: Tensor, local: Tensor) -> tuple[Tensor, Tensor]:
    """Puts padding at row 0 of a batch's own table, where it is not there yet."""
    if int(places[0]) == 0:
        return places, local
    return F.pad(places, (1, 0)), local + 1


def apply_input_dropout(batch: Batch, config: TrainConfig, rng: np.random.Generator) -> None:
    """Takes times, the time of asking, and ratings from some of the batch, so that one set of weights learns to do
    without. Changes the batch.
    """
    rows, length = batch.items.shape
    asking = torch.from_numpy(rng.random((rows, length)) < config.forget_request)
    untimed = torch.from_numpy(rng.random(rows) < config.forget_times)
    batch.gaps[asking & (batch.gaps != GAP_NONE)] = GAP_UNKNOWN
    batch.gaps[untimed] = GAP_NONE
    batch.timed &= ~untimed
    batch.stars[torch.from_numpy(rng.random(rows) < config.forget_stars)] = 0
