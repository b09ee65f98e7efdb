"""TransformerRecModel: the order of what a viewer watched, fused with long-term taste, scored against films.

- one item table for input and output; an item's vector may have a part that comes from its metadata
- gated pre-norm blocks (HSTU) with biases for distance and for the time between watches, or plain softmax blocks
- a history with times, without the time of asking, or without any times: one set of weights
- the viewer's vector = the encoder's last state + a gated projection of the taste
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml.attention import gated_attention, lookup
from recommender.ml.batches import Batch
from recommender.ml.config import GAP_BUCKETS, GAP_NONE, STARS, ModelConfig
from recommender.ml.features import Features


class ItemTable(nn.Module):
    """Vectors of the films: an embedding of their id, and where known a sum over their features' embeddings."""

    def __init__(self, num_items: int, d_model: int, features: Features | None) -> None:
        super().__init__()
        self.indptr: Tensor
        self.indices: Tensor
        self.ids = nn.Embedding(num_items + 1, d_model, padding_idx=0)
        nn.init.normal_(self.ids.weight, std=d_model**-0.5)
        with torch.no_grad():
            self.ids.weight[0] = 0
        self.parts = None
        if features is not None:
            self.register_buffer("indptr", torch.from_numpy(features.indptr), persistent=False)
            self.register_buffer("indices", torch.from_numpy(features.indices), persistent=False)
            self.parts = nn.EmbeddingBag(len(features.names), d_model, mode="sum")
            nn.init.normal_(self.parts.weight, std=0.3 * d_model**-0.5)

    def forward(self, places: Tensor | None = None, forgotten: Tensor | None = None) -> Tensor:
        """Vectors [n, D] of `places` [n], by default of all. `forgotten` bool [n]: from their metadata alone."""
        vectors = self.ids.weight if places is None else self.ids(places)
        if self.parts is None:
            return vectors
        if forgotten is not None:
            vectors = vectors.masked_fill(forgotten[:, None], 0)
        if places is None:
            return vectors + self.of_features(self.indices, self.indptr)
        starts, counts = self.indptr[places], self.indptr[places + 1] - self.indptr[places]
        indptr = F.pad(counts.cumsum(0), (1, 0))
        rows = torch.arange(int(indptr[-1]), device=places.device)
        rows += torch.repeat_interleave(starts - indptr[:-1], counts)
        return vectors + self.of_features(self.indices[rows], indptr)

    def of_features(self, indices: Tensor, indptr: Tensor) -> Tensor:
        """The metadata's part of the vectors [n, D]: film i has the features indices[indptr[i]:indptr[i + 1]]."""
        assert self.parts is not None
        scale = indptr.diff().clamp(min=1).sqrt()
        return self.parts(indices, indptr[:-1]) / scale[:, None]


class GatedBlock(nn.Module):
    """Pre-norm HSTU block: one projection to gate, values, queries and keys; SiLU attention; gated output."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_in, self.norm_out = nn.LayerNorm(d), nn.LayerNorm(d)
        self.recent = RecentMix(d, config.recent) if config.recent else None
        self.project = nn.Linear(d, 4 * d)
        self.out = nn.Linear(d, d)
        self.ffn = FeedForward(d, config.ffn, config.dropout) if config.ffn else None

    def forward(self, x: Tensor, real: Tensor, bias: Tensor) -> Tensor:
        """x [B, L, D]; real [B, L, 1], 0 at padding; bias [B, H, L, L]."""
        b, length, d = x.shape
        x_in = self.norm_in(x)
        if self.recent is not None:
            x_in = self.recent(x_in * real)
        u, v, q, k = F.silu(self.project(x_in)).split(d, dim=2)
        q, k, v = (t.view(b, length, self.heads, -1).transpose(1, 2) for t in (q, k, v * real))
        mixed = gated_attention(q, k, v, bias)
        mixed = self.norm_out(mixed.transpose(1, 2).reshape(b, length, d)) * u
        x = x + self.out(dropout(mixed, self.dropout, self.training))
        return self.ffn(x) if self.ffn else x


class AttentionBias(nn.Module):
    """What all gated blocks add to their scores: a bias for the distance of two tokens and one for the time between."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.distance = nn.Parameter(torch.zeros(config.heads, config.max_len + 8))
        self.gap = nn.Parameter(torch.zeros(config.heads, GAP_BUCKETS + 2)) if config.temporal else None

    def forward(self, batch: Batch) -> Tensor:
        """[B, H, L, L]"""
        length = batch.items.shape[1]
        places = torch.arange(length, device=batch.items.device)
        bias = self.distance[:, (places[:, None] - places).clamp_(min=0)].expand(len(batch.items), -1, -1, -1)
        if self.gap is None:
            return bias
        return bias + lookup(self.gap, time_buckets(batch))


