"""Training of the tiny model: seconds, on simulated viewers of three tastes."""

from pathlib import Path

import numpy as np
import torch

from recommender.ml.config import get_preset, override
from recommender.ml.data import Events, Histories, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import save_model
from recommender.ml.train import Trainer
from recommender.ml.vocab import Vocab
from tests.support.tiny_model import INVENTED, TASTES, VOCABULARY


def simulated_histories(viewers: int = 400, seed: int = 3) -> list[Events]:
    """Each viewer follows one taste in its order, skips some of it, and strays now and then."""
    rng = np.random.default_rng(seed)
    events = []
    for viewer in range(viewers):
        taste = list(TASTES)[viewer % len(TASTES)]
        road = np.array(TASTES[taste] + INVENTED[taste])
        films = road[rng.random(len(road)) < 0.7]
        stray = rng.choice(VOCABULARY, len(films))
        events.append(Events.from_ids(np.where(rng.random(len(films)) < 0.05, stray, films).tolist()))
    return events


def train_tiny_model(folder: Path) -> Path:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    tiny = override(
        get_preset("brief"),
        model={"d_model": 32, "layers": 1, "heads": 2, "ffn": 2, "dropout": 0.1},
        train={"epochs": 8, "batch_positions": 2000, "lr": 1e-2, "warmup_steps": 5},
    )
    vocab = Vocab(np.array(VOCABULARY))
    features = build_features([[] for _ in range(len(vocab))])
    tokens = tokenise(Histories.from_events(simulated_histories()), vocab)
    net = TransformerRecModel(len(vocab), tiny.model, features)
    Trainer(net, tokens, tokens.indptr[1:], tiny, device=torch.device("cpu")).run()
    return save_model(folder, net, vocab, features, {"metrics": {}})
