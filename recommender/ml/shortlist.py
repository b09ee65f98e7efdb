"""Scores in eight bits, a quarter of the memory to read, that say which few films are worth exact ones.

No list changes by it: from the greatest error that the short numbers can have follows whether a film outside the
shortlist could belong to the best; then the caller scores all of them.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import torch
from torch import Tensor

CHUNK_SIZE = 4096  # films that are shortened at a time: bounds memory
MIN_ITEMS = 8_000  # below it exact scores of all films cost as little
MAX_VIEWERS = 8  # asked at once; for more of them the exact product is faster


class Shortlist(NamedTuple):
    codes: Tensor  # int8 [N, D]
    scales: Tensor  # bfloat16 [N]: vector = code * scale, nearly
    error: Tensor  # float32 [1]: greatest length of a vector's difference from that
    longest: Tensor  # float32 [1]: greatest length of code * scale

    @classmethod
    def quantise(cls, table: Tensor, score_norms: Tensor) -> Self | None:
        """Of the vectors table / lengths, [N, D] by [N]. None where they are few."""
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
            short = codes[part] * steps
            error = torch.maximum(error, (vectors - short).norm(dim=1).max())
            longest = torch.maximum(longest, short.norm(dim=1).max())
        return cls(codes, scales, error, longest)

    def to_tensors(self) -> dict[str, Tensor]:
        """As a model folder keeps it."""
        return {f"short_{name}": tensor for name, tensor in self._asdict().items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self | None:
        """None where the folder has none, or this torch cannot use it."""
        if "short_codes" not in tensors or not hasattr(torch, "_weight_int8pack_mm"):
            return None
        return cls(*(tensors[f"short_{name}"] for name in cls._fields))

    def scores(self, users: Tensor) -> Tensor:
        """float32 [B, N] for viewers' vectors [B, D], each within `slack` of the dot product."""
        return torch._weight_int8pack_mm(users.bfloat16(), self.codes, self.scales).float()

    def error_bound(self, users: Tensor) -> Tensor:
        """How far any of the scores can be from the exact one, [B]: by Cauchy and Schwarz for the vectors' and the
        viewers' rounding, and a part in 2^8 of the greatest possible score for the result's."""
        length, rounded = users.norm(dim=1), (users - users.bfloat16().float()).norm(dim=1)
        return length * self.error + rounded * self.longest + length * self.longest * 2**-8
