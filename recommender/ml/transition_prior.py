"""What counting says of the next film, added to the transformer's scores.

A transformer's scores have the rank of its vectors; which film follows which on a site's pages has not. So
score = viewer . film + weight * log(1 + m / FLOOR), where m is the Markov chain's score of `transitions`. The weight
depends on how many films are known of the viewer: a transformer says little of the first two, counting says as much as
ever. It is chosen on validation when the training is over; 0 switches it off.
"""

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.transitions import WINDOW, Transitions

SMOOTHING = 1e-3  # shares far below it count for nothing
MAX_SUCCESSORS = 128  # films that may follow a film: bounds memory, 512 to 768 bytes a film


class TransitionPrior(NamedTuple):
    transitions: Transitions
    weights: Tensor  # float32 [WINDOW + 1], by how many of the last WINDOW films are known

    @classmethod
    def from_tokens(cls, viewers: np.ndarray, items: np.ndarray, num_items: int, weight: float) -> Self:
        """From tokens [n] as `Transitions.of` takes them, with one weight for everyone."""
        return cls(
            Transitions.from_tokens(viewers, items, num_items, MAX_SUCCESSORS).to_half(),
            torch.full((WINDOW + 1,), weight),
        )

    @classmethod
    def empty(cls, num_items: int) -> Self:
        return cls.from_tokens(np.empty(0, np.int64), np.empty(0, np.int64), num_items, 0.0)

    @property
    def is_enabled(self) -> bool:
        return bool(self.weights.any())

    def scores(self, recent: Tensor) -> Tensor:
        """What is added to the scores of viewers who watched `recent` [B, W], newest first: float32 [B, N]."""
        weights = self.weights[(recent > 0).sum(1)]
        return self.transitions.scores(recent).div_(SMOOTHING).log1p_().mul_(weights[:, None])

    def to(self, device: torch.device) -> Self:
        return type(self)(self.transitions.to(device), self.weights.to(device))

    def to_tensors(self) -> dict[str, Tensor]:
        """As a model folder keeps it: [N + 1], [nnz], [nnz], [WINDOW + 1]."""
        return {**self.transitions._asdict(), "weights": self.weights}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], num_items: int) -> Self:
        """Raises ValueError where they do not fit a vocabulary of `films`."""
        indptr, columns, shares, weights = (tensors[name] for name in (*Transitions._fields, "weights"))
        if len(indptr) != num_items + 1 or indptr[-1] != len(columns) or len(columns) != len(shares):
            raise ValueError(f"the transitions are not those of {num_items} films")
        if len(weights) != WINDOW + 1:
            raise ValueError(f"there are {len(weights)} weights of the transitions, not {WINDOW + 1}")
        return cls(Transitions(indptr, columns, shares), weights)
