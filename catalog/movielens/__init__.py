"""MovieLens files as a data set, without Django.

Reads ml-latest, ml-latest-small, ml-25m, ml-32m (csv) and ml-1m, ml-10m (`::`), zip or folder; the files in them tell
which it is.
"""

from pathlib import Path

from catalog.dataset import Dataset
from catalog.errors import DataFileError
from catalog.movielens.files import DataFile, data_files, single_file
from catalog.movielens.ratings import expected_rows, read_ratings
from catalog.movielens.tables import add_links, add_people, read_movies, read_tags


def read_movielens(path: Path, people: Path | None = None) -> Dataset:
    """Read the data set at `path`: the movies now, with all checks; the ratings when `events` is read.

    `people`: a CSV, plain or .gz, with movieId, imdbId, tmdbId, actors, directors (names with | between them),
    overview, poster_url. Raises DataFileError naming file and line.
    """
    name, files = data_files(path)
    suffix = _layout(path, files)
    movies, genres = read_movies(files[f"movies.{suffix}"])
    if f"links.{suffix}" in files:
        movies = add_links(movies, files[f"links.{suffix}"])
    dataset = Dataset(name=name, movies=movies, genres=genres, events=(), expected_events=0)
    if f"tags.{suffix}" in files:
        dataset.tags = read_tags(files[f"tags.{suffix}"], movies)
    if people:
        dataset.movies, dataset.credits = add_people(movies, single_file(people))
    ratings = files.get(f"ratings.{suffix}")
    if ratings:
        dataset.events = read_ratings(ratings, movies["id"].to_numpy())
        dataset.expected_events = expected_rows(ratings)
    else:
        dataset.notes = (f"There is no ratings.{suffix} in {path}: only the films are imported.",)
    return dataset


def _layout(path: Path, files: dict[str, DataFile]) -> str:
    """Return the ending of the set's files, csv or dat. Raises DataFileError."""
    for suffix in ("csv", "dat"):
        if f"movies.{suffix}" in files:
            return suffix
    names = ", ".join(sorted(files)[:10]) or "nothing"
    raise DataFileError(
        str(path), None, f"is no MovieLens data set: it needs movies.csv or movies.dat and the ratings; it has {names}"
    )
