"""Quantised item vectors (int8): rough scores at a quarter of the memory traffic choose the films to score exactly.

No list changes by it: the error bound of the rough scores shows whether a film outside the shortlist could belong to
the best; in that case the caller scores all films exactly.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

CHUNK_SIZE = 4096  # films that are quantised at a time: bounds memory
MIN_ITEMS = 8_000  # below it exact scores of all films cost as little
MAX_VIEWERS = 8  # of a call; for more of them the exact product is faster


class Shortlist(NamedTuple):
    """Vectors in eight bits. Model folders store the fields by name."""

    codes: Tensor  # int8 [N, D]
    scales: Tensor  # bfloat16 [N]: vector = code * scale, approximately
    error: Tensor  # float32 [1]: greatest norm of vector - code * scale
    longest: Tensor  # float32 [1]: greatest norm of code * scale

    @classmethod
    def quantise(cls, table: Tensor, score_norms: Tensor) -> Self | None:
        """Quantise the vectors table / score_norms, [N, D] by [N]; None where they are few or not on a CPU."""
        if len(table) < MIN_ITEMS or table.device.type != "cpu":
            return None
        codes, scales = torch.empty(table.shape, dtype=torch.int8), torch.empty(len(table), dtype=torch.bfloat16)
        error, longest = torch.zeros(1), torch.zeros(1)
        for first in range(0, len(table), CHUNK_SIZE):
            part = slice(first, first + CHUNK_SIZE)
            vectors = table[part].float() / score_norms[part, None]
            scales[part] = vectors.abs().amax(1) / 127
            steps = scales[part].float().clamp(min=1e-30)[:, None]
            codes[part] = (vectors / steps).round().clamp(-127, 127)
            approximate = codes[part] * steps
            error = torch.maximum(error, (vectors - approximate).norm(dim=1).max())
            longest = torch.maximum(longest, approximate.norm(dim=1).max())
        return cls(codes, scales, error, longest)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors under their names in the model folder."""
        return {f"short_{name}": tensor for name, tensor in self._asdict().items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self | None:
        """Rebuild from stored tensors; None where there are none, or this torch has no int8 product."""
        if "short_codes" not in tensors or not hasattr(torch, "_weight_int8pack_mm"):
            return None
        return cls(*(tensors[f"short_{name}"] for name in cls._fields))

    def scores(self, users: Tensor) -> Tensor:
        """Return scores float32 [B, N] for viewers' vectors [B, D], each within `error_bound` of the dot product."""
        return torch._weight_int8pack_mm(users.bfloat16(), self.codes, self.scales).float()

    def error_bound(self, users: Tensor) -> Tensor:
        """Return how far any score can be from the exact one, [B]: by Cauchy and Schwarz for the rounding of vectors
        and viewers, plus 2^-8 of the greatest possible score for the rounding of the result."""
        length, rounded = users.norm(dim=1), (users - users.bfloat16().float()).norm(dim=1)
        return length * self.error + rounded * self.longest + length * self.longest * 2**-8
