"""A trainer on paired histories that runs for seconds, for tests of training itself."""

import numpy as np
import torch

from recommender.ml import evaluate
from recommender.ml.config import PRESETS, override
from recommender.ml.data import tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.train import Trainer
from recommender.ml.vocab import Vocab
from tests.support.paired_histories import MOVIES, paired_histories

SMALL = {"d_model": 32, "layers": 2, "max_len": 12}
FAST = {"epochs": 12, "batch_positions": 400, "lr": 5e-3, "warmup_steps": 5, "bf16": False, "negatives": 0}
VOCAB = Vocab(np.arange(100, 100 + MOVIES))
FEATURES = build_features([["genre:Drama"] for _ in range(MOVIES)])
TOKENS = tokenise(paired_histories(), VOCAB)
SPLIT = evaluate.leave_one_out(TOKENS)


def make_trainer(name="default", folder=None, model=None, ends=SPLIT.ends, tokens=TOKENS, **train) -> Trainer:
    """Return a seeded trainer of a preset; `model` and `train` override its settings."""
    preset = override(PRESETS[name], model=SMALL | (model or {}), train=FAST | train)
    torch.manual_seed(preset.train.seed)
    return Trainer(
        TransformerRecModel(MOVIES, preset.model, FEATURES),
        tokens,
        ends,
        preset,
        checkpoints=folder,
        device=torch.device("cpu"),
    )
