"""What people take with them from IMDb (ratings), Letterboxd (diary, watched, ratings) and Trakt (history, ratings):
what was watched or rated when, with the film as it is called there."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from catalog.errors import DataFileError
from catalog.exchange.files import csv_table
from catalog.exchange.header import Columns
from catalog.limits import FIRST_YEAR, LAST_YEAR
from catalog.models import WatchEvent

WATCH, RATING = WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING
LONGEST_TITLE = 300  # characters
LONGEST_FILE = 16 * 1024 * 1024  # bytes


class Source(StrEnum):
    IMDB = "imdb"
    LETTERBOXD = "letterboxd"
    TRAKT = "trakt"


class Told(NamedTuple):
    """One row. `problem`: why it says nothing of a film."""

    line: int  # of the file; of a JSON list the place, from 1
    title: str = ""
    year: int | None = None
    imdb_id: str = ""
    tmdb_id: int | None = None
    did: tuple[tuple[int, datetime, float | None], ...] = ()  # kind, moment, stars
    problem: str = ""


def read_personal(file: BinaryIO, encoding: str | None = None) -> tuple[Source, list[Told]]:
    """Which site it is from is told by what the file names. Raises DataFileError."""
    if file.seek(0, io.SEEK_END) > LONGEST_FILE:
        raise DataFileError("the file", None, f"has more than {LONGEST_FILE:,} bytes")
    file.seek(0)
    begins = file.read(100).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    file.seek(0)
    return (Source.TRAKT, list(_trakt(file))) if begins == b"[" else _cells(file, encoding)


_IMDB, _LETTERBOXD = ("Const", "Your Rating", "Date Rated"), ("Name", "Date")
_COLUMNS = Columns((*_IMDB, *_LETTERBOXD, "Title", "Title Type", "Year", "Rating", "Watched Date"), others=True)


def _cells(file: BinaryIO, encoding: str | None) -> tuple[Source, list[Told]]:
    words = "is no export of IMDb (ratings), Letterboxd (diary, watched, ratings) or Trakt (history, ratings)"
    with csv_table(file, "the file", _COLUMNS, encoding) as table:
        if set(_IMDB) <= set(table.names):
            source, read = Source.IMDB, _imdb
        elif set(_LETTERBOXD) <= set(table.names):
            source, read = Source.LETTERBOXD, partial(_letterboxd, is_diary="Watched Date" in table.names)
        else:
            raise DataFileError("the file", 1, words)
        return source, [
            Told(row.line, problem=row.problem) if row.problem else _judged(read, row.line, row.values)
            for row in table.rows
        ]


def _judged(read: Callable[[int, Mapping[str, Any]], Told], line: int, row: Mapping[str, Any]) -> Told:
    try:
        return read(line, row)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        title = str(row.get("Title") or row.get("Name") or "")
        return Told(line, _text(title), problem="lacks a title, a date or a rating that can be read")


def _imdb(line: int, row: Mapping[str, Any]) -> Told:
    if row.get("Title Type", "Movie").replace(" ", "").lower() not in ("movie", "tvmovie", "short", "video"):
        return Told(line, _text(row["Title"]), problem="is no film")
    rated = (RATING, _moment(row["Date Rated"]), _stars(row["Your Rating"], 10))
    return Told(line, _text(row["Title"]), _year(row.get("Year")), row["Const"], did=(rated,))


def _letterboxd(line: int, row: Mapping[str, Any], *, is_diary: bool) -> Told:
    """A diary's entry is a watch, with or without stars; a row of the ratings is stars; one of the watched a watch."""
    stars = row.get("Rating")
    at = _moment(row.get("Watched Date") or row["Date"])
    did: list[tuple[int, datetime, float | None]] = [] if stars and not is_diary else [(WATCH, at, None)]
    did += [(RATING, at, _stars(stars, 5))] if stars else []
    return Told(line, _text(row["Name"]), _year(row.get("Year")), did=tuple(did))


def _trakt(file: BinaryIO) -> Iterator[Told]:
    try:
        rows = json.load(io.TextIOWrapper(file, encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise DataFileError("the file", None, "is not JSON") from None
    for place, row in enumerate(rows if isinstance(rows, Sequence) else [rows], 1):
        if not isinstance(row, dict) or not isinstance(row.get("movie"), dict):
            yield Told(place, problem="is no film")
        else:
            yield _judged(_trakt_film, place, row)


def _trakt_film(place: int, row: Mapping[str, Any]) -> Told:
    film, ids = row["movie"], row["movie"].get("ids") or {}
    did: tuple[int, datetime, float | None]
    if "rating" in row:
        did = (RATING, _moment(row["rated_at"]), _stars(row["rating"], 10))
    else:
        did = (WATCH, _moment(row["watched_at"]), None)
    tmdb = ids.get("tmdb") if isinstance(ids.get("tmdb"), int) else None
    return Told(place, _text(film["title"]), _year(film.get("year")), _text(ids.get("imdb") or ""), tmdb, (did,))


def _text(text: str) -> str:
    """As Postgres takes it."""
    return text.encode(errors="replace").decode().replace("\0", " ")[:LONGEST_TITLE]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _year(text: Any) -> int | None:
    return year if text and FIRST_YEAR <= (year := int(text)) <= LAST_YEAR else None


def _stars(text: Any, best: int) -> float:
    """In halves, of five."""
    return min(5.0, max(0.5, round(float(text) * 10 / best) / 2))
