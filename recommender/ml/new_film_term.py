"""New films: what is added to the score of a film that nobody has watched yet, so that it counts as one of its kind.

A film's popularity is in the vector of its id, in its transitions, in EASE and in its counts, and a new film has none
of them. So it stands in with what is expected of its metadata: the counts that films with such a vector have, and
slope * (expectation - mean) + offset as a log probability. Slope and offset are fitted with known films as if they were
new, a twentieth of them at a time (`new_film_fitting`). Where there are more new films, all together weigh no more.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recommender.ml.ensemble import film_fields
from recommender.ml.popularity import NUM_COUNTS

ALL_TIMES = NUM_COUNTS - 1  # the count of all watches


class NewFilmTerm(NamedTuple):
    """What is expected of films by their metadata, on the CPU. Model folders store the fields by name."""

    counts: Tensor  # float32 [NUM_COUNTS, D + 1]: output vector and 1 -> log(1 + count)
    mean: Tensor  # float32 []: of the last of these, watches of all times, over the known films
    weights: Tensor  # float32 [2, 2]: without the ensemble and in it, slope and offset of log probabilities
    scales: Tensor  # float32 [2]: without the ensemble and in it, what makes log probabilities of scores
    quota: Tensor  # float32 []: new films whose scores these weights were fitted for
    unwatched: Tensor  # int64 [M]: columns of the films with metadata and without a watch that the model learned from

    def expected_counts(self, vectors: Tensor) -> Tensor:
        """Return log(1 + count) as expected of films with these output vectors [n, D]: float32 [n, NUM_COUNTS]."""
        return (vectors @ self.counts[:, :-1].T + self.counts[:, -1]).clamp_(min=0)

    def film_terms(self, vectors: Tensor, counts: Tensor, totals: Tensor, total: int) -> tuple[Tensor, Tensor]:
        """Return the ensemble's fields [NUM_FIELDS, n], and what is added to the scores without it and in it [2, n], of
        new films with these output vectors [n, D] and `counts` [n, NUM_COUNTS] of watches since the training, where all
        films have `totals` [NUM_COUNTS]; `total` is the number of all new films.

        Once a film has more watches than was expected, these speak for it.
        """
        expected = self.expected_counts(vectors)
        is_new = counts[:, ALL_TIMES].log1p() <= expected[:, ALL_TIMES]
        counts = torch.where(is_new[:, None], torch.maximum(counts, expected.expm1()), counts)
        excess = expected[:, ALL_TIMES] - self.mean
        crowding = (total / self.quota).clamp(min=1).log()
        added = (self.weights[:, :1] * excess + self.weights[:, 1:] - crowding) / self.scales[:, None]
        return film_fields(counts, totals), is_new * added

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder."""
        return {f"new_film_{name}": tensor for name, tensor in self._asdict().items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], num_items: int, width: int) -> Self | None:
        """Rebuild from stored tensors, None where there are none. Raises `ValueError` where they do not fit."""
        if "new_film_counts" not in tensors:
            return None
        term = cls(*(tensors[f"new_film_{name}"] for name in cls._fields))
        if tuple(term.counts.shape) != (NUM_COUNTS, width + 1) or (term.unwatched >= num_items).any():
            raise ValueError(f"the term of new films is not one of {num_items} films, {width} wide")
        return term
