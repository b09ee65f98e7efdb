"""A model that begins with what another of the same shape has learned."""

import numpy as np
import torch

from recommender.ml.features import Features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import ID_WEIGHTS, LoadedModel
from recommender.ml.vocab import Vocab

FEATURE_WEIGHTS = "items.parts.weight"  # whose rows are features'; those of IDS are films'


@torch.no_grad()
def copy_matching_weights(model: TransformerRecModel, vocab: Vocab, features: Features, source: LoadedModel) -> bool:
    """Takes over the weights of `source`, row by row for the films and the features that both know; the others keep
    what they were drawn as. False, and nothing is changed, where the shapes differ."""
    if model.config != source.model.config:
        return False
    theirs = source.model.state_dict()
    for name, own in model.state_dict().items():
        if name == ID_WEIGHTS:
            _copy_rows(own[1:], vocab.movie_ids, theirs[name][1:], source.vocab.movie_ids)
        elif name == FEATURE_WEIGHTS:
            _copy_rows(own, np.array(features.names), theirs[name], np.array(source.features.names))
        else:
            own.copy_(theirs[name])
    return True


def _copy_rows(own: torch.Tensor, keys: np.ndarray, theirs: torch.Tensor, their_keys: np.ndarray) -> None:
    _, mine, other = np.intersect1d(keys, their_keys, return_indices=True)
    own[torch.from_numpy(mine)] = theirs[torch.from_numpy(other)]
