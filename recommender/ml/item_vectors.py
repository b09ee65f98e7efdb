"""All films' vectors in the form that ranking reads, computed once and stored in the model folder."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recommender.ml.shortlist import Shortlist

CHUNK_SIZE = 4096  # films that are converted to float32 at a time: they stay in the processor's cache


class ItemVectors(NamedTuple):
    """Vectors in half precision, since every web worker holds them, and those of two models during an activation.
    Offline and live, ranking uses the rounded vectors with arithmetic in float32."""

    table: Tensor  # float16 [N + 1, D]: what the encoder reads, `model.items()` rounded; row 0 is padding
    norms: Tensor  # float32 [N]: lengths of the films' rows
    score_norms: Tensor  # float32 [N]: output vector = row / score_norm; the norm where scores are cosines, else 1
    shortlist: Shortlist | None

    @classmethod
    def from_table(cls, table: Tensor, *, cosine: bool) -> Self:
        """Round the item embedding [N + 1, D]; `cosine`: scores divide by the norms."""
        table = table.half()
        norms = table[1:].float().norm(dim=1).clamp_(min=1e-12)
        score_norms = norms.clone() if cosine else torch.ones_like(norms)
        return cls(table, norms, score_norms, Shortlist.quantise(table[1:], score_norms))

    @property
    def items(self) -> Tensor:
        """Return the table without padding, [N, D]."""
        return self.table[1:]

    def rows(self, columns: Tensor) -> Tensor:
        """Return the vectors of the films at `columns` [...]: float32 [..., D]."""
        return self.items[columns].float()

    def dot_products(self, others: Tensor) -> Tensor:
        """Return the dot products of vectors [B, D] with those of all films: float32 [B, N]."""
        items, step = self.items, CHUNK_SIZE if self.table.device.type == "cpu" else len(self.table)
        products = torch.empty(len(others), len(items), device=others.device)
        for first in range(0, len(items), step):
            products[:, first : first + step] = others @ items[first : first + step].float().T
        return products

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder."""
        shortlist = self.shortlist.to_tensors() if self.shortlist else {}
        return {"table": self.table, "norms": self.norms, "lengths": self.score_norms} | shortlist

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], num_items: int, width: int) -> Self:
        """Rebuild from stored tensors. Raises `ValueError` where their shapes are not of `num_items` and `width`."""
        table, norms, score_norms = (tensors[name] for name in ("table", "norms", "lengths"))
        if table.shape != (num_items + 1, width) or len(norms) != num_items or len(score_norms) != num_items:
            raise ValueError(f"the vectors are {tuple(table.shape)}, not of {num_items} films and {width} wide")
        return cls(table, norms, score_norms, Shortlist.from_tensors(tensors))

    def to(self, device: torch.device) -> Self:
        """Return the vectors on another device; only a CPU keeps the shortlist."""
        if device.type == "cpu":
            return self
        return type(self)(self.table.to(device), self.norms.to(device), self.score_norms.to(device), None)