def causal_mask(batch: Batch) -> Tensor:
    """The softmax blocks' bias [B, 1, L, L]: -inf at padding and at later tokens. A padded query sees itself, so that
    no row of the softmax is empty."""
    places = torch.arange(batch.items.shape[1], device=batch.items.device)
    seen = ((batch.items > 0)[:, None, :] & (places[:, None] >= places)) | (places[:, None] == places)
    return torch.zeros(seen.shape, device=seen.device).masked_fill_(~seen, -torch.inf).unsqueeze(1)


class RecentMix(nn.Module):
    """Causal depthwise convolution: each token mixed, channel by channel, with the `width - 1` tokens before it."""

    def __init__(self, d_model: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, d_model))
        with torch.no_grad():
            self.weight[0] = 1

    def forward(self, x: Tensor) -> Tensor:
        """x [B, L, D], zero at padding."""
        mixed = x * self.weight[0]
        for age in range(1, min(len(self.weight), x.shape[1])):
            mixed = mixed + F.pad(x[:, :-age] * self.weight[age], (0, 0, age, 0))
        return mixed


class FeedForward(nn.Module):
    """Pre-norm SwiGLU."""

    def __init__(self, d_model: int, width: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(d_model), dropout
        self.up, self.down = nn.Linear(d_model, 2 * width * d_model), nn.Linear(width * d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(self.norm(x)).chunk(2, dim=2)
        return x + dropout(self.down(F.silu(gate) * value), self.dropout, self.training)


class Head(nn.Module):
    """From the encoder's state to the item vectors' wider space; not linear, so that scores are not bound to rank D."""

    def __init__(self, d_model: int, d_item: int) -> None:
        super().__init__()
        self.straight = nn.Linear(d_model, d_item)
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(2 * d_model, d_item)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=2)
        return self.straight(x) + self.down(F.silu(gate) * value)


class SoftmaxBlock(nn.Module):
    """Pre-norm transformer block with causal softmax attention."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads, self.dropout = config.heads, config.dropout
        self.norm, self.project, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ffn = FeedForward(d, config.ffn, config.dropout) if config.ffn else None

    def forward(self, x: Tensor, real: Tensor, bias: Tensor) -> Tensor:
        """x [B, L, D]; real [B, L, 1], 0 at padding; bias [L, L] or more, -inf where a query must not look."""
        b, length, d = x.shape
        q, k, v = (t.view(b, length, self.heads, -1).transpose(1, 2) for t in self.project(self.norm(x)).split(d, 2))
        mixed = F.scaled_dot_product_attention(q, k, v, bias)
        mixed = self.out(mixed.transpose(1, 2).reshape(b, length, d))
        x = x + dropout(mixed, self.dropout, self.training)
        return self.ffn(x) if self.ffn else x


class MlpScorer(nn.Module):
    """score = MLP([user, item]). The first layer is split, W[u; i] = Wu u + Wi i, so Wi i is computed once a film."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.of_user, self.of_item = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model, bias=False)
        self.out = nn.Linear(d_model, 1)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """users [..., D], items [..., K, D] to scores [..., K]."""
        return self.out(F.gelu(self.of_user(users).unsqueeze(-2) + self.of_item(items))).squeeze(-1)


class TransformerRecModel(nn.Module):
    def __init__(self, num_items: int, config: ModelConfig | None = None, features: Features | None = None) -> None:
        """`num_items` films stand at places 1..num_items; `features` describe them where the config wants metadata."""
        super().__init__()
        self.config = config = config or ModelConfig()
        d = config.d_model
        self.num_items = num_items
        width = config.d_item or d
        self.items = ItemTable(num_items, width, features if config.metadata else None)
        self.read = nn.Linear(width, d, bias=False) if config.d_item else nn.Identity()
        self.head = Head(d, config.d_item) if config.d_item else nn.Identity()
        self.stars = nn.Embedding(STARS, d, padding_idx=0) if config.stars else None
        self.gaps = nn.Embedding(GAP_BUCKETS + 2, d) if config.temporal else None
        self.positions = nn.Embedding(config.max_len + 8, d) if config.block == "softmax" else None
        for table in (self.stars, self.gaps, self.positions):
            if table is not None:
                nn.init.normal_(table.weight, std=0.3 * d**-0.5)
        block = GatedBlock if config.block == "gated" else SoftmaxBlock
        self.bias = AttentionBias(config) if config.block == "gated" else causal_mask
        self.blocks = nn.ModuleList(block(config) for _ in range(config.layers))
        self.taste, self.taste_gate = nn.Linear(d, d, bias=False), nn.Linear(2 * d, d)
        nn.init.zeros_(self.taste.weight)  # training starts from the sequence alone
        self.norm = nn.LayerNorm(d)
        self.scorer = MlpScorer(d) if config.use_mlp_scorer else None

    def forward(
        self, sequence: Tensor, taste: Tensor, candidate_items: Tensor, taste_weights: Tensor | None = None
    ) -> Tensor:
        """Scores [B, K] of `candidate_items` [B, K] after a left-padded `sequence` [B, L] without times, for viewers
        whose long-term favourites are `taste` [B, T]. All hold places, 0 is padding.
        """
        batch, table = untimed_batch(sequence, taste, taste_weights), self.items()
        users, vectors = self.users(batch, table), self.output(table)[candidate_items]
        if self.scorer is not None:
            scores: Tensor = self.scorer(users, vectors)
            return scores
        return (vectors @ users.unsqueeze(2)).squeeze(2)

    def output(self, table: Tensor) -> Tensor:
        """Output vectors [n, D] of the item table's rows: of unit length where the scores are cosines."""
        return F.normalize(table, dim=1) if self.config.temperature else table

    def users(self, batch: Batch, table: Tensor) -> Tensor:
        """Viewers' vectors [B, D] at the end of each window: the dot product with an output vector is the score."""
        return self.states(batch, table)[:, -1]

    def states(self, batch: Batch, table: Tensor) -> Tensor:
        """Viewers' vectors [B, L, D] after each token. `table` [n, D] holds the films that the batch's places name."""
        x = self.encode(batch, table)
        taste = self.taste_vectors(batch, table)
        x = x + torch.sigmoid(self.taste_gate(torch.cat([x, taste], dim=2))) * self.taste(taste)
        x = self.head(self.norm(x))
        return F.normalize(x, dim=2) / self.config.temperature if self.config.temperature else x

    def encode(self, batch: Batch, table: Tensor) -> Tensor:
        """The encoder's states [B, L, D]."""
        real = (batch.items > 0).unsqueeze(2)
        x = self.read(F.embedding(batch.items, table))
        if self.stars is not None:
            x = x + self.stars(batch.stars)
        if self.gaps is not None:
            x = x + self.gaps(batch.gaps)
        if self.positions is not None:  # counted over real tokens, so padding changes nothing
            x = x + self.positions(real.squeeze(2).cumsum(1).sub(1).clamp(min=0))
        x = dropout(x, self.config.dropout, self.training) * real
        real, bias = real.to(x.dtype), self.bias(batch)
        for block in self.blocks:
            x = block(x, real, bias)
        return x

    def taste_vectors(self, batch: Batch, table: Tensor) -> Tensor:
        """Weighted mean [B, L, D] of the last `taste_len` rows of taste known at each token."""
        rows = torch.arange(batch.taste.shape[1], device=table.device, dtype=torch.int32)
        age = batch.taste_seen.int().unsqueeze(2) - rows  # 1 is the newest
        weights = batch.taste_weights.unsqueeze(1) * ((age > 0) & (age <= self.config.taste_len))
        total = weights.abs().sum(2, keepdim=True).clamp(min=1e-6)
        return (weights @ self.read(F.embedding(batch.taste, table))) / total


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """Dropout, where on a CPU one draw of the generator serves eight elements; p is rounded to 1/256."""
    if not training or p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    dropped = round(p * 256)
    draws = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)
    return x * ((draws[: x.numel()] >= dropped) * (256 / (256 - dropped))).view_as(x)


def time_buckets(batch: Batch) -> Tensor:
    """Buckets of the time between all pairs of tokens, int32 [B, L, L]; shared by all layers."""
    since = (batch.times - batch.times[:, -1:]).float()  # exact below 2^24 s, and far apart the log does not mind
    apart = (since[:, :, None] - since[:, None, :]).clamp_(min=0)
    buckets = (apart.clamp(min=1).log_().mul_(1 / 0.301)).int().add_(1).clamp_(max=GAP_BUCKETS - 1)
    buckets.masked_fill_(apart == 0, 0)
    return buckets.masked_fill_(~batch.timed[:, None, None], GAP_NONE)


def untimed_batch(sequence: Tensor, taste: Tensor, taste_weights: Tensor | None = None) -> Batch:
    """The batch of bare sequences [B, L] and tastes [B, T]."""
    weights = (taste > 0).float() if taste_weights is None else taste_weights
    return Batch(
        items=sequence,
        times=torch.zeros_like(sequence),
        timed=torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device),
        gaps=torch.full_like(sequence, GAP_NONE),
        stars=torch.zeros_like(sequence),
        taste=taste,
        taste_weights=weights,
        taste_seen=torch.full_like(sequence, taste.shape[1]),
    )
