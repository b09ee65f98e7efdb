"""Data sets as plain tables, without Django: what every source of movies and histories becomes before it is loaded.

The demo and the MovieLens reader make a data set; `catalog.loading.load_dataset` loads it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

WATCH, RATING, LIKE, DISLIKE, NOT_INTERESTED, WATCHLIST = range(1, 7)  # equal to WatchEvent.Kind
DIRECTOR, ACTOR = 1, 2  # equal to Credit.Role

# Empty string or null: not known. Times are unix seconds.
MOVIES = {
    "id": pl.Int32,
    "title": pl.String,
    "original_title": pl.String,
    "year": pl.Int16,
    "imdb_id": pl.String,
    "tmdb_id": pl.Int32,
    "overview": pl.String,
    "poster_url": pl.String,
    "runtime": pl.Int16,
    "certificate": pl.String,
    "language": pl.String,
    "countries": pl.String,  # as Postgres writes an array: {US,GB}
    "added_at": pl.Int64,
}
GENRES = {"movie": pl.Int32, "name": pl.String}
TAGS = {"movie": pl.Int32, "name": pl.String, "count": pl.Int32}
CREDITS = {"movie": pl.Int32, "person": pl.String, "role": pl.Int16, "order": pl.Int16}
VIEWERS = {"id": pl.Int32, "name": pl.String}
EVENTS = {
    "viewer": pl.Int32,
    "movie": pl.Int32,
    "kind": pl.Int16,
    "rating": pl.Float32,
    "completion": pl.Float32,
    "occurred_at": pl.Int64,
}

Schema = Mapping[str, type[pl.DataType]]


def to_frame(
    rows: Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]] | Mapping[str, Any], schema: Schema
) -> pl.DataFrame:
    """Make a frame of the schema from rows (dicts, or sequences in the schema's order) or columns."""
    data = rows if isinstance(rows, Mapping) else list(rows)
    return pl.DataFrame(data, schema=dict(schema), orient=None if isinstance(data, Mapping) else "row")


def _empty(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(schema))


@dataclass
class Dataset:
    """Movies with all that is known of them, and events in the order that is kept for equal times.

    `events` may be a generator: it is read once, chunk by chunk, so that 25 million rows need little memory.
    `viewers` has the viewers with a name; others in `events` are created without one.
    """

    name: str
    movies: pl.DataFrame
    genres: pl.DataFrame
    events: Iterable[pl.DataFrame]
    expected_events: int  # for the progress bar; an estimate will do
    tags: pl.DataFrame = field(default_factory=lambda: _empty(TAGS))
    credits: pl.DataFrame = field(default_factory=lambda: _empty(CREDITS))
    viewers: pl.DataFrame = field(default_factory=lambda: _empty(VIEWERS))
    is_demo: bool = False
    notes: tuple[str, ...] = ()  # what the person who imports should know
