"""What stands beside the transformer in every score, weighed for each viewer.

score(viewer, film) = model + transitions - bias(film) + w_0 (ease(viewer, film) - mean_ease(film)) + sum w_k f_k(film)

The bias is the film's mean score over viewers: what is left is what this viewer's taste says, and popularity comes from
the fields f alone, which may be newer than the model: log(1 + count) of the film's watches in the last 1, 3, 7, 30, 365
days and in all, and its smoothed share of the last 7. So a film that rose after the training rises, and one without
history is not sunk by it. `ease` is log(1 + e / EASE_SCALE) of EASE's score e.

All weights are above 0. Those of the fields are global ones times at most e^BOUND or its inverse, which a small network
reads from the length of the history, how new the films were when the viewer watched them, and the time away. Freer
weights follow the weeks that they were fitted on and are wrong a year later (docs/lab-log.md, 53). Within a visit the
model knows best: a request within an hour of the last watch gets model and transitions alone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.ml.data import Tokens
from recommender.ml.ease import ItemWeights
from recommender.ml.popularity import DAY, NUM_COUNTS, WINDOW_DAYS
from recommender.ml.visits import MAX_GAP

NUM_FIELDS = NUM_COUNTS + 1  # of a film
NUM_PARTS = NUM_FIELDS + 2  # that have a weight: the model, EASE and the fields
NUM_TRAITS = 6  # of a viewer
TRAIT_RANGE = 3.0  # standard deviations
BOUND = 1.5  # a viewer's weight of a field is within a factor e^BOUND of the global one
EASE_SCALE = 0.01
SMOOTHING = 1_000.0  # watches
RECENT_FILMS = 10  # of a history, whose newness is read
NEW_DAYS = 30  # since a film was first watched by anyone: it is new
MAX_GAP_HOURS = 24 * 365


class Ensemble(NamedTuple):
    """The parts and their weights, on the CPU. Model folders store the fields by name."""

    first_watched: Tensor  # int64 [N + 1], unix seconds, by token id; 0: never
    counts: Tensor  # float32 [N, NUM_COUNTS], as they were at the training
    totals: Tensor  # float32 [NUM_COUNTS], of all films, as they were at the training
    bias: Tensor  # float32 [N]: mean score of the model with transitions
    ease_mean: Tensor  # float32 [N]
    mean_viewer: Tensor  # float32 [D]: the bias of a film that came after the training is its dot product with this
    mean: Tensor  # float32 [NUM_TRAITS]
    spread: Tensor  # float32 [NUM_TRAITS]
    hidden: Tensor  # float32 [H, NUM_TRAITS]
    hidden_bias: Tensor  # float32 [H]
    out: Tensor  # float32 [NUM_FIELDS, H]
    out_bias: Tensor  # float32 [NUM_FIELDS]
    log_weights: Tensor  # float32 [NUM_PARTS]: the global weights
    ease: ItemWeights

    def viewer_weights(
        self, tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, requested_at: np.ndarray | None
    ) -> np.ndarray:
        """Return for `viewers` [B] with their tokens before row `stops` [B] whether the ensemble counts, 1 or 0, and
        the weights of EASE and of the fields in multiples of the model's: float32 [B, NUM_PARTS]; `requested_at` as in
        `Ranker.encode_tokens`."""
        traits = viewer_traits(tokens, viewers, stops, requested_at, self.first_watched.numpy())
        logs = part_weights(torch.from_numpy(traits), self)
        weights = torch.cat([torch.ones(len(logs), 1), (logs[:, 1:] - logs[:, :1]).exp()], 1).numpy()
        weights[is_within_visit(traits)] = 0
        return weights

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder."""
        own = {f"ensemble_{name}": tensor for name, tensor in self._asdict().items() if name != "ease"}
        return own | {f"ease_{name}": tensor for name, tensor in self.ease._asdict().items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], num_items: int) -> Self | None:
        """Rebuild from stored tensors, None where there are none. Raises `ValueError` where they do not fit."""
        if "ensemble_counts" not in tensors:
            return None
        ease = ItemWeights(*(tensors[f"ease_{name}"] for name in ItemWeights._fields))
        own = cls(ease=ease, **{name: tensors[f"ensemble_{name}"] for name in cls._fields if name != "ease"})
        shapes = (tuple(own.counts.shape), len(own.bias), len(own.ease_mean), len(own.first_watched) - 1)
        if shapes != ((num_items, NUM_COUNTS), num_items, num_items, num_items) or len(ease.indptr) != num_items + 1:
            raise ValueError(f"the ensemble is not one of {num_items} films")
        return own


