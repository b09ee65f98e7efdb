"""The item embedding that input and output share: by film id and by the film's features."""

import torch
from torch import Tensor, nn

from recommender.ml.features import Features
from recommender.ml.ragged import concatenate_tensor_ranges


class ItemEmbedding(nn.Module):
    """Vectors of films: an embedding of their id plus, with features, a sum over the features' embeddings."""

    def __init__(self, num_items: int, d_model: int, features: Features | None, ids: Tensor | None = None) -> None:
        """Take `ids` [N + 1, D] as the weights of the ids, or draw them at random."""
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
        """Return vectors [n, D] of the token ids `tokens` [n], by default of all; where `dropped_ids` bool [n] is true,
        from the features alone."""
        vectors = self.ids.weight if tokens is None else self.ids(tokens)
        if self.parts is None:
            return vectors
        if dropped_ids is not None:
            vectors = vectors.masked_fill(dropped_ids[:, None], 0)
        if tokens is None:
            return vectors + self.feature_vectors(self.indices, self.indptr)
        rows, indptr = concatenate_tensor_ranges(self.indptr[tokens], self.indptr[tokens + 1])
        return vectors + self.feature_vectors(self.indices[rows], indptr)

    def feature_vectors(self, indices: Tensor, indptr: Tensor) -> Tensor:
        """Return the features' part of the vectors [n, D]: film i has the features indices[indptr[i]:indptr[i + 1]]."""
        assert self.parts is not None
        scale = indptr.diff().clamp(min=1).sqrt()
        return self.parts(indices, indptr[:-1]) / scale[:, None]
