"""All films' vectors as ranking needs them: made once, kept in the model folder."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recommender.ml.shortlist import Shortlist

CHUNK_SIZE = 4096  # films that are widened at a time: they stay in the processor's cache


class ItemVectors(NamedTuple):
    """Kept in half the bytes, since every web worker holds them, and those of two models while one takes over. Whoever
    ranks, offline and live, ranks by the rounded vectors, with arithmetic in float32."""

    table: Tensor  # float16 [N + 1, D]: what the encoder reads, `model.items()` rounded; row 0 is padding
    norms: Tensor  # float32 [N]: lengths of the films' rows
    score_norms: (
        Tensor  # float32 [N]: a film's output vector is its row by this; the norm where scores are cosines, else 1
    )
    shortlist: Shortlist | None

    @classmethod
    def from_table(cls, table: Tensor, *, cosine: bool) -> Self:
        table = table.half()
        norms = table[1:].float().norm(dim=1).clamp_(min=1e-12)
        lengths = norms.clone() if cosine else torch.ones_like(norms)
        return cls(table, norms, lengths, Shortlist.quantise(table[1:], lengths))

    @property
    def items(self) -> Tensor:
        """[N, D]"""
        return self.table[1:]

    def rows(self, columns: Tensor) -> Tensor:
        """Vectors of the films at `columns` [...]: float32 [..., D]."""
        return self.items[columns].float()

    def dot_products(self, others: Tensor) -> Tensor:
        """Dot products of vectors [B, D] with those of all films: float32 [B, N]."""
        films, step = self.items, CHUNK_SIZE if self.table.device.type == "cpu" else len(self.table)
        out = torch.empty(len(others), len(films), device=others.device)
        for first in range(0, len(films), step):
            out[:, first : first + step] = others @ films[first : first + step].float().T
        return out

    def to_tensors(self) -> dict[str, Tensor]:
        """As a model folder keeps them."""
        short = self.shortlist.to_tensors() if self.shortlist else {}
        return {"table": self.table, "norms": self.norms, "lengths": self.score_norms} | short

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], num_items: int, width: int) -> Self:
        """Raises ValueError where they are not of so many films and so wide."""
        table, norms, lengths = (tensors[name] for name in ("table", "norms", "lengths"))
        if table.shape != (num_items + 1, width) or len(norms) != num_items or len(lengths) != num_items:
            raise ValueError(f"the vectors are {tuple(table.shape)}, not of {num_items} films and {width} wide")
        return cls(table, norms, lengths, Shortlist.from_tensors(tensors))

    def to(self, device: torch.device) -> Self:
        """A shortlist is for processors alone."""
        if device.type == "cpu":
            return self
        return type(self)(self.table.to(device), self.norms.to(device), self.score_norms.to(device), None)