def part_weights(traits: Tensor, of: Any) -> Tensor:
    """Return the logs of the weights of model, EASE and fields, float32 [B, NUM_PARTS], for viewers' `traits`
    [B, NUM_TRAITS]; `of` has the network's tensors by the names of an `Ensemble`."""
    units = ((traits - of.mean) / of.spread).clamp(-TRAIT_RANGE, TRAIT_RANGE)
    out = F.silu(units @ of.hidden.T + of.hidden_bias) @ of.out.T + of.out_bias
    return of.log_weights + F.pad(BOUND * torch.tanh(out), (NUM_PARTS - NUM_FIELDS, 0))


def log_ease(scores: Tensor) -> Tensor:
    """Return log(1 + e / EASE_SCALE) of EASE's `scores` e, where those below 0 count as 0, in place."""
    return scores.clamp_(min=0).div_(EASE_SCALE).log1p_()


def film_fields(counts: Tensor, totals: Tensor) -> Tensor:
    """Return the fields of films at `counts` [n, NUM_COUNTS], where all films have `totals` [NUM_COUNTS]: float32
    [NUM_FIELDS, n]."""
    return torch.cat([counts.T.log1p(), smoothed_share(counts, totals).log()[None]])


def smoothed_share(counts: Tensor, totals: Tensor) -> Tensor:
    """Return the share of all watches of the last 7 days that films at `counts` [n, NUM_COUNTS] have, where all films
    have `totals` [NUM_COUNTS], float32 [n].

    Where a week has few watches it says little of most films: SMOOTHING watches are added that fall on the films as
    those of 30 days do, to these as those of a year, and to those as all do."""
    share = (counts[:, -1] + 1) / (totals[-1] + 1)
    for window in range(len(WINDOW_DAYS) - 1, WINDOW_DAYS.index(7) - 1, -1):
        share = (counts[:, window] + SMOOTHING * share) / (totals[window] + SMOOTHING)
    return share


def is_within_visit(traits: np.ndarray) -> np.ndarray:
    """Return which viewers with `traits` [B, NUM_TRAITS] ask within an hour of their last watch, bool [B]."""
    return np.asarray((traits[:, 4] > 0) & (traits[:, 5] <= np.log1p(MAX_GAP / 3600) + 1e-6))


def viewer_traits(
    tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, requested_at: np.ndarray | None, first_watched: np.ndarray
) -> np.ndarray:
    """Describe viewers by their tokens before row `stops`, float32 [B, NUM_TRAITS]: log of the history's length;
    whether it has times, the mean log age in days of its last films when they were watched and the share that was new;
    whether the request time is known, and the log of the hours since the last watch."""
    traits = np.zeros((len(viewers), NUM_TRAITS), np.float32)
    traits[:, 0] = np.log1p(stops - tokens.indptr[viewers])
    rows = stops[:, None] - 1 - np.arange(RECENT_FILMS)
    known = (rows >= tokens.indptr[viewers][:, None]) & tokens.timed[viewers][:, None]
    if not known.any():
        return traits
    rows = np.where(known, rows, 0)
    first = first_watched[tokens.items[rows]]
    # A film that nobody had watched before the training is new.
    days = np.where(first > 0, (tokens.times[rows] - first).clip(min=0) / DAY, 0.0)
    counted = known.sum(1).clip(min=1)
    traits[:, 1] = known.any(1)
    traits[:, 2] = (np.log1p(days) * known).sum(1) / counted
    traits[:, 3] = ((days < NEW_DAYS) & known).sum(1) / counted
    if requested_at is not None:
        asked = known[:, 0] & (requested_at >= 0)
        hours = (requested_at - tokens.times[rows[:, 0]]).clip(min=0) / 3600
        traits[:, 4] = asked
        traits[:, 5] = np.where(asked, np.log1p(hours.clip(max=MAX_GAP_HOURS)), 0.0)
    return traits
