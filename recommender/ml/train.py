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
from recommender.ml.config import (
    GAP_NONE,
    GAP_UNKNOWN,
    MAX_FULL_SOFTMAX_ITEMS,
    Preset,
    TrainConfig,
    batch_positions,
    to_json,
)
from recommender.ml.data import Tokens
from recommender.ml.losses import SeenMask, bf16_is_faster, softmax_loss
from recommender.ml.model import TransformerRecModel
from recommender.ml.token_files import hash_tokens, release_pages
from recommender.ml.training_checkpoint import CheckpointCorrupt, load_checkpoint, save_checkpoint
from recommender.ml.training_tokens import TrainingTokens

CHECKPOINT_SECONDS = 60.0
MIN_EPOCHS = 4  # in a budget of minutes: fewer give lists that nobody should see
DEFAULT_NEGATIVES = 2048  # of a batch where there are too many films for the full softmax
MLP_NEGATIVES = 64  # films that the MLP scorer is trained against, shared by a batch


class Step(NamedTuple):
    """Progress of the loop, given to `TrainingHooks.on_step`."""

    epoch: int  # from 1
    step: int  # of the epoch, from 1
    steps: int  # of the epoch
    epochs: int
    loss: float
    average: float  # of the epoch so far
    targets: int  # of this step


class TrainingInterrupted(Exception):
    """`TrainingHooks.on_step` asked to stop; the state is saved."""


@dataclass
class TrainingHooks:
    """What the loop calls: after each step (False stops the training), after each epoch (its metrics go into the
    history), before a further epoch, and with the model at the end."""

    on_step: Callable[[Step], bool | None] = lambda step: None
    on_epoch: Callable[[int, TransformerRecModel], dict[str, float]] = lambda epoch, model: {}
    is_finished: Callable[[], bool] = lambda: False
    on_end: Callable[[TransformerRecModel], None] = lambda model: None


@dataclass
class TrainingResult:
    """A trained model and how the training went."""

    model: TransformerRecModel
    history: list[dict[str, float]] = field(default_factory=list)  # by epoch: loss, seconds, metrics of on_epoch
    epochs: int = 0


