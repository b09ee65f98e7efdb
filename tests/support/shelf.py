"""Pytest plugin: the tiny model with the neighbours of every film in its folder, in a catalogue larger than a list."""

from collections.abc import Iterator

import numpy as np
import pytest

from catalog.models import Genre, Movie
from catalog.services import bump_catalogue
from recommender import registry
from recommender.models import ModelVersion
from tests.support.tiny_model import TASTES, TINY_MODEL

SHELF = "shelf"  # the version that has neighbours
MORE_FILMS = range(6_000, 6_360)
DAY = 86_400  # seconds


def create_more_films() -> None:
    """Store films of two of the tastes' genres, of years that differ."""
    Movie.objects.bulk_create(
        Movie(id=movie_id, title=f"Tale {movie_id}", year=1950 + movie_id % 70) for movie_id in MORE_FILMS
    )
    genres = [Genre.objects.get(name=name).pk for name in TASTES]
    Movie.genres.through.objects.bulk_create(
        Movie.genres.through(movie_id=movie_id, genre_id=genre)
        for movie_id in MORE_FILMS
        for genre in {genres[movie_id % 3], genres[movie_id // 3 % 3]}
    )
    bump_catalogue()


def put_on_shelf() -> ModelVersion:
    """Write the tiny model with the neighbours of the catalogue of now, by likes of a film a day, and activate it."""
    from recommender.ml.data import Events, Histories, tokenise  # torch: only where a test asks for a model
    from recommender.ml.model_folder import load_model, save_model
    from recommender.training.neighbours import make_neighbours
    from tests.support.tiny_training import simulated_histories

    loaded = load_model(registry.folder(TINY_MODEL))
    histories = [
        Events(history.movie_ids, times=DAY * np.arange(1, len(history.movie_ids) + 1, dtype=np.int64))
        for history in simulated_histories()
    ]
    tokens = tokenise(Histories.from_events(histories), loaded.vocab)
    folder = save_model(
        registry.folder(SHELF),
        loaded.model,
        loaded.vocab,
        loaded.features,
        {"metrics": {}},
        neighbours=make_neighbours(tokens, loaded.vocab.movie_ids),
    )
    registry.register(folder, preset="basic", movies=len(loaded.vocab))
    return registry.activate(SHELF, "for the tests")


@pytest.fixture
def shelf(model: ModelVersion) -> Iterator[ModelVersion]:
    """Return the version with neighbours, active."""
    create_more_films()
    yield put_on_shelf()
    registry.artifacts.delete(SHELF)
