"""Training of the tiny model in seconds, on simulated viewers of three tastes."""

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
    """Return events of viewers who follow one taste in its order, skip some movies and now and then watch another."""
    rng = np.random.default_rng(seed)
    events = []
    for viewer in range(viewers):
        taste = list(TASTES)[viewer % len(TASTES)]
        in_order = np.array(TASTES[taste] + INVENTED[taste])
        watched = in_order[rng.random(len(in_order)) < 0.7]
        others = rng.choice(VOCABULARY, len(watched))
        events.append(Events.from_ids(np.where(rng.random(len(watched)) < 0.05, others, watched).tolist()))
    return events


def train_tiny_model(folder: Path) -> Path:
    """Train, save and return the model folder."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = override(
        get_preset("basic"),
        model={"d_model": 32, "layers": 1, "heads": 2, "ffn": 2, "dropout": 0.1},
        train={"epochs": 8, "batch_positions": 2000, "lr": 1e-2, "warmup_steps": 5},
    )
    vocab = Vocab(np.array(VOCABULARY))
    features = build_features([[] for _ in range(len(vocab))])
    tokens = tokenise(Histories.from_events(simulated_histories()), vocab)
    model = TransformerRecModel(len(vocab), config.model, features)
    Trainer(model, tokens, tokens.indptr[1:], config, device=torch.device("cpu")).run()
    return save_model(folder, model, vocab, features, {"metrics": {}})
