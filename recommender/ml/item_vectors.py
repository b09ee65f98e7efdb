"""All films' vectors in the form that ranking reads, computed once and stored in the model folder."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recommender.ml.shortlist import Shortlist

CHUNK_SIZE = 1024  # films that are converted to float32 at a time


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
        chosen = self.items.index_select(0, columns.reshape(-1))  # five times as fast as indexing
        return chosen.float().view(*columns.shape, -1)

    def dot_products(self, others: Tensor) -> Tensor:
        """Return the dot products of vectors [B, D] with those of all films: float32 [B, N]."""
        products = torch.empty(len(others), len(self.items), device=others.device)
        for part in self._chunks():
            torch.mm(others, self.items[part].float().T, out=products[:, part])
        return products

    def scores(self, users: Tensor, weights: Tensor | None = None, parts: Tensor | None = None) -> Tensor:
        """Return the dot products of viewers' vectors [B, D] with all output vectors, and with `parts` of the films
        [P, N] the sum of these at the viewers' `weights` [B, P] beside them: float32 [B, N]."""
        scores = torch.empty(len(users), len(self.items), device=users.device)
        for part in self._chunks():
            own = torch.mm(users, self.items[part].float().T, out=scores[:, part]).div_(self.score_norms[part])
            if weights is not None and parts is not None:
                own.addmm_(weights, parts[:, part])
        return scores

    def _chunks(self) -> list[slice]:
        """Return slices of the films; a chunk's scores of a block of viewers stay in the processor's cache."""
        step = CHUNK_SIZE if self.table.device.type == "cpu" else len(self.table)
        return [slice(first, first + step) for first in range(0, len(self.items), step)]

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
