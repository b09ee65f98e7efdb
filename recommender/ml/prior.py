"""What counting says of the next film, added to the transformer's scores.

A transformer's scores have the rank of its vectors; which film follows which on a site's pages has not. So
score = viewer . film + weight * log(1 + m / FLOOR), where m is the Markov chain's score of `transitions`. The weight is
chosen on validation when the training is over; 0 switches it off.
"""

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from recommender.ml.transitions import Transitions

FLOOR = 1e-3  # shares far below it count for nothing
KEPT = 128  # films that may follow a film: bounds memory, 1.5 kB a film


class Prior(NamedTuple):
    transitions: Transitions
    weight: float

    @classmethod
    def of(cls, owner: np.ndarray, items: np.ndarray, films: int, weight: float) -> Self:
        """From tokens [n] as `Transitions.of` takes them."""
        return cls(Transitions.of(owner, items, films, KEPT), weight)

    @classmethod
    def none(cls, films: int) -> Self:
        return cls.of(np.empty(0, np.int64), np.empty(0, np.int64), films, 0.0)

    def scores(self, recent: Tensor) -> Tensor:
        """What is added to the scores of viewers who watched `recent` [B, W], newest first: float32 [B, N]."""
        return self.transitions.scores(recent).div_(FLOOR).log1p_().mul_(self.weight)

    def to(self, device: torch.device) -> Self:
        return self._replace(transitions=self.transitions.to(device))

    def arrays(self) -> dict[str, np.ndarray]:
        """As a model folder keeps it: [N + 1], [nnz], [nnz], [1]."""
        indptr, columns, shares = (column.cpu().numpy() for column in self.transitions)
        weight = np.array([self.weight], np.float32)
        return {"indptr": indptr, "columns": columns.astype(np.int32), "shares": shares, "weight": weight}

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray], films: int) -> Self:
        """Raises ValueError where they do not fit a vocabulary of `films`."""
        indptr, columns, shares = arrays["indptr"], arrays["columns"].astype(np.int64), arrays["shares"]
        if len(indptr) != films + 1 or indptr[-1] != len(columns) or len(columns) != len(shares):
            raise ValueError(f"the transitions are not those of {films} films")
        parts = (torch.from_numpy(column) for column in (indptr, columns, shares))
        return cls(Transitions(*parts), float(arrays["weight"][0]))
