"""A naive PyTorch training loop for comparison: one target per sample, 20 negatives, batches of 256."""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from recommender.ml.data import Tokens

BATCH, LENGTH, WIDTH, LAYERS, HEADS, NEGATIVES = 256, 50, 128, 2, 4, 20


class NaiveModel(nn.Module):
    """Item and position embeddings, a transformer encoder, and the last state as the viewer's vector."""

    def __init__(self, num_items: int) -> None:
        super().__init__()
        self.items = nn.Embedding(num_items + 1, WIDTH, padding_idx=0)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, sequence: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Score candidates [B, K] after a left-padded sequence [B, L]: [B, K]."""
        x = self.items(sequence) + self.positions.weight
        x = self.encoder(x, src_key_padding_mask=sequence == 0)
        return (self.items(candidates) @ x[:, -1].unsqueeze(2)).squeeze(2)


def naive_targets_per_s(tokens: Tokens, num_items: int, seconds: float) -> float:
    """Return the targets per second of this loop, measured for about `seconds` after a warm-up of two steps."""
    rng = np.random.default_rng(1)
    model = NaiveModel(num_items)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    viewer_of_token = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    rows = np.flatnonzero(
        np.arange(len(viewer_of_token)) > tokens.indptr[viewer_of_token]
    )  # every token with one before it is a target
    steps, started = -2, time.perf_counter()
    while steps < 1 or time.perf_counter() - started < seconds:
        if steps == 0:
            started = time.perf_counter()
        sample = rng.choice(rows, BATCH)
        window_rows = sample[:, None] + np.arange(-LENGTH, 0)
        sequence = np.where(
            window_rows >= tokens.indptr[viewer_of_token[sample]][:, None], tokens.items[np.maximum(window_rows, 0)], 0
        )
        negatives = rng.integers(1, num_items + 1, (BATCH, NEGATIVES))
        candidates = np.concatenate([tokens.items[sample][:, None], negatives], 1)
        scores = model(torch.from_numpy(sequence), torch.from_numpy(candidates))
        loss = F.cross_entropy(scores, torch.zeros(BATCH, dtype=torch.long))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
    return steps * BATCH / (time.perf_counter() - started)
