"""Attention with SiLU in place of softmax, in blocks of sequences that stay in the processor's cache."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

MAX_BLOCK_SCORES = 160_000  # scores that a block may hold: with the gradient's copies about 2 MB
QUERY_TILE = 100  # queries that attend at a time: the first of them never look at the later half of the keys


class GatedAttention(torch.autograd.Function):
    """out = tril(silu(q k' + bias)) v, HSTU's attention (arXiv 2402.17152, section 3).

    Not divided by the length: the block's norm follows, and dividing by a padded length would let padding matter.

    Forward keeps only its inputs; backward computes the scores again, block by block. So no layer's scores ever go
    through main memory, and no compiler is needed.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Attend with q [N, Q, d] over k, v [N, L, d] under bias [N, Q, L]; N counts sequences and heads, queries are
        the last Q of L."""
        ctx.save_for_backward(q, k, v, bias)
        out, earlier = torch.empty_like(q), k.shape[1] - q.shape[1]
        for s, part, seen in _query_tiles(bias, earlier):
            scores = torch.baddbmm(bias[s, part, :seen], q[s, part], k[s, :seen].transpose(1, 2))
            weights = F.silu(scores, inplace=True).tril_(earlier + part.start)
            out[s, part] = torch.bmm(weights, v[s, :seen])
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of q, k, v and bias."""
        q, k, v, bias = ctx.saved_tensors
        dq, dk, dv, dbias = (torch.empty_like(x) for x in (q, k, v, bias))
        earlier = k.shape[1] - q.shape[1]
        for s in _sequence_blocks(bias):
            scores = torch.baddbmm(bias[s], q[s], k[s].transpose(1, 2))
            torch.bmm(F.silu(scores).tril_(earlier).transpose(1, 2), grad[s], out=dv[s])
            dweights = torch.bmm(grad[s], v[s].transpose(1, 2)).tril_(earlier)
            dscores = torch.ops.aten.silu_backward.grad_input(dweights, scores, grad_input=dbias[s])
            torch.bmm(dscores, k[s], out=dq[s])
            torch.bmm(dscores.transpose(1, 2), q[s], out=dk[s])
        return dq, dk, dv, dbias


def _sequence_blocks(bias: Tensor, tile: int | None = None) -> list[slice]:
    """Split the sequences so that a block of scores fits into the cache; an accelerator takes all at once."""
    count, queries, length = bias.shape
    size = max(1, MAX_BLOCK_SCORES // ((tile or queries) * length)) if bias.device.type == "cpu" else count
    return [slice(first, first + size) for first in range(0, count, size)]


def _query_tiles(bias: Tensor, earlier: int) -> Iterator[tuple[slice, slice, int]]:
    """Yield a block of sequences, a run of queries in it, and how many of the keys the last of these queries may
    see."""
    queries = bias.shape[1]
    size = QUERY_TILE if bias.device.type == "cpu" else queries
    for s in _sequence_blocks(bias, min(size, queries)):
        for first in range(0, queries, size):
            stop = min(first + size, queries)
            yield s, slice(first, stop), earlier + stop


class BiasLookup(torch.autograd.Function):
    """table[:, indices], heads after sequences. Its gradient counts by index, which on a CPU takes a tenth of the time
    of an embedding's."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, indices: Tensor) -> Tensor:
        """Look up table [H, n] at indices int32 [B, L, L]; returns [B, H, L, L]."""
        ctx.save_for_backward(indices)
        ctx.size = table.shape[1]
        flat = indices.flatten()
        return torch.stack([head.index_select(0, flat).view(indices.shape) for head in table], 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the table."""
        flat = ctx.saved_tensors[0].flatten()
        heads = [torch.bincount(flat, grad[:, h].flatten(), minlength=ctx.size) for h in range(grad.shape[1])]
        return torch.stack(heads), None


def gated_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Apply `GatedAttention` to q [B, H, Q, d], k, v [B, H, L, d], bias [B, H, Q, L]. Padded tokens have v = 0."""
    out: Tensor = GatedAttention.apply(*(x.flatten(0, 1).contiguous() for x in (q, k, v, bias)))
    return out.view_as(q)


def bias_lookup(table: Tensor, indices: Tensor) -> Tensor:
    """Apply `BiasLookup`: table [H, n] at indices int32 [B, L, L], to [B, H, L, L]."""
    out: Tensor = BiasLookup.apply(table, indices)
    return out
