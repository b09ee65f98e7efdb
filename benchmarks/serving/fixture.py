"""Prepare a system to be driven: a catalogue with viewers, an active model and a client's key."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from django.conf import settings

from benchmarks.synthetic_data import write_synthetic_movielens
from recommender.ml.config import get_preset
from recommender.ml.data import Histories
from recommender.ml.ensemble_fitting import prior_ensemble
from recommender.ml.features import build_features
from recommender.ml.model import TransformerRecModel
from recommender.ml.model_folder import save_model
from recommender.ml.popularity import DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.visits import Visits
from recommender.ml.vocab import Vocab

ACTIVE_VERSION, NEXT_VERSION = "benched", "benched-next"  # model versions: the active one, and the one to activate


@dataclass(frozen=True)
class ServingFixture:
    """What a benchmark needs of the prepared system."""

    key: str
    histories: Histories
    ranker: Ranker  # in this process, from the same folder as the server's


def load_and_build(data: Path | None, ratings: int, preset_name: str, people: Path | None = None) -> ServingFixture:
    """Load `data`, or a generated set of `ratings`, and build the fixture."""
    from catalog.loading import load_dataset
    from catalog.movielens import read_movielens

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        load_dataset(read_movielens(data or write_synthetic_movielens(Path(folder) / "simulated", ratings), people))
    return build_fixture(preset_name)


def build_fixture(preset_name: str) -> ServingFixture:
    """Build the fixture on the loaded data. The weights are not trained: ranking costs the same."""
    from recommender import registry
    from recommender.shards.manifest import Manifest
    from recommender.shards.reading import read_all_histories
    from recommender.training.neighbours import make_neighbours
    from recommender.training.snapshot import take_snapshot

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = take_snapshot(Path(folder))
        tokens = snapshot.tokens()
    manifest = Manifest.load(settings.SHARDS_DIR)
    assert manifest is not None
    vocab = Vocab(snapshot.movie_ids)
    features = build_features(snapshot.movie_features)
    torch.manual_seed(1)
    model = TransformerRecModel(len(vocab), get_preset(preset_name).model, features)
    training = TrainingTokens(tokens, tokens.indptr[1:], len(vocab))
    prior = TransitionPrior.from_training(training, 1.0)
    popularity = DailyPopularity.from_tokens(tokens, len(vocab))
    stops = tokens.indptr[1:]
    ensemble = prior_ensemble(
        Ranker(model, vocab, prior), tokens, stops, Visits(np.arange(len(stops)), stops, stops), popularity
    )
    neighbours = make_neighbours(tokens, vocab.movie_ids)
    for name in (ACTIVE_VERSION, NEXT_VERSION):
        metadata = {"preset": preset_name}
        model_folder = save_model(
            registry.folder(name), model, vocab, features, metadata, prior, ensemble, neighbours=neighbours
        )
        registry.register(model_folder, preset=preset_name, movies=len(vocab))
    registry.activate(ACTIVE_VERSION, "for the benchmark")
    _settle_database()
    histories = read_all_histories(settings.SHARDS_DIR, manifest)
    return ServingFixture(create_key(), histories, Ranker.load(registry.folder(ACTIVE_VERSION)))


def _settle_database() -> None:
    """Do now what Postgres does by itself after so many new rows, and while the first calls would be measured."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def create_key() -> str:
    """Create an API key with all scopes."""
    from recommender.models import ApiKey

    _, key = ApiKey.objects.create_key(name="benchmark", scopes=list(ApiKey.Scope))
    return str(key)


def make_histories(histories: Histories, length: int, count: int) -> list[np.ndarray]:
    """Return up to `count` histories of `length` distinct film ids each, drawn from all events in random order."""
    movie_ids = np.random.default_rng(1).permutation(histories.movie_ids)
    drawn = []
    for start in range(0, len(movie_ids) - 2 * length, length):
        window = movie_ids[start : start + 2 * length]
        _, first = np.unique(window, return_index=True)
        drawn.append(window[np.sort(first)][:length])
        if len(drawn) == count:
            break
    return drawn


def store_keyed_viewers(viewer_ids: Sequence[int]) -> list[str]:
    """Store viewers whose keys are texts, with the histories of these viewers. Returns the keys, in order."""
    from django.db import connection

    from catalog.services import ensure_viewers

    key_of = {viewer_id: f"viewer-{viewer_id}@example.org" for viewer_id in viewer_ids}
    ids = ensure_viewers(key_of.values())
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_watchevent (viewer_id, occurred_at, movie_id, kind, rating, completion)
               SELECT pair.to_id, occurred_at, movie_id, kind, rating, completion
               FROM catalog_watchevent JOIN unnest(%s::int[], %s::int[]) AS pair (from_id, to_id)
                 ON viewer_id = pair.from_id
               ORDER BY id""",
            [list(viewer_ids), [ids[key_of[viewer_id]] for viewer_id in viewer_ids]],
        )
    return list(key_of.values())
