"""What a team would write in a day: FastAPI, Redis and torch. It runs alone in its environment, by uvicorn:

    DATA=data.npz REDIS_URL=... .venv-service/bin/python -m uvicorn service:app --app-dir benchmarks/peers --workers 2

A list is taken from Redis while the viewer's history there is the one that it was made of; else the history is encoded
and every film scored. No key, no filters, no age limits, no titles, no rules. The weights are random: ranking costs the
same.
"""

import json
import os
import zlib

import numpy as np
import redis
import torch
from fastapi import FastAPI
from torch import nn

WIDTH, LAYERS, HEADS, LENGTH, TTL = 128, 2, 2, 200, 3600

torch.set_num_threads(1)
torch.manual_seed(1)
app = FastAPI()
store = redis.Redis.from_url(os.environ["REDIS_URL"])
with np.load(os.environ["DATA"]) as arrays:
    COUNT = int(arrays["films"].max()) + 1


class Recommender(nn.Module):
    """A transformer over the last films, which scores all films by the inner product."""

    def __init__(self) -> None:
        super().__init__()
        self.films, self.positions = nn.Embedding(COUNT, WIDTH), nn.Embedding(LENGTH, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Return the scores of all films, [1, films], for one history [1, L]."""
        length = history.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        states = self.encoder(self.films(history) + self.positions.weight[:length], mask=mask, is_causal=True)
        return states[:, -1] @ self.films.weight.T


model = Recommender().eval()


@app.get("/recommend")
def recommend(user_id: int, top_k: int = 20) -> dict[str, object]:
    """Return the best films that the viewer has not watched."""
    history, stored = store.mget(  # type: ignore[misc]  # the client is not an asynchronous one
        f"peer:history:{user_id}", f"peer:list:{user_id}"
    )
    stamp = zlib.crc32(history or b"")
    if stored is not None and (kept := json.loads(stored))["stamp"] == stamp:
        return {"source": "cache", "recommendations": kept["films"][:top_k]}
    films = torch.tensor(json.loads(history or b"[]")[-LENGTH:] or [0])
    with torch.inference_mode():
        scores = model(films[None])[0]
        scores[films] = -torch.inf
        best = torch.topk(scores, min(LENGTH, COUNT - len(films))).indices.tolist()
    store.set(f"peer:list:{user_id}", json.dumps({"stamp": stamp, "films": best}), ex=TTL)
    return {"source": "model", "recommendations": best[:top_k]}
