"""What is popular now, as a term of every score, weighed for each viewer.

score(viewer, film) = model + transitions + sum_k w_k(viewer) f_k(film), where f are log(1 + count) of the film's
watches in the last 1, 3, 7, 30, 365 days, of all its watches and of those that the model learned from, and whether it
learned from none. A small network gives the weights: it reads how long the history is, how new the films were when the
viewer watched them, and how long the viewer has been away. So popularity counts for much when somebody comes back after
a week and watches what is new, and for little within a visit. The counts may be newer than the model.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.ml.data import Tokens
from recommender.ml.popularity import DAY, NUM_COUNTS

NUM_FIELDS = NUM_COUNTS + 2  # of a film
NUM_TRAITS = 6  # of a viewer
RECENT_FILMS = 10  # of a history, whose newness is read
NEW_DAYS = 30  # since a film was first watched by anyone: it is new
MAX_GAP_HOURS = 24 * 365


class PopularityTerm(NamedTuple):
    """The network, and the films as the training saw them, on the CPU. Model folders store the fields by name."""

    first_watched: Tensor  # int64 [N + 1], unix seconds, by token id; 0: never
    learned: Tensor  # float32 [N]: watches that the model learned from
    counts: Tensor  # float32 [N, NUM_COUNTS], as they were at the training
    mean: Tensor  # float32 [NUM_TRAITS]
    spread: Tensor  # float32 [NUM_TRAITS]
    hidden: Tensor  # float32 [H, NUM_TRAITS]
    hidden_bias: Tensor  # float32 [H]
    out: Tensor  # float32 [NUM_FIELDS + 1, H]: weights of the fields, and the log of the model's
    out_bias: Tensor  # float32 [NUM_FIELDS + 1]

    def viewer_weights(
        self, tokens: Tokens, viewers: np.ndarray, stops: np.ndarray, requested_at: np.ndarray | None
    ) -> np.ndarray:
        """Return the weights of the fields, in multiples of the model's, for `viewers` [B] with their tokens before row
        `stops` [B], float32 [B, NUM_FIELDS]; `requested_at` as in `Ranker.encode_tokens`."""
        traits = viewer_traits(tokens, viewers, stops, requested_at, self.first_watched.numpy())
        units = (torch.from_numpy(traits) - self.mean) / self.spread
        out = F.silu(units @ self.hidden.T + self.hidden_bias) @ self.out.T + self.out_bias
        return (out[:, :NUM_FIELDS] * out[:, NUM_FIELDS:].neg().exp()).numpy()

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder."""
        return {f"popularity_{name}": tensor for name, tensor in self._asdict().items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], num_items: int) -> Self | None:
        """Rebuild from stored tensors, None where there are none. Raises `ValueError` where they do not fit."""
        if "popularity_counts" not in tensors:
            return None
        term = cls(*(tensors[f"popularity_{name}"] for name in cls._fields))
        shapes = (tuple(term.counts.shape), tuple(term.learned.shape), tuple(term.first_watched.shape))
        if shapes != ((num_items, NUM_COUNTS), (num_items,), (num_items + 1,)):
            raise ValueError(f"the popularity term is not one of {num_items} films")
        return term


def film_fields(counts: Tensor, learned: Tensor) -> Tensor:
    """Return the fields of films at `counts` [n, NUM_COUNTS], `learned` [n]: float32 [NUM_FIELDS, n]."""
    return torch.cat([counts.T.log1p(), learned.log1p()[None], (learned == 0).float()[None]])


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
