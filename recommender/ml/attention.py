"""Attention with SiLU in place of softmax, in blocks of sequences that stay in the processor's cache."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CACHE_FLOATS = 400_000  # scores that a block may hold: with the gradient's copies about 5 MB


def _scores(q: Tensor, k: Tensor, position: Tensor, gap_table: Tensor | None, buckets: Tensor | None) -> Tensor:
    """[b, H, L, L] scores of a block before the SiLU: q k + position bias + gap bias."""
    b, heads, length, _ = q.shape
    bias = position.unsqueeze(0).expand(b, -1, -1, -1)
    if gap_table is not None and buckets is not None:
        flat = buckets.reshape(-1)
        bias = torch.stack([table.index_select(0, flat).view(b, length, length) for table in gap_table], 1).add_(bias)
    scores = torch.baddbmm(bias.reshape(b * heads, length, length), q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2))
    return scores.view(b, heads, length, length)


class GatedAttention(torch.autograd.Function):
    """out = tril(silu(q k' + position + gap_table[buckets])) v, HSTU's attention (arXiv 2402.17152, section 3).

    Not divided by the length: the block's norm follows, and dividing by a padded length would let padding matter.

    Forward keeps only its inputs; backward computes the scores again, block by block. So no [B, H, L, L] tensor ever
    goes through main memory, and no compiler is needed.
    """

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, position: Tensor, gap_table: Tensor | None, buckets: Tensor | None
    ) -> Tensor:
        """q, k, v [B, H, L, d]; position [H, L, L]; gap_table [H, buckets]; buckets int32 [B, L, L]."""
        ctx.save_for_backward(q, k, v, position, gap_table, buckets)
        ctx.block = max(1, CACHE_FLOATS // position.numel()) if q.device.type == "cpu" else len(q)
        out = torch.empty_like(v)
        for rows in torch.arange(len(q)).split(ctx.block):
            s = slice(int(rows[0]), int(rows[-1]) + 1)
            weights = F.silu(_scores(q[s], k[s], position, gap_table, None if buckets is None else buckets[s]))
            out[s] = weights.tril_() @ v[s]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, position, gap_table, buckets = ctx.saved_tensors
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        dposition = torch.zeros_like(position)
        dgaps = None if gap_table is None else torch.zeros_like(gap_table)
        for rows in torch.arange(len(q)).split(ctx.block):
            s = slice(int(rows[0]), int(rows[-1]) + 1)
            scores = _scores(q[s], k[s], position, gap_table, None if buckets is None else buckets[s])
            dv[s] = F.silu(scores).tril_().transpose(2, 3) @ grad[s]
            dscores = torch.ops.aten.silu_backward(grad[s] @ v[s].transpose(2, 3), scores).tril_()
            dq[s], dk[s] = dscores @ k[s], dscores.transpose(2, 3) @ q[s]
            dposition += dscores.sum(0)
            if dgaps is not None:
                flat = buckets[s].reshape(-1)
                for head, total in enumerate(dgaps):
                    total += torch.bincount(flat, dscores[:, head].reshape(-1), minlength=len(total))
        return dq, dk, dv, dposition, dgaps, None


def gated_attention(
    q: Tensor, k: Tensor, v: Tensor, position: Tensor, gap_table: Tensor | None, buckets: Tensor | None
) -> Tensor:
    """`GatedAttention`, typed. Padded tokens must come with v = 0."""
    return GatedAttention.apply(q, k, v, position, gap_table, buckets)
