"""The small files of a set: movies, links, tags, people. Read row by row, so that every error has its line."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from catalog.csv_records import CsvRecords, parse_record
from catalog.dataset import ACTOR, CREDITS, DIRECTOR, GENRES, MOVIES, TAGS, to_frame
from catalog.errors import DataFileError
from catalog.limits import MAX_ID
from catalog.movielens.files import DataFile
from catalog.title_parsing import parse_title
from catalog.validators import keep_url

MAX_TITLE, MAX_TAG, MAX_NAME, MAX_GENRE, MAX_URL = 300, 200, 200, 60, 500  # characters, as in catalog.models
_NO_GENRES = "(no genres listed)"
_WHOLE_NUMBER = re.compile(r"(\d+)(\.0*)?", re.ASCII)  # pandas writes 862.0

Row = tuple[int, list[str]]  # line number, the fields of the columns in question


class FilmRow(NamedTuple):
    """A film as a file of any layout has it.

    `year`: where the title may lack it; `imdb`: with or without tt; `countries`: codes of ISO 3166.
    """

    line: int
    id: str
    title: str
    genres: Sequence[str] = ()
    year: int | None = None
    imdb: str = ""
    countries: Sequence[str] = ()


def read_movies(file: DataFile) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read (movies, genres) from movies.csv or movies.dat."""
    return to_movies(
        file,
        (
            FilmRow(line, number, title, genres.split("|"))
            for line, (number, title, genres) in read_rows(file, ("movieId", "title", "genres"))
        ),
    )


def read_movietweetings(file: DataFile) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read (movies, genres) of MovieTweetings, whose films have the numbers of IMDb.

    A film that stands there twice, as 25 and as 0000025, counts once.
    """
    rows: dict[int, FilmRow] = {}
    for line, (number, title, genres) in read_rows(file, ("movieId", "title", "genres")):
        film = parse_whole(file, line, "movieId", number)
        rows.setdefault(film, FilmRow(line, number, title, genres.split("|"), imdb=number))
    return to_movies(file, rows.values())


def to_movies(file: DataFile, rows: Iterable[FilmRow]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check the rows, and return them as (movies, genres)."""
    movies: dict[int, dict[str, Any]] = {}
    genres: list[tuple[int, str]] = []
    for row in rows:
        movie = parse_whole(file, row.line, "movieId", row.id)
        if movie in movies:
            raise DataFileError(file.label, row.line, f"film {movie} stands here a second time")
        title = parse_title(row.title)
        if not title.title or len(row.title) > MAX_TITLE:
            raise DataFileError(file.label, row.line, f"the title is empty or longer than {MAX_TITLE} characters")
        imdb_id = _parse_imdb_id(file, row.line, row.imdb)
        movies[movie] = {"id": movie, **_UNKNOWN, **title._asdict(), "imdb_id": imdb_id}
        movies[movie] |= {"year": title.year or row.year, "countries": f"{{{','.join(row.countries)}}}"}
        for name in dict.fromkeys(part.strip() for part in row.genres):
            if len(name) > MAX_GENRE:
                raise DataFileError(file.label, row.line, f"genre {name[:20]!r}… is longer than {MAX_GENRE} characters")
            if name and name != _NO_GENRES:
                genres.append((movie, name))
    if not movies:
        raise DataFileError(file.label, 1, "holds no films")
    return to_frame(movies.values(), MOVIES), to_frame(genres, GENRES)


_UNKNOWN = {"overview": "", "poster_url": "", "certificate": "", "language": ""}


def add_links(movies: pl.DataFrame, file: DataFile) -> pl.DataFrame:
    """Return the movies with their ids at IMDb (tt and at least seven digits) and TMDB."""
    known = set(movies["id"])
    rows = []
    for line, (number, imdb, tmdb) in read_rows(file, ("movieId", "imdbId", "tmdbId")):
        movie = _parse_movie_id(file, line, number, known)
        rows.append(
            (movie, _parse_imdb_id(file, line, imdb), parse_whole(file, line, "tmdbId", tmdb) if tmdb else None)
        )
    return _fill_unknown(movies, rows, {"id": pl.Int32, "imdb_id": pl.String, "tmdb_id": pl.Int32})


def read_tags(file: DataFile, movies: pl.DataFrame) -> pl.DataFrame:
    """Read tags in lower case with the number of viewers of each; empty and very long ones are left out."""
    known = set(movies["id"])
    by_viewer: set[tuple[int, str, int]] = set()
    for line, (user, number, text) in read_rows(file, ("userId", "movieId", "tag")):
        movie = _parse_movie_id(file, line, number, known)
        if tag := clean_tag(text):
            by_viewer.add((movie, tag, parse_whole(file, line, "userId", user)))
    return to_tags(Counter((movie, tag) for movie, tag, _ in by_viewer))


def clean_tag(text: str) -> str:
    """Return the tag in lower case with one space between words; "" for an empty or very long one."""
    tag = " ".join(unicodedata.normalize("NFC", text).lower().split())
    return tag if len(tag) <= MAX_TAG else ""


