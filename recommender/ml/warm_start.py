"""Warm start: begin a training with the weights of another model of the same shape."""

import numpy as np
import torch

from recommender.ml.features import Features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import ID_WEIGHTS, LoadedModel
from recommender.ml.vocab import Vocab

FEATURE_WEIGHTS = "items.parts.weight"  # whose rows are features; those of ID_WEIGHTS are films


@torch.no_grad()
def copy_matching_weights(model: TransformerRecModel, vocab: Vocab, features: Features, source: LoadedModel) -> bool:
    """Copy the weights of `source` into `model`, row by row for the films and the features that both know; other rows
    keep their random start. Return False, and change nothing, where the shapes differ."""
    if model.config != source.model.config:
        return False
    source_weights = source.model.state_dict()
    for name, weights in model.state_dict().items():
        if name == ID_WEIGHTS:
            _copy_rows(weights[1:], vocab.movie_ids, source_weights[name][1:], source.vocab.movie_ids)
        elif name == FEATURE_WEIGHTS:
            _copy_rows(weights, np.array(features.names), source_weights[name], np.array(source.features.names))
        else:
            weights.copy_(source_weights[name])
    return True


def _copy_rows(weights: torch.Tensor, keys: np.ndarray, source: torch.Tensor, source_keys: np.ndarray) -> None:
    _, rows, source_rows = np.intersect1d(keys, source_keys, return_indices=True)
    weights[torch.from_numpy(rows)] = source[torch.from_numpy(source_rows)]
