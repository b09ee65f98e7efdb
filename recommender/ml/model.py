"""TransformerRecModel: encode a viewer's sequence, fuse it with long-term taste, score films.

- one item embedding for input and output; an item's vector may have a part that comes from its metadata
- gated pre-norm blocks (HSTU) that share biases for distance and for the time between watches, or plain softmax blocks
- one set of weights for histories with times, without the request time, or without any times
- the viewer's vector = the encoder's last state + a gated projection of the taste

Attribute names of the modules are names in the stored weights: a new name needs a new FORMAT.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml.batches import LENGTH_STEP, Batch
from recommender.ml.blocks import AlikeWindows, AttentionBias, GatedBlock, SoftmaxBlock, causal_mask, dropout
from recommender.ml.config import GAP_BUCKETS, GAP_NONE, NUM_STARS, ModelConfig
from recommender.ml.features import Features
from recommender.ml.item_embedding import ItemEmbedding


class OutputHead(nn.Module):
    """Map the encoder's state to the wider space of the item vectors; not linear, so that scores exceed rank D."""

    def __init__(self, d_model: int, d_item: int) -> None:
        super().__init__()
        self.straight = nn.Linear(d_model, d_item)
        self.up, self.down = nn.Linear(d_model, 4 * d_model), nn.Linear(2 * d_model, d_item)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [B, Q, D] to [B, Q, d_item]."""
        gate, value = self.up(x).chunk(2, dim=2)
        return self.straight(x) + self.down(F.silu(gate) * value)


class TasteFusion(nn.Module):
    """Add a gated projection of the long-term taste to the encoder's state."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.project, self.gate = nn.Linear(d_model, d_model, bias=False), nn.Linear(2 * d_model, d_model)
        nn.init.zeros_(self.project.weight)  # training starts from the sequence alone

    def forward(self, x: Tensor, taste: Tensor) -> Tensor:
        """Fuse x and taste, both [B, Q, D]."""
        return x + torch.sigmoid(self.gate(torch.cat([x, taste], dim=2))) * self.project(taste)


class MlpScorer(nn.Module):
    """score = MLP([user, item]). The first layer is split, W[u; i] = Wu u + Wi i, so Wi i is computed once per film."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.of_user, self.of_item = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model, bias=False)
        self.out = nn.Linear(d_model, 1)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Score items [..., K, D] for users [..., D]: [..., K]."""
        return self.out(F.gelu(self.of_user(users).unsqueeze(-2) + self.of_item(items))).squeeze(-1)