def pick_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` takes CUDA, then MPS, then the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Trainer:
    """One training run: the model, its optimiser and the progress so far."""

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
        """Prepare to train `model` on each viewer's tokens before row `ends` [U], with checkpoints in that folder."""
        self.device = device or pick_device()
        self.model, self.tokens, self.ends = model.to(self.device), tokens, ends
        self.preset, self.config, self.checkpoints = preset, preset.train, checkpoints
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=self.config.weight_decay, fused=True
        )
        self.bf16 = self.config.bf16 and bf16_is_faster(self.device)
        self.data_hash = hash_tokens(tokens, ends)  # a checkpoint of other data is ignored
        self.epochs, self.epoch, self.step, self.total_steps = self.config.epochs, 1, 0, 0
        self.history: list[dict[str, float]] = []
        self.losses = [0.0, 0.0]  # of this epoch: sum, count

    def run(
        self, hooks: TrainingHooks | None = None, *, resume: bool = False, minutes: float | None = None
    ) -> TrainingResult:
        """Train to the last epoch. `minutes` limits the run to the whole epochs that fit, judged by the first steps.

        The result is the same for a seed on one machine, whether or not the run was interrupted and resumed.
        Raises `TrainingInterrupted` when `hooks.on_step` returned False.
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
            if distributed.any_rank(hooks.is_finished()):
                break
        hooks.on_end(self.model)
        self._zero_untrained_ids()
        return TrainingResult(self.model.eval(), self.history, self.epochs)

    @torch.no_grad()
    def _zero_untrained_ids(self) -> None:
        """Clear the id vectors of films without a training token: as negatives of everybody they learned only to rank
        low. Their metadata's part stays.
        """
        counts = TrainingTokens(self.tokens, self.ends, self.model.num_items).counts()
        self.model.items.ids.weight[torch.from_numpy(np.append(0, counts) == 0).to(self.device)] = 0

    def _train_epoch(self, hooks: TrainingHooks) -> None:
        rng = np.random.default_rng([self.config.seed, self.epoch])
        windows = training_windows(self.tokens, self.ends, self.preset.model.max_len, rng)
        max_positions = batch_positions(self.config, int(windows.lengths().sum()))
        groups = list(bucket_by_length(windows, max_positions, rng))[: self.config.max_steps or None]
        last_save = started = time.monotonic()
        while self.step < len(groups):
            self.step += 1
            release_pages(self.tokens)
            loss, targets = self._train_step(windows.select(groups[self.step - 1]), len(groups))
            if self.budget and self.total_steps == 12:
                seconds = len(groups) * (time.monotonic() - started) / self.total_steps  # of an epoch
                fitting = max(MIN_EPOCHS, int(self.budget * 60 / seconds))
                self.epochs = min(self.config.epochs, distributed.broadcast_from_rank0(fitting))
            average = self.losses[0] / self.losses[1]
            step = Step(self.epoch, self.step, len(groups), self.epochs, loss, average, targets)
            if distributed.any_rank(hooks.on_step(step) is False):
                self._save_checkpoint("transformer_latest.pt")
                raise TrainingInterrupted(f"stopped in epoch {self.epoch} after step {self.step}")
            if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                self._save_checkpoint("transformer_latest.pt")
                last_save = time.monotonic()

    def _train_step(self, windows: Windows, steps: int) -> tuple[float, int]:
        """Make one optimiser step of an epoch of `steps`; return the loss and the number of targets."""
        rng = np.random.default_rng([self.config.seed, self.epoch, self.step])
        torch.manual_seed(int(rng.integers(2**62)) + distributed.rank())
        self.model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(self.total_steps, steps * self.epochs)
        batch, targets = self._make_batch(windows, rng)
        rows, share = distributed.local_rows(targets)
        batch, targets = batch.select(rows).to(self.device), targets[rows].to(self.device)
        loss = self._compute_loss(batch, targets, windows.select(rows), rng) * share
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
        """Return the learning rate of a step: linear warm-up, then a cosine down to `final_lr`."""
        config = self.config
        warmup = min(1.0, (step + 1) / config.warmup_steps)
        progress = min(1.0, step / max(1, steps))
        return config.lr * warmup * (config.final_lr + (1 - config.final_lr) * (1 + math.cos(math.pi * progress)) / 2)

    def _make_batch(self, windows: Windows, rng: np.random.Generator) -> tuple[Batch, Tensor]:
        """Return the batch, with input dropout, and its targets int64 [B, L]."""
        # The token after a window is its last target; its time is the request time.
        batch = collate(self.tokens, windows, self.preset.model, self.tokens.times[windows.stops])
        last = torch.from_numpy(self.tokens.items[windows.stops]).long()[:, None]
        targets = torch.cat([batch.items[:, 1:], last], 1) * (batch.items > 0)
        apply_input_dropout(batch, self.config, rng)
        return batch, targets

    def _compute_loss(self, batch: Batch, targets: Tensor, windows: Windows, rng: np.random.Generator) -> Tensor:
        """Return the softmax loss of targets int64 [B, L] against all films or a sample of them."""
        num_items = self.model.num_items
        negatives = self.config.negatives or (0 if num_items <= MAX_FULL_SOFTMAX_ITEMS else DEFAULT_NEGATIVES)
        sampled = 0 < negatives < num_items
        candidates = np.arange(1, num_items + 1)
        if sampled:
            candidates = np.sort(rng.choice(num_items, negatives, replace=False)) + 1
        candidate_ids = torch.from_numpy(candidates).to(self.device)
        positions = targets > 0
        target_ids = targets[positions]
        if sampled:
            # The batch gets a table of its own, of the films that it refers to, with padding at row 0.
            parts = [batch.items.flatten(), batch.taste.flatten(), target_ids, candidate_ids]
            token_ids, local = torch.cat([target_ids.new_zeros(1), *parts]).unique(return_inverse=True)
            items, taste, own, columns = local[1:].split([len(part) for part in parts])
            batch.items, batch.taste = items.view_as(batch.items), taste.view_as(batch.taste)
            table = self.model.items(token_ids, self._id_dropout(rng, token_ids))
            column_of = torch.full((len(token_ids),), -1, device=self.device)
            column_of[columns] = torch.arange(len(columns), device=self.device)
            target_columns, log_q_correction = column_of[own], math.log((num_items - 1) / negatives)
        else:
            table = self.model.items(None, self._id_dropout(rng))
            own, columns = target_ids, candidate_ids
            target_columns, log_q_correction = own - 1, 0.0
        users = self.model.position_vectors(batch, table)[positions]
        vectors = self.model.output_vectors(table)
        seen = self._seen_mask(windows, candidates, positions) if self.config.spare_seen else None
        loss = softmax_loss(
            users,
            vectors[own],
            vectors[columns],
            target_columns,
            seen=seen,
            log_q_correction=log_q_correction,
            bf16=self.bf16,
        )
        if self.model.scorer is not None:
            loss = loss + self._mlp_loss(users, vectors, own, rng)
        return loss

    def _seen_mask(self, windows: Windows, candidates: np.ndarray, positions: Tensor) -> SeenMask:
        """Return what was seen before each target of `positions` bool [B, L]."""
        first_seen = torch.from_numpy(first_seen_index(self.tokens, windows, candidates)).to(self.device)
        window, column = positions.nonzero(as_tuple=True)
        padding = positions.shape[1] - torch.from_numpy(windows.lengths()).to(self.device)
        return SeenMask(first_seen, window, (column + 1 - padding[window]).to(torch.int16))

    def _mlp_loss(self, users: Tensor, vectors: Tensor, own: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the cross-entropy of the MLP's score of the target against films shared by the batch."""
        assert self.model.scorer is not None
        negatives = torch.from_numpy(rng.integers(1, len(vectors), MLP_NEGATIVES)).to(self.device)
        negative_scores = self.model.scorer(users, vectors[negatives])
        negative_scores = negative_scores.masked_fill(negatives[None, :] == own[:, None], -torch.inf)
        logits = torch.cat([self.model.scorer(users, vectors[own][:, None]), negative_scores], 1)
        return F.cross_entropy(logits, torch.zeros_like(own))

    def _id_dropout(self, rng: np.random.Generator, token_ids: Tensor | None = None) -> Tensor | None:
        """Draw the films whose id vectors a step leaves out, bool [n] of `token_ids` or of all."""
        if not self.preset.model.metadata or not self.config.forget_id:
            return None
        dropped = torch.from_numpy(rng.random(self.model.num_items + 1) < self.config.forget_id).to(self.device)
        return dropped if token_ids is None else dropped[token_ids]

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
        """Continue from the newest readable checkpoint of the same data, model and configuration, if there is one."""
        best = max(self._own_checkpoints(), key=lambda state: (state["epoch"], state["step"]), default=None)
        if best is None:
            return
        self.model.load_state_dict(best["model"])
        self.optimiser.load_state_dict(best["optimiser"])
        self.epoch, self.step, self.total_steps = best["epoch"], best["step"], best["total"]
        self.epochs, self.history, self.losses = best["epochs"], best["history"], best["losses"]
        self.bf16 = best["bf16"]

    def _own_checkpoints(self) -> Iterator[dict[str, Any]]:
        """Yield the readable checkpoints of the same data, model and configuration."""
        for path in sorted(self.checkpoints.glob("transformer_*.pt")) if self.checkpoints else []:
            try:
                state = load_checkpoint(path, self.device)
            except CheckpointCorrupt:
                continue  # an older one will do
            same = (to_json(self.config), to_json(self.preset.model), self.model.num_items, self.data_hash)
            if (state["train"], state["config"], state["films"], state.get("data")) == same:
                yield state


def apply_input_dropout(batch: Batch, config: TrainConfig, rng: np.random.Generator) -> None:
    """Remove times, request times and ratings from some rows of the batch, in place, so that one set of weights learns
    to do without them.
    """
    rows, length = batch.items.shape
    without_request = torch.from_numpy(rng.random((rows, length)) < config.forget_request)
    without_times = torch.from_numpy(rng.random(rows) < config.forget_times)
    batch.gaps[without_request & (batch.gaps != GAP_NONE)] = GAP_UNKNOWN
    batch.gaps[without_times] = GAP_NONE
    batch.timed &= ~without_times
    batch.stars[torch.from_numpy(rng.random(rows) < config.forget_stars)] = 0
