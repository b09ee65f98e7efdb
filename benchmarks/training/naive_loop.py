"""Training as the brief describes it, written plainly: one target a sample, 20 negatives, batches of 256."""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from recommender.ml.data import Tokens

BATCH, LENGTH, WIDTH, LAYERS, HEADS, NEGATIVES = 256, 50, 128, 2, 4, 20


class NaiveModel(nn.Module):
    """Item and position embeddings, a transformer encoder, the last state as the viewer."""

    def __init__(self, films: int) -> None:
        super().__init__()
        self.items = nn.Embedding(films + 1, WIDTH, padding_idx=0)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, sequence: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """sequence [B, L] left-padded, candidates [B, K]; scores [B, K]."""
        x = self.items(sequence) + self.positions.weight
        x = self.encoder(x, src_key_padding_mask=sequence == 0)
        return (self.items(candidates) @ x[:, -1].unsqueeze(2)).squeeze(2)


def naive_targets_per_s(tokens: Tokens, films: int, seconds: float) -> float:
    """Targets a second of this way of training, measured for about `seconds` after a warm-up of two steps."""
    rng = np.random.default_rng(1)
    model = NaiveModel(films)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    owner = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    rows = np.flatnonzero(np.arange(len(owner)) > tokens.indptr[owner])  # every token with one before it is a target
    done, started = -2, time.perf_counter()
    while done < 1 or time.perf_counter() - started < seconds:
        if done == 0:
            started = time.perf_counter()
        chosen = rng.choice(rows, BATCH)
        before = chosen[:, None] + np.arange(-LENGTH, 0)
        sequence = np.where(before >= tokens.indptr[owner[chosen]][:, None], tokens.items[np.maximum(before, 0)], 0)
        negatives = rng.integers(1, films + 1, (BATCH, NEGATIVES))
        candidates = np.concatenate([tokens.items[chosen][:, None], negatives], 1)
        scores = model(torch.from_numpy(sequence), torch.from_numpy(candidates))
        loss = F.cross_entropy(scores, torch.zeros(BATCH, dtype=torch.long))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done += 1
    return done * BATCH / (time.perf_counter() - started)