class TransformerRecModel(nn.Module):
    """The sequence model of the ranker; see the module's docstring."""

    def __init__(
        self,
        num_items: int,
        config: ModelConfig | None = None,
        features: Features | None = None,
        *,
        ids: Tensor | None = None,
    ) -> None:
        """Build a model of `num_items` films with token ids 1..num_items; `features` describe them where the config has
        metadata. `ids`: see `ItemEmbedding`."""
        super().__init__()
        self.config = config = config or ModelConfig()
        d = config.d_model
        self.num_items = num_items
        width = config.d_item or d
        self.items = ItemEmbedding(num_items, width, features if config.metadata else None, ids)
        self.read = nn.Linear(width, d, bias=False) if config.d_item else nn.Identity()
        self.head = OutputHead(d, config.d_item) if config.d_item else nn.Identity()
        self.stars = nn.Embedding(NUM_STARS, d, padding_idx=0) if config.stars else None
        self.gaps = nn.Embedding(GAP_BUCKETS + 2, d) if config.temporal else None
        self.positions = nn.Embedding(config.max_len + 8, d) if config.block == "softmax" else None
        for table in (self.stars, self.gaps, self.positions):
            if table is not None:
                nn.init.normal_(table.weight, std=0.3 * d**-0.5)
        block = GatedBlock if config.block == "gated" else SoftmaxBlock
        self.bias = AttentionBias(config) if config.block == "gated" else causal_mask
        self.blocks = nn.ModuleList(block(config) for _ in range(config.layers))
        self.taste = TasteFusion(d) if config.taste_len else None
        self.norm = nn.LayerNorm(d)
        self.scorer = MlpScorer(width) if config.use_mlp_scorer else None

    def forward(
        self, sequence: Tensor, taste: Tensor, candidate_items: Tensor, taste_weights: Tensor | None = None
    ) -> Tensor:
        """Return scores [B, K] of `candidate_items` [B, K] after a left-padded `sequence` [B, L] without times, for
        viewers whose long-term favourites are `taste` [B, T]. All hold token ids, 0 is padding.
        """
        batch, table = untimed_batch(sequence, taste, taste_weights), self.items()
        users, vectors = self.user_vectors(batch, table), self.output_vectors(table)[candidate_items]
        if self.scorer is not None:
            scores: Tensor = self.scorer(users, vectors)
            return scores
        return (vectors @ users.unsqueeze(2)).squeeze(2)

    def output_vectors(self, table: Tensor) -> Tensor:
        """Return output vectors [n, D] of the rows of an item table: of unit length where the scores are cosines."""
        return F.normalize(table, dim=1) if self.config.temperature else table

    def user_vectors(
        self, batch: Batch, table: Tensor, position_bias: Tensor | None = None, *, alike: int = 0
    ) -> Tensor:
        """Return viewers' vectors [B, D] at the end of each window: the dot product with an output vector is the score.
        `position_bias` is the result of `static_bias`. `alike`: in how many of the first columns all windows are the
        same, which are encoded once."""
        return self.position_vectors(batch, table, last_only=True, position_bias=position_bias, alike=alike)[:, -1]

    def static_bias(self) -> Tensor | None:
        """Return the part of the attention bias that no history changes, for windows of any length: computed once per
        model, None where the blocks have none."""
        if not isinstance(self.bias, AttentionBias):
            return None
        return self.bias.position_bias(-(-self.config.max_len // LENGTH_STEP) * LENGTH_STEP)

    def position_vectors(
        self,
        batch: Batch,
        table: Tensor,
        *,
        last_only: bool = False,
        position_bias: Tensor | None = None,
        alike: int = 0,
    ) -> Tensor:
        """Return viewers' vectors [B, L, D] after each token; with `last_only` after the last one, [B, 1, D]. `table`
        [n, D] holds the films that the batch's token ids refer to, rounded to float16 where no gradient is needed.
        `alike` as in `user_vectors`, with `last_only`.
        """
        read_items = self._item_reader(batch, table)
        if alike and self.config.block == "gated":
            read_items = _once_each(read_items)
            x = self._encode_alike(batch, read_items, alike, position_bias)
        else:
            x = self._encode(batch, read_items, last_only, position_bias)
        if self.taste is not None:
            x = self.taste(x, self._taste_vectors(batch, read_items, batch.taste_seen[:, -x.shape[1] :]))
        x = self.head(self.norm(x))
        return F.normalize(x, dim=2) / self.config.temperature if self.config.temperature else x

    def _item_reader(self, batch: Batch, table: Tensor) -> Callable[[Tensor], Tensor]:
        """Return a function from token ids [...] to input vectors [..., D]. Each film of the table is projected once
        where the batch has more tokens: short windows of long histories repeat their viewer's taste.
        """
        if batch.items.numel() + batch.taste.numel() < len(table):
            return lambda token_ids: self.read(F.embedding(token_ids, table).float())
        inputs = self.read(table.float())
        return lambda token_ids: F.embedding(token_ids, inputs)

    def _encode(
        self, batch: Batch, read_items: Callable[[Tensor], Tensor], last_only: bool, position_bias: Tensor | None
    ) -> Tensor:
        """Return the encoder's states [B, L, D]; with `last_only` the last block computes the last token alone: [B, 1,
        D]."""
        x, mask = self._embed(batch, read_items)
        bias = self.bias(batch, position_bias)
        for number, block in enumerate(self.blocks, 1):
            x = block(x, mask, bias[:, :, -1:] if last_only and number == len(self.blocks) else bias)
        return x

    def _encode_alike(
        self, batch: Batch, read_items: Callable[[Tensor], Tensor], alike: int, position_bias: Tensor | None
    ) -> Tensor:
        """Return what `_encode` does of the last token, [B, 1, D], of windows whose first `alike` columns are the
        same."""
        parts = (batch.select(slice(1)).columns(0, alike), batch.columns(alike))
        tokens, masks = zip(*(self._embed(part, read_items) for part in parts), strict=True)
        x, mask = (torch.cat([part.flatten(0, 1) for part in both]) for both in (tokens, masks))
        of = AlikeWindows.of(len(tokens[1]), alike, batch.items.shape[1], max(0, self.config.recent - 1))
        bias = self.bias(batch, position_bias)
        for number, block in enumerate(self.blocks, 1):
            is_last = number == len(self.blocks)
            biases = (bias[:1, :, alike if is_last else 0 : alike, :alike], bias[:, :, -1 if is_last else alike :])
            x = cast(GatedBlock, block).forward_alike(x, mask, of, biases)
        return x.unsqueeze(1)

    def _embed(self, batch: Batch, read_items: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Return the tokens [B, L, D] as the blocks get them, and a mask [B, L, 1], 0 at padding."""
        mask = (batch.items > 0).unsqueeze(2)
        x = read_items(batch.items)
        if self.stars is not None:
            x = x + self.stars(batch.stars)
        if self.gaps is not None:
            x = x + self.gaps(batch.gaps)
        if self.positions is not None:  # counted over real tokens, so padding changes nothing
            x = x + self.positions(mask.squeeze(2).cumsum(1).sub(1).clamp(min=0))
        x = dropout(x, self.config.dropout, self.training) * mask
        return x, mask.to(x.dtype)

    def _taste_vectors(self, batch: Batch, read_items: Callable[[Tensor], Tensor], seen: Tensor) -> Tensor:
        """Return the weighted mean [B, Q, D] of the last `taste_len` of the rows of taste `seen` [B, Q] at each
        token."""
        rows = torch.arange(batch.taste.shape[1], device=seen.device, dtype=torch.int32)
        age = seen.int().unsqueeze(2) - rows  # 1 is the newest
        weights = batch.taste_weights.unsqueeze(1) * ((age > 0) & (age <= self.config.taste_len))
        total = weights.abs().sum(2, keepdim=True).clamp(min=1e-6)
        return (weights @ read_items(batch.taste)) / total


def _once_each(read_items: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return the same function, which reads each film once: for windows that repeat the same films."""

    def read(token_ids: Tensor) -> Tensor:
        films, places = token_ids.unique(return_inverse=True)
        return F.embedding(places, read_items(films))

    return read


def untimed_batch(sequence: Tensor, taste: Tensor, taste_weights: Tensor | None = None) -> Batch:
    """Return the batch of bare sequences [B, L] and tastes [B, T], without any times."""
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
