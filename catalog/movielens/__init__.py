"""MovieLens and MovieTweetings files as a data set, without Django.

Reads every release as it is published, zip or folder; the files in it tell which it is.
"""

from pathlib import Path

import polars as pl

from catalog.dataset import Dataset
from catalog.movielens.files import DataFolder, data_folders, single_file
from catalog.movielens.old_layouts import read_hetrec_credits, read_hetrec_movies, read_hetrec_tags, read_items
from catalog.movielens.ratings import Scale, expected_rows, read_ratings
from catalog.movielens.releases import HETREC, MOVIELENS_100K, MOVIETWEETINGS, Release, choose_release
from catalog.movielens.tables import add_links, add_people, read_movies, read_movietweetings, read_tags


def read_movielens(path: Path, people: Path | None = None) -> Dataset:
    """Read the data set at `path`: the movies now, with all checks; the ratings when `events` is read.

    `people`: a CSV, plain or .gz, with movieId, imdbId, tmdbId, actors, directors (names with | between them),
    overview, poster_url. Raises DataFileError naming file and line.
    """
    release, folder = choose_release(path, data_folders(path))
    dataset = _read_films(release, folder)
    if people:
        dataset.movies, credits_ = add_people(dataset.movies, single_file(people))
        own = dataset.credits.join(credits_.select("movie").unique(), on="movie", how="anti", maintain_order="left")
        dataset.credits = pl.concat([credits_, own])
    ratings = next((name for name in release.ratings if name in folder.files), None)
    notes = [f"{folder.name} is {release.name}."]
    if ratings:
        form, file = release.ratings[ratings], folder.files[ratings]
        dataset.events = read_ratings(file, dataset.movies["id"].to_numpy(), form)
        dataset.expected_events = expected_rows(file)
        if form.scale is Scale.ZERO_TO_TEN:
            notes.append("Its ratings go from 0 to 10: half the number are the stars, and 0 is half a star.")
    else:
        notes.insert(0, f"There is no {' or '.join(release.ratings)} in {path}: only the films are imported.")
    dataset.notes = tuple(notes)
    return dataset


def _read_films(release: Release, folder: DataFolder) -> Dataset:
    """Read all but the ratings."""
    files = folder.files
    films = release.films_file(files)
    assert films, "choose_release returns folders that have it"
    if release is HETREC:
        movies, genres = read_hetrec_movies(files)
    elif release is MOVIELENS_100K:
        movies, genres = read_items(films)
    elif release is MOVIETWEETINGS:
        movies, genres = read_movietweetings(films)
    else:
        movies, genres = read_movies(films)
    if release.links in files:
        movies = add_links(movies, files[release.links])
    dataset = Dataset(name=folder.name, movies=movies, genres=genres, events=(), expected_events=0)
    if release is HETREC:
        known = frozenset(movies["id"])
        dataset.credits, dataset.tags = read_hetrec_credits(files, known), read_hetrec_tags(files, known)
    elif release.tags in files:
        dataset.tags = read_tags(files[release.tags], movies)
    return dataset