def to_tags(counts: Mapping[tuple[int, str], int]) -> pl.DataFrame:
    """Return the table of tags from (movie, tag) -> number of viewers."""
    return to_frame(((movie, tag, count) for (movie, tag), count in sorted(counts.items())), TAGS)


def clean_names(names: Iterable[str]) -> list[str]:
    """Return names of people with one space between words, each once, without empty ones."""
    return [name for name in dict.fromkeys(" ".join(name.split())[:MAX_NAME] for name in names) if name]


def add_people(movies: pl.DataFrame, file: DataFile) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the movies with overview, poster and ids where they lack them, and the credits; skips other movies."""
    known = set(movies["id"])
    facts, credits_ = [], []
    columns = ("movieId", "imdbId", "tmdbId", "actors", "directors", "overview", "poster_url")
    for line, (number, imdb, tmdb, actors, directors, overview, poster) in read_rows(file, columns):
        movie = parse_whole(file, line, "movieId", number)
        if movie not in known:
            continue
        known.remove(movie)  # the first row of a movie counts
        link = parse_whole(file, line, "tmdbId", tmdb) if tmdb else None
        facts.append(
            (
                movie,
                _parse_imdb_id(file, line, imdb),
                link,
                overview,
                keep_url(poster) if len(poster) <= MAX_URL else "",
            )
        )
        for role, names in ((DIRECTOR, directors), (ACTOR, actors)):
            people = enumerate(clean_names(names.split("|")))
            credits_ += [(movie, person, role, order) for order, person in people]
    schema = {name: MOVIES[name] for name in ("id", "imdb_id", "tmdb_id", "overview", "poster_url")}
    return _fill_unknown(movies, facts, schema), to_frame(credits_, CREDITS)


def _fill_unknown(
    movies: pl.DataFrame, rows: Sequence[Sequence[Any]], schema: dict[str, type[pl.DataType]]
) -> pl.DataFrame:
    """Fill the values that movies lack from the rows."""
    new = pl.DataFrame(rows, schema=schema, orient="row").unique("id", keep="first")
    joined = movies.join(new, on="id", how="left", suffix="_new", maintain_order="left")
    return joined.with_columns(
        pl.when(pl.col(name).is_null() | (pl.col(name).cast(pl.String) == ""))
        .then(pl.col(f"{name}_new").fill_null("") if kind is pl.String else pl.col(f"{name}_new"))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in schema.items()
        if name != "id"
    ).select(movies.columns)


def read_rows(file: DataFile, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of a CSV, or of a .dat with `::`, with the fields of these columns. Raises DataFileError."""
    return _dat_rows(file, columns) if file.label.endswith(".dat") else _csv_rows(file, columns)


def _csv_rows(file: DataFile, columns: tuple[str, ...]) -> Iterator[Row]:
    lines = enumerate(file.lines(), start=1)
    _, first = next(lines, (1, ""))
    header, header_problem = parse_record(first, ",")
    missing = [name for name in columns if name not in header]
    if missing:
        present = header_problem or ", ".join(header)[:200] or "nothing"
        raise DataFileError(file.label, 1, f"column {' and '.join(missing)} is missing; it has {present}")
    positions = [header.index(name) for name in columns]
    ids = [position for position, name in enumerate(header) if name in ("movieId", "userId")]
    for line, cells, problem in CsvRecords(lines, ",", len(header), multiline=range(len(header)), ids=ids):
        if problem:
            raise DataFileError(file.label, line, f"is no CSV row: {problem}")
        if len(cells) != len(header):
            raise DataFileError(file.label, line, f"has {len(cells)} fields where {len(header)} belong")
        yield line, [cells[position] for position in positions]


def _dat_rows(file: DataFile, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield rows of `a::b::c`. Only tags.dat has a further field behind the columns, the time."""
    for line, text in enumerate(file.lines(), start=1):
        fields = text.rstrip("\r\n").split("::")
        if fields == [""]:
            continue
        if columns[-1] == "tag":  # a tag may hold "::" itself
            fields = [*fields[:2], "::".join(fields[2:-1])] if len(fields) > 3 else []
        elif len(fields) > 3:  # and so may a title
            fields = [fields[0], "::".join(fields[1:-1]), fields[-1]]
        if len(fields) != len(columns):
            raise DataFileError(file.label, line, f"is not {'::'.join(columns)}")
        yield line, fields


def parse_whole(file: DataFile, line: int, column: str, text: str) -> int:
    """Return the number, from 1 to MAX_ID. Raises DataFileError."""
    match = _WHOLE_NUMBER.fullmatch(text)
    if match and 1 <= int(match[1]) <= MAX_ID:
        return int(match[1])
    raise DataFileError(file.label, line, f"{column} {text[:40]!r} is not a whole number from 1 to {MAX_ID}")


def _parse_movie_id(file: DataFile, line: int, text: str, known: set[int]) -> int:
    movie = parse_whole(file, line, "movieId", text)
    if movie not in known:
        raise DataFileError(file.label, line, f"film {movie} does not stand in the file of films")
    return movie


def _parse_imdb_id(file: DataFile, line: int, text: str) -> str:
    number = text.removeprefix("tt")
    if not number:
        return ""
    return f"tt{parse_whole(file, line, 'imdbId', number):07d}"
