"""The one item table: vectors of films, by their id and by what is known of them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.ml.features import Features


class ItemEmbedding(nn.Module):
    """Vectors of the films: an embedding of their id, and where known a sum over their features' embeddings."""

    def __init__(self, num_items: int, d_model: int, features: Features | None, ids: Tensor | None = None) -> None:
        """`ids` [N + 1, D] are the weights of the ids where they are at hand; else they are drawn."""
        super().__init__()
        self.indptr: Tensor
        self.indices: Tensor
        self.ids = nn.Embedding(num_items + 1, d_model, padding_idx=0, _weight=ids)
        if ids is None:
            nn.init.normal_(self.ids.weight, std=d_model**-0.5)
            with torch.no_grad():
                self.ids.weight[0] = 0
        self.parts = None
        if features is not None:
            self.register_buffer("indptr", torch.from_numpy(features.indptr), persistent=False)
            self.register_buffer("indices", torch.from_numpy(features.indices), persistent=False)
            self.parts = nn.EmbeddingBag(len(features.names), d_model, mode="sum")
            nn.init.normal_(self.parts.weight, std=0.3 * d_model**-0.5)

    def forward(self, tokens: Tensor | None = None, dropped_ids: Tensor | None = None) -> Tensor:
        """Vectors [n, D] of `places` [n], by default of all. `forgotten` bool [n]: from their metadata alone."""
        vectors = self.ids.weight if tokens is None else self.ids(tokens)
        if self.parts is None:
            return vectors
        if dropped_ids is not None:
            vectors = vectors.masked_fill(dropped_ids[:, None], 0)
        if tokens is None:
            return vectors + self.feature_vectors(self.indices, self.indptr)
        starts, counts = self.indptr[tokens], self.indptr[tokens + 1] - self.indptr[tokens]
        indptr = F.pad(counts.cumsum(0), (1, 0))
        rows = torch.arange(int(indptr[-1]), device=tokens.device)
        rows += torch.repeat_interleave(starts - indptr[:-1], counts)
        return vectors + self.feature_vectors(self.indices[rows], indptr)

    def feature_vectors(self, indices: Tensor, indptr: Tensor) -> Tensor:
        """The metadata's part of the vectors [n, D]: film i has the features indices[indptr[i]:indptr[i + 1]]."""
        assert self.parts is not None
        scale = indptr.diff().clamp(min=1).sqrt()
        return self.parts(indices, indptr[:-1]) / scale[:, None]
