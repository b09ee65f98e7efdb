"""All films' vectors as ranking needs them: made once, kept in the model folder."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recommender.ml.shortlist import Shortlist


class FilmVectors(NamedTuple):
    table: Tensor  # float32 [N + 1, D]: what the encoder reads, as `model.items()` gives it; row 0 is padding
    norms: Tensor  # float32 [N]: lengths of the films' rows
    lengths: Tensor  # float32 [N]: a film's output vector is its row by this; the norm where scores are cosines, else 1
    shortlist: Shortlist | None

    @classmethod
    def of(cls, table: Tensor, *, cosine: bool) -> Self:
        norms = table[1:].norm(dim=1).clamp_(min=1e-12)
        lengths = norms.clone() if cosine else torch.ones_like(norms)
        return cls(table, norms, lengths, Shortlist.of(table[1:], lengths))

    @property
    def films(self) -> Tensor:
        """[N, D]"""
        return self.table[1:]

    def tensors(self) -> dict[str, Tensor]:
        """As a model folder keeps them."""
        short = self.shortlist.tensors() if self.shortlist else {}
        return {"table": self.table, "norms": self.norms, "lengths": self.lengths} | short

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], films: int, width: int) -> Self:
        """Raises ValueError where they are not of so many films and so wide."""
        table, norms, lengths = (tensors[name] for name in ("table", "norms", "lengths"))
        if table.shape != (films + 1, width) or len(norms) != films or len(lengths) != films:
            raise ValueError(f"the vectors are {tuple(table.shape)}, not of {films} films and {width} wide")
        return cls(table, norms, lengths, Shortlist.of_tensors(tensors))

    def to(self, device: torch.device) -> Self:
        """A shortlist is for processors alone."""
        if device.type == "cpu":
            return self
        return type(self)(self.table.to(device), self.norms.to(device), self.lengths.to(device), None)
