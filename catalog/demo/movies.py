"""The demo's movies: facts from films.csv as arrays for the simulation, and as tables for the catalogue."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from catalog.dataset import ACTOR, CREDITS, DIRECTOR, GENRES, MOVIES, to_frame
from catalog.limits import DEMO_ID_BASE

MOVIES_FILE = Path(__file__).with_name("films.csv")
_NUMBERS = {"year": pl.Int16, "runtime": pl.Int16, "part": pl.Int16, "fame": pl.Int16}


@dataclass(frozen=True)
class DemoMovies:
    """N movies in the order of the file. The id of a movie is DEMO_ID_BASE + its row + 1."""

    table: pl.DataFrame  # the file, with `id`; lists in genres, directors, actors
    genres: np.ndarray  # float32 [N, G], 1 where the movie has the genre
    directors: np.ndarray  # float32 [N, D]
    actors: np.ndarray  # float32 [N, A]
    next_part: np.ndarray  # int [N], row of the sequel, or -1

    def column(self, name: str) -> np.ndarray:
        """Return a column of the file, [N]."""
        return self.table[name].to_numpy()

    def __len__(self) -> int:
        return self.table.height


def read_movies(file: Path = MOVIES_FILE) -> DemoMovies:
    """Read the facts. Their `fame` runs from 1 (for lovers of cinema) to 5 (everybody has heard of it)."""
    rows = pl.read_csv(file, infer_schema=False, schema_overrides=_NUMBERS).with_row_index(
        "id", offset=DEMO_ID_BASE + 1
    )
    lists = [pl.col(name).str.split("|") for name in ("genres", "directors", "actors")]
    rows = rows.with_columns(pl.col("id").cast(pl.Int32), pl.col("series", "original_title").fill_null(""), *lists)
    genres, directors, actors = (_members(rows[name]) for name in ("genres", "directors", "actors"))
    return DemoMovies(rows, genres, directors, actors, _next_parts(rows))


def _members(lists: pl.Series) -> np.ndarray:
    """Return float32 [N, names]: 1 where the list has the name; names in alphabetical order."""
    columns = {name: column for column, name in enumerate(lists.explode().unique().sort())}
    members = np.zeros((len(lists), len(columns)), np.float32)
    for row, names in enumerate(lists):
        members[row, [columns[name] for name in names]] = 1
    return members


def _next_parts(rows: pl.DataFrame) -> np.ndarray:
    """Return int [N]: the row of each movie's sequel, or -1."""
    following = np.full(rows.height, -1)
    parts = rows.filter(pl.col("series") != "").sort("series", "part")
    for series in parts.partition_by("series", maintain_order=True):
        order = series["id"].to_numpy() - DEMO_ID_BASE - 1
        following[order[:-1]] = order[1:]
    return following


def movie_table(movies: DemoMovies, added_at: int) -> pl.DataFrame:
    """Return the movies as a table of dataset.MOVIES. `added_at`: when they came into the catalogue, unix seconds."""
    unknown = [pl.lit(None, MOVIES[name]).alias(name) for name in MOVIES if name not in movies.table.columns]
    return movies.table.with_columns(*unknown).with_columns(added_at=pl.lit(added_at, pl.Int64)).select(list(MOVIES))


def genre_table(movies: DemoMovies) -> pl.DataFrame:
    """Return the genres as a table of dataset.GENRES."""
    return to_frame(movies.table.select("id", "genres").explode("genres").iter_rows(), GENRES)


def credit_table(movies: DemoMovies) -> pl.DataFrame:
    """Return the credits as a table of dataset.CREDITS."""
    rows = [
        (movie, person, role, order)
        for movie, *casts in movies.table.select("id", "directors", "actors").iter_rows()
        for role, names in zip((DIRECTOR, ACTOR), casts, strict=True)
        for order, person in enumerate(names)
    ]
    return to_frame(rows, CREDITS)
