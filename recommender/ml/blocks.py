"""The encoder's blocks, gated (HSTU) and softmax, and the biases of their attention."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml.attention import bias_lookup, gated_attention
from recommender.ml.batches import Batch
from recommender.ml.config import GAP_BUCKETS, GAP_NONE, ModelConfig


class GatedBlock(nn.Module):
    """Pre-norm HSTU block: one projection to gate, values, queries and keys; SiLU attention; gated output."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
        self.recent = CausalConv(d, config.recent) if config.recent else None
        self.project = nn.Linear(d, 4 * d)
        self.out = nn.Linear(d, d)
        self.ffn = FeedForward(d, config.ffn, config.dropout) if config.ffn else None

    def forward(self, x: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
        """Encode x [B, L, D] with mask [B, L, 1], 0 at padding, and bias [B, H, Q, L]; returns the last Q tokens [B, Q,
        D]."""
        b, length, d = x.shape
        queries = bias.shape[2]
        x_in = self.norm_in(x)
        if self.recent is not None:
            x_in = self.recent(x_in * mask)
        u, v, q, k = F.silu(self.project(x_in)).split(d, dim=2)
        q, k, v = (t.view(b, length, self.heads, -1).transpose(1, 2) for t in (q, k, v * mask))
        mixed = gated_attention(q[:, :, -queries:], k, v, bias)
        mixed = self.norm_out(mixed.transpose(1, 2).reshape(b, queries, d)) * u[:, -queries:]
        x = x[:, -queries:] + self.out(dropout(mixed, self.dropout, self.training))
        return self.ffn(x) if self.ffn else x

    def forward_alike(self, x: Tensor, mask: Tensor, of: "AlikeWindows", biases: tuple[Tensor, Tensor]) -> Tensor:
        """Encode windows that begin alike as `forward` does each of them. x [N, D] has the tokens that all begin with,
        and then those that each goes on with; `mask` is [N, 1]. `biases` are of the head [1, H, R, C] and of the tails
        [B, H, Q, C + S]. Returns the last R tokens of the head, and then the last Q of each tail."""
        x_in = self.norm_in(x)
        if self.recent is not None:
            x_in = self.recent.mix_alike(x_in * mask, of)
        u, v, q, k = F.silu(self.project(x_in)).split(x.shape[1], dim=1)
        v = v * mask
        queries = [bias.shape[2] for bias in biases]
        mixed = []
        for own, keys, values, bias in (
            (of.head(q), of.head(k), of.head(v), biases[0]),
            (of.tails(q), of.whole(k), of.whole(v), biases[1]),
        ):
            if count := bias.shape[2]:
                own, keys, values = (
                    t.view(*t.shape[:2], self.heads, -1).transpose(1, 2) for t in (own[:, -count:], keys, values)
                )
                mixed.append(gated_attention(own, keys, values, bias).transpose(1, 2).reshape(-1, x.shape[1]))
        x, u = (of.last(t, *queries) for t in (x, u))
        x = x + self.out(self.norm_out(torch.cat(mixed)) * u)
        return self.ffn(x.unsqueeze(0)).squeeze(0) if self.ffn else x


class SoftmaxBlock(nn.Module):
    """Pre-norm transformer block with causal softmax attention."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads, self.dropout = config.heads, config.dropout
        self.norm, self.project, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ffn = FeedForward(d, config.ffn, config.dropout) if config.ffn else None

    def forward(self, x: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
        """Encode as `GatedBlock.forward`; bias is -inf where a query must not look."""
        b, length, d = x.shape
        queries = bias.shape[2]
        q, k, v = (t.view(b, length, self.heads, -1).transpose(1, 2) for t in self.project(self.norm(x)).split(d, 2))
        mixed = F.scaled_dot_product_attention(q[:, :, -queries:], k, v, bias)
        mixed = self.out(mixed.transpose(1, 2).reshape(b, queries, d))
        x = x[:, -queries:] + dropout(mixed, self.dropout, self.training)
        return self.ffn(x) if self.ffn else x


class FeedForward(nn.Module):
    """Pre-norm SwiGLU."""

    def __init__(self, d_model: int, width: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(d_model), dropout
        self.up, self.down = nn.Linear(d_model, 2 * width * d_model), nn.Linear(width * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Add the feed-forward part to x [B, L, D]."""
        gate, value = self.up(self.norm(x)).chunk(2, dim=2)
        return x + dropout(self.down(F.silu(gate) * value), self.dropout, self.training)


class CausalConv(nn.Module):
    """Causal depthwise convolution: each token mixed, channel by channel, with the `width - 1` tokens before it."""

    def __init__(self, d_model: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, d_model))
        with torch.no_grad():
            self.weight[0] = 1

    def forward(self, x: Tensor) -> Tensor:
        """Mix x [B, L, D], zero at padding."""
        mixed = x * self.weight[0]
        for age in range(1, min(len(self.weight), x.shape[1])):
            mixed[:, age:].addcmul_(x[:, :-age], self.weight[age])
        return mixed

    def mix_alike(self, x: Tensor, of: "AlikeWindows") -> Tensor:
        """Mix the tokens x [N, D] of windows that begin alike, zero at padding."""
        mixed, padded = x * self.weight[0], F.pad(x, (0, 0, 0, 1))
        for weight, before in zip(self.weight[1:], of.before, strict=True):
            mixed.addcmul_(padded.index_select(0, before), weight)
        return mixed


