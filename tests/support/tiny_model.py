"""Pytest plugin: a small real model, trained once a run on simulated viewers of the cast's movies and invented ones.

Three tastes are each watched in their order (space adventures, family movies, crime and drama), which a sequence model
learns in seconds. The fixture `model` registers and activates it in the test's database.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches

from catalog.models import Genre, Movie
from recommender import process_state, registry
from recommender.models import ModelVersion
from tests.support.cast import (
    AMELIE,
    CAST_MOVIES,
    EMPIRE,
    GODFATHER,
    GODFATHER_2,
    JEDI,
    MATRIX,
    NEMO,
    PULP_FICTION,
    RAIDERS,
    SCHINDLERS_LIST,
    SHAWSHANK,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    TOY_STORY_2,
    USUAL_SUSPECTS,
)

TINY_MODEL = "tiny"
TASTES = {  # genre of the invented movies -> real movies, in the order in which people watch them
    "Sci-Fi": [STAR_WARS, EMPIRE, JEDI, RAIDERS, MATRIX],
    "Children": [TOY_STORY, TOY_STORY_2, NEMO, SPIRITED_AWAY, AMELIE],
    "Crime": [GODFATHER, GODFATHER_2, USUAL_SUSPECTS, PULP_FICTION, SHAWSHANK, SCHINDLERS_LIST],
}
INVENTED = {genre: list(range(first, first + 20)) for genre, first in zip(TASTES, (5000, 5100, 5200), strict=True)}
VOCABULARY = sorted([movie.id for movie in CAST_MOVIES] + [movie for movies in INVENTED.values() for movie in movies])
UNKNOWN_TO_MODEL = 5300  # in the catalogue, unknown to the model


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Return the folder of the trained model."""
    from tests.support.tiny_training import train_tiny_model  # torch: only where a test asks for a model

    return train_tiny_model(Path(settings.MODEL_STORE) / TINY_MODEL)


def clear_caches() -> None:
    """Empty Redis and the state of this process: the database that they speak of is gone."""
    for name in ("lists", "default"):
        caches[name].clear()
    process_state.clear()


@contextmanager
def second_version(model_folder: Path) -> Iterator[ModelVersion]:
    """Register a copy of the tiny model as another version, which is not active."""
    folder = registry.folder("second")
    shutil.copytree(model_folder, folder)
    yield registry.register(folder, preset="basic")
    shutil.rmtree(folder, ignore_errors=True)


def create_invented_movies() -> None:
    """Store twenty movies for each taste beside the cast's, so that lists can be long, and one that no model knows."""
    Movie.objects.bulk_create(
        Movie(id=movie_id, title=f"{genre} Film {n}", year=1970 + 2 * n)
        for genre, movie_ids in INVENTED.items()
        for n, movie_id in enumerate(movie_ids)
    )
    Movie.objects.create(id=UNKNOWN_TO_MODEL, title="Quite New", year=2024)
    genres = {genre: Genre.objects.get(name=genre) for genre in TASTES}
    links = [(movie_id, genres[genre].pk) for genre, movie_ids in INVENTED.items() for movie_id in movie_ids]
    links.append((UNKNOWN_TO_MODEL, genres["Sci-Fi"].pk))
    Movie.genres.through.objects.bulk_create(
        Movie.genres.through(movie_id=movie_id, genre_id=genre) for movie_id, genre in links
    )


@pytest.fixture
def more_movies(cast: None) -> None:
    """Store the cast and the invented movies."""
    clear_caches()  # another test's catalogue may have had the same version
    create_invented_movies()


@pytest.fixture
def model(transactional_db: None, more_movies: None, model_folder: Path) -> Iterator[ModelVersion]:
    """Return the tiny model, active, with empty caches."""
    clear_caches()
    registry.register(model_folder, preset="basic", movies=len(VOCABULARY))
    yield registry.activate(TINY_MODEL, "for the tests")
    clear_caches()
