"""What every source of films becomes before it is merged into the catalogue: parts of a few tables, read one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from catalog.dataset import Schema


class Table(StrEnum):
    """The tables of a source. A part of any may come after the films that it is about."""

    FILMS = "staged_films"
    GENRES = "staged_genres"
    TAGS = "staged_tags"
    CREDITS = "staged_credits"
    NAMES = "staged_names"
    TRANSLATIONS = "staged_translations"
    AVAILABILITY = "staged_availability"


class PersonIds(StrEnum):
    """The site by whose ids a source tells people apart."""

    IMDB = "IMDb"
    TMDB = "TMDB"


# `film`: the source's own number of the film. Empty string or null: not known.
SCHEMAS: dict[Table, Schema] = {
    Table.FILMS: {
        "film": pl.Int32,
        "imdb": pl.Int32,  # the number in tt0114709
        "tmdb": pl.Int32,
        "title": pl.String,  # null: no more than the original one is known
        "original_title": pl.String,
        "year": pl.Int16,
        "runtime": pl.Int16,  # minutes
        "overview": pl.String,
        "poster_url": pl.String,
        "certificate": pl.String,
        "language": pl.String,
        "countries": pl.String,  # as Postgres writes an array: {US,GB}
    },
    Table.GENRES: {"film": pl.Int32, "name": pl.String},
    Table.TAGS: {"film": pl.Int32, "name": pl.String, "count": pl.Int32},
    # `person`: the number at the site of PersonIds; null where only the name is known.
    Table.CREDITS: {"film": pl.Int32, "person": pl.Int32, "name": pl.String, "role": pl.Int16, "order": pl.Int16},
    Table.NAMES: {"person": pl.Int32, "name": pl.String},
    # `place`: of several translations into one language the lowest counts.
    Table.TRANSLATIONS: {
        "film": pl.Int32,
        "language": pl.String,
        "title": pl.String,
        "overview": pl.String,
        "place": pl.Int32,
    },
    Table.AVAILABILITY: {"film": pl.Int32, "country": pl.String},
}


class Part(NamedTuple):
    """Some rows of a table, and how many rows of its file they were found in."""

    table: Table
    rows: pl.DataFrame
    lines_read: int


@dataclass
class FilmSource:
    """A source of films. `read` yields its parts once and fills `notes`: what the person who imports should know."""

    name: str
    read: Callable[[], Iterator[Part]]
    person_ids: PersonIds = PersonIds.IMDB
    may_add: bool = True  # false: it knows too little of films to make new ones
    notes: list[str] = field(default_factory=list)


def to_part(table: Table, rows: pl.DataFrame, lines_read: int | None = None) -> Part:
    """Return the rows as a part, with all columns of the table; those that `rows` lacks are unknown."""
    schema = SCHEMAS[table]
    return Part(
        table,
        rows.select(
            pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, kind).alias(name)
            for name, kind in schema.items()
        ),
        rows.height if lines_read is None else lines_read,
    )
