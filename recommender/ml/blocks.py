"""The encoder's blocks, gated (HSTU) and softmax, and the biases of their attention."""

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
        x_in = self.norm_in(x)
        if self.recent is not None:
            x_in = self.recent(x_in * mask)
        u, v, q, k = F.silu(self.project(x_in)).split(x.shape[2], dim=2)
        return self._mix(x, u, q, k, v * mask, bias)

    def forward_alike(
        self, head: Tensor, tails: Tensor, masks: tuple[Tensor, Tensor], biases: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Encode windows that begin alike as `forward` does each of them: all of them begin with `head` [1, C, D], and
        go on with `tails` [B, S, D]. `masks` and `biases` are of both, for Q queries of the tails [B, H, Q, C + S] and
        R of the head. Returns the last R tokens of the head, and the last Q of the tails."""
        d, count = head.shape[2], len(tails)
        head_in, tails_in = self.norm_in(head), self.norm_in(tails)
        if self.recent is not None:
            head_in, tails_in = head_in * masks[0], tails_in * masks[1]
            before = head_in[:, max(0, head.shape[1] - len(self.recent.weight) + 1) :]
            joined = torch.cat([before.expand(count, -1, -1), tails_in], 1)
            head_in, tails_in = self.recent(head_in), self.recent(joined)[:, before.shape[1] :]
        u, v, q, k = F.silu(self.project(head_in)).split(d, dim=2)
        tail_u, tail_v, tail_q, tail_k = F.silu(self.project(tails_in)).split(d, dim=2)
        v, tail_v = v * masks[0], tail_v * masks[1]
        all_k, all_v = (torch.cat([h.expand(count, -1, -1), t], 1) for h, t in ((k, tail_k), (v, tail_v)))
        tails = self._mix(tails, tail_u, tail_q, all_k, all_v, biases[1])
        return self._mix(head, u, q, k, v, biases[0]) if biases[0].shape[2] else head[:, :0], tails

    def _mix(self, x: Tensor, u: Tensor, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Return x [B, L, D] with what its last Q tokens see of k and v, under bias [B, H, Q, K]: [B, Q, D]."""
        b, _, d = x.shape
        queries = bias.shape[2]
        q, k, v = (t.view(b, t.shape[1], self.heads, -1).transpose(1, 2) for t in (q[:, -queries:], k, v))
        mixed = gated_attention(q, k, v, bias)
        mixed = self.norm_out(mixed.transpose(1, 2).reshape(b, queries, d)) * u[:, -queries:]
        x = x[:, -queries:] + self.out(dropout(mixed, self.dropout, self.training))
        return self.ffn(x) if self.ffn else x


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
