"""A Markov prior that is added to the transformer's scores.

A transformer's scores are a low-rank matrix, item-to-item transitions are not. So score = viewer . film + weight *
log(1 + m / SMOOTHING), where m is the Markov chain's score of `transitions`. Few events count few transitions: there
EASE's weights of films that the same people watch, in any order, are added to the shares. The weight depends on how
many films of the viewer are known: with one or two films the transformer knows little, the transitions as much as
ever. It is chosen on validation after training (`prior_tuning`); 0 switches the prior off.
"""

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.ease import ItemWeights
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import WINDOW, Transitions

SMOOTHING = 1e-3  # shares far below it add nothing
MAX_SUCCESSORS = 128  # of a film: bounds memory, 512 to 768 bytes per film


class TransitionPrior(NamedTuple):
    """Transition counts and the weight that their scores get."""

    transitions: Transitions
    weights: Tensor  # float32 [WINDOW + 1], by how many of the last WINDOW films are known

    @classmethod
    def from_tokens(cls, viewers: np.ndarray, items: np.ndarray, num_items: int, weight: float) -> Self:
        """Count the transitions of tokens [n] (see `Transitions.from_tokens`); else as `from_training`."""
        return cls.from_training(TrainingTokens.from_columns(viewers, items, num_items), weight)

    @classmethod
    def from_training(cls, training: TrainingTokens, weight: float) -> Self:
        """Count the transitions of all of these tokens, with one weight for all viewers."""
        counted = Transitions.from_training(training, MAX_SUCCESSORS)
        return cls(counted.to_half(), torch.full((WINDOW + 1,), weight))

    def with_item_weights(self, ease: ItemWeights, share: float) -> Self:
        """Return the prior with `share` of EASE's weights added to the shares of transitions."""
        others = Transitions(ease.indptr, ease.columns, ease.weights * share)
        return self._replace(transitions=self.transitions.plus(others, MAX_SUCCESSORS).to_half())

    @classmethod
    def empty(cls, num_items: int) -> Self:
        """Return a prior without transitions, which is not enabled."""
        return cls.from_tokens(np.empty(0, np.int64), np.empty(0, np.int64), num_items, 0.0)

    @property
    def is_enabled(self) -> bool:
        """Return whether any weight is not 0."""
        return bool(self.weights.any())

    def scores(self, history: Tensor) -> Tensor:
        """Return what is added to the scores of viewers with the last films `history` [B, W], token ids, newest first:
        float32 [B, N]."""
        weights = self.weights[(history > 0).sum(1)]
        return self.transitions.scores(history).div_(SMOOTHING).log1p_().mul_(weights[:, None])

    def scores_at(self, history: Tensor, columns: Tensor) -> Tensor:
        """Return what `scores` does for some films alone, distinct `columns` [K]: float32 [B, K]."""
        weights = self.weights[(history > 0).sum(1)]
        return self.transitions.scores_at(history, columns).div_(SMOOTHING).log1p_().mul_(weights[:, None])

    def add_to(self, scores: Tensor, history: Tensor) -> None:
        """Add what `scores` returns for `history` to scores [B, N] in place. Few films follow those of a history: the
        logarithm is taken of these alone."""
        viewers, places, shares = self.transitions.entries(history)
        total = torch.zeros(scores.numel(), device=scores.device).index_add_(0, places, shares)
        weights = self.weights[(history > 0).sum(1)]
        added = total[places].div_(SMOOTHING).log1p_().mul_(weights[viewers])
        scores.view(-1)[places] = scores.view(-1)[places] + added  # a film that follows several gets the same each time

    def to(self, device: torch.device) -> Self:
        """Return the prior on another device."""
        return type(self)(self.transitions.to(device), self.weights.to(device))

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder: [N + 1], [nnz], [nnz], [WINDOW + 1]."""
        return {**self.transitions._asdict(), "weights": self.weights}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], num_items: int) -> Self:
        """Rebuild from stored tensors. Raises `ValueError` where they do not fit a vocabulary of `num_items`."""
        indptr, columns, shares, weights = (tensors[name] for name in (*Transitions._fields, "weights"))
        if len(indptr) != num_items + 1 or indptr[-1] != len(columns) or len(columns) != len(shares):
            raise ValueError(f"the transitions are not those of {num_items} films")
        if len(weights) != WINDOW + 1:
            raise ValueError(f"there are {len(weights)} weights of the transitions, not {WINDOW + 1}")
        return cls(Transitions(indptr, columns, shares), weights)
