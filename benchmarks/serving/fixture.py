"""A system to be driven: a catalogue with viewers, a model of the wanted shape, active, and a client's key."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.synthetic_data import write_synthetic_movielens
from recommender.ml.baselines import TrainingTokens
from recommender.ml.config import get_preset
from recommender.ml.data import Histories, tokenise
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import save_model
from recommender.ml.ranker import Ranker
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.vocab import Vocab

ACTIVE_VERSION, NEXT_VERSION = "benched", "benched-next"  # model versions: the active one, and the one that takes over


@dataclass(frozen=True)
class ServingFixture:
    key: str
    histories: Histories
    ranker: Ranker  # of this process, of the same folder as the server's


def load_and_build(data: Path | None, ratings: int, shape: str, people: Path | None = None) -> ServingFixture:
    """Generates `ratings` where no `data` is given."""
    from catalog.loading import load_dataset
    from catalog.movielens import read_movielens

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        load_dataset(read_movielens(data or write_synthetic_movielens(Path(folder) / "simulated", ratings), people))
    return build_fixture(shape)


def build_fixture(shape: str) -> ServingFixture:
    """On what is loaded. The weights are not trained: they cost as much to ask."""
    from recommender import registry
    from recommender.training import snapshot as dataset

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = dataset.take_snapshot(Path(folder))
    vocab = Vocab(snapshot.movie_ids)
    features = build_features(snapshot.movie_features)
    torch.manual_seed(1)
    model = TransformerRecModel(len(vocab), get_preset(shape).model, features)
    tokens = tokenise(snapshot.histories, vocab)
    prefix = TrainingTokens(tokens, tokens.indptr[1:], len(vocab))
    prior = TransitionPrior.from_tokens(prefix.viewers, prefix.items, prefix.num_items, 1.0)
    for name in (ACTIVE_VERSION, NEXT_VERSION):
        folder_of_it = save_model(registry.folder(name), model, vocab, features, {"preset": shape}, prior)
        registry.register(folder_of_it, preset=shape, movies=len(vocab))
    registry.activate(ACTIVE_VERSION, "for the benchmark")
    return ServingFixture(_key(), snapshot.histories, Ranker.load(registry.folder(ACTIVE_VERSION)))


def _key() -> str:
    from recommender.models import ApiKey

    _, key = ApiKey.objects.create_key(name="benchmark", scopes=list(ApiKey.Scope))
    return str(key)


def make_histories(histories: Histories, length: int, number: int) -> list[np.ndarray]:
    """Film ids [length] each, oldest first: of viewers one after the other, those with too few taking the next one's
    films as well."""
    films = np.random.default_rng(1).permutation(histories.movie_ids)
    found = []
    for start in range(0, len(films) - 2 * length, length):
        own = films[start : start + 2 * length]
        _, first = np.unique(own, return_index=True)
        found.append(own[np.sort(first)][:length])
        if len(found) == number:
            break
    return found