@dataclass
class AlikeWindows:
    """Where the tokens of windows lie that begin alike, in a tensor [N, D]: C that all begin with, then S of each of B
    windows."""

    count: int  # B
    shared: int  # C
    own: int  # S
    before: list[Tensor]  # int64 [N] by age from 1 on: the token that is so far before each; N for none

    @classmethod
    def of(cls, count: int, shared: int, length: int, reach: int) -> Self:
        """Return the places for `count` windows of `length` tokens with `shared` of them in common, and of the tokens
        up to `reach` before each."""
        own = length - shared
        total = shared + count * own
        places = torch.arange(shared, total).view(count, own)
        whole = torch.cat([torch.arange(shared).expand(count, -1), places], 1)
        padded = F.pad(whole, (reach, 0), value=total)
        before = []
        for age in range(1, reach + 1):
            earlier = padded[:, reach - age : reach - age + length]
            before.append(torch.cat([earlier[0, :shared], earlier[:, shared:].flatten()]))
        return cls(count, shared, own, before)

    def head(self, x: Tensor) -> Tensor:
        """Return what all begin with, [1, C, D]."""
        return x[: self.shared].unsqueeze(0)

    def tails(self, x: Tensor) -> Tensor:
        """Return what each goes on with, [B, S, D]."""
        return x[self.shared :].view(self.count, self.own, -1)

    def whole(self, x: Tensor) -> Tensor:
        """Return the windows, [B, C + S, D]."""
        return torch.cat([self.head(x).expand(self.count, -1, -1), self.tails(x)], 1)

    def last(self, x: Tensor, of_head: int, of_tails: int) -> Tensor:
        """Return so many of the last tokens of the head, all or none, and of each tail: [n, D]."""
        if of_tails == self.own:
            return x if of_head else x[self.shared :]
        tails = self.tails(x)[:, -of_tails:].reshape(-1, x.shape[1])
        return torch.cat([x[: self.shared], tails]) if of_head else tails


class AttentionBias(nn.Module):
    """What all gated blocks add to their scores: a bias for the distance of two tokens and one for the time between."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.distance = nn.Parameter(torch.zeros(config.heads, config.max_len + 8))
        self.gap = nn.Parameter(torch.zeros(config.heads, GAP_BUCKETS + 2)) if config.temporal else None

    def forward(self, batch: Batch, position_bias: Tensor | None = None) -> Tensor:
        """Return the bias [B, H, L, L]; `position_bias`, if given, is `self.position_bias` of any length from L on."""
        count, length = batch.items.shape
        bias = self.position_bias(length) if position_bias is None else position_bias[..., :length, :length]
        if self.gap is not None and position_bias is not None and not batch.timed.any():
            bias = bias + self.gap[:, GAP_NONE, None, None]
        elif self.gap is not None:
            return bias + bias_lookup(self.gap, time_buckets(batch))
        return bias.expand(count, -1, -1, -1)

    def position_bias(self, length: int) -> Tensor:
        """Return the part that depends on positions alone and is the same for all histories, [1, H, L, L]."""
        positions = torch.arange(length, dtype=torch.int32, device=self.distance.device)
        return bias_lookup(self.distance, (positions[:, None] - positions).clamp_(min=0)[None])


def causal_mask(batch: Batch, position_bias: Tensor | None = None) -> Tensor:
    """Return the softmax blocks' bias [B, 1, L, L]: -inf at padding and at later tokens. A padded query sees itself, so
    that no row of the softmax is empty. `position_bias` is ignored: nothing of it is the same for all histories."""
    positions = torch.arange(batch.items.shape[1], device=batch.items.device)
    visible = ((batch.items > 0)[:, None, :] & (positions[:, None] >= positions)) | (positions[:, None] == positions)
    return torch.zeros(visible.shape, device=visible.device).masked_fill_(~visible, -torch.inf).unsqueeze(1)


def time_buckets(batch: Batch) -> Tensor:
    """Return buckets of the time between all pairs of tokens, int32 [B, L, L]; shared by all layers."""
    # Whole seconds until they are subtracted: as float32 they would be off by minutes over some years.
    since = (batch.times - batch.times[:, -1:]).clamp_(min=-(2**31 - 1), max=0).int()
    gaps = (since[:, :, None] - since[:, None, :]).clamp_(min=0)
    buckets = (gaps.clamp(min=1).float().log_().mul_(1 / 0.301)).int().add_(1).clamp_(max=GAP_BUCKETS - 1)
    buckets.masked_fill_(gaps == 0, 0)
    return buckets.masked_fill_(~batch.timed[:, None, None], GAP_NONE)


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Apply dropout; on a CPU one draw of the generator serves eight elements, and p is rounded to 1/256."""
    if not training or p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    threshold = round(p * 256)
    draws = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)
    return x * ((draws[: x.numel()] >= threshold) * (256 / (256 - threshold))).view_as(x)
