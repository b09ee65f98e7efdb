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
from catalog.exchange.csv_header import Columns
from catalog.exchange.row_files import csv_table
from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.models import WatchEvent

WATCH, RATING = WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING
MAX_TITLE_LENGTH = 300  # characters
MAX_FILE_SIZE = 16 * 1024 * 1024  # bytes


class HistorySource(StrEnum):
    IMDB = "imdb"
    LETTERBOXD = "letterboxd"
    TRAKT = "trakt"


class HistoryRow(NamedTuple):
    """One row. `problem`: why it says nothing of a film."""

    line: int  # of the file; of a JSON list the place, from 1
    title: str = ""
    year: int | None = None
    imdb_id: str = ""
    tmdb_id: int | None = None
    actions: tuple[tuple[int, datetime, float | None], ...] = ()  # kind, moment, stars
    problem: str = ""


def read_history_file(file: BinaryIO, encoding: str | None = None) -> tuple[HistorySource, list[HistoryRow]]:
    """Which site it is from is told by what the file names. Raises DataFileError."""
    if file.seek(0, io.SEEK_END) > MAX_FILE_SIZE:
        raise DataFileError("the file", None, f"has more than {MAX_FILE_SIZE:,} bytes")
    file.seek(0)
    begins = file.read(100).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    file.seek(0)
    return (HistorySource.TRAKT, list(_trakt_rows(file))) if begins == b"[" else _csv_rows(file, encoding)


_IMDB_COLUMNS, _LETTERBOXD_COLUMNS = ("Const", "Your Rating", "Date Rated"), ("Name", "Date")
_COLUMNS = Columns(
    (*_IMDB_COLUMNS, *_LETTERBOXD_COLUMNS, "Title", "Title Type", "Year", "Rating", "Watched Date"), allow_others=True
)


def _csv_rows(file: BinaryIO, encoding: str | None) -> tuple[HistorySource, list[HistoryRow]]:
    words = "is no export of IMDb (ratings), Letterboxd (diary, watched, ratings) or Trakt (history, ratings)"
    with csv_table(file, "the file", _COLUMNS, encoding) as table:
        if set(_IMDB_COLUMNS) <= set(table.names):
            source, read = HistorySource.IMDB, _imdb_row
        elif set(_LETTERBOXD_COLUMNS) <= set(table.names):
            source, read = HistorySource.LETTERBOXD, partial(_letterboxd_row, is_diary="Watched Date" in table.names)
        else:
            raise DataFileError("the file", 1, words)
        return source, [
            HistoryRow(row.line, problem=row.problem) if row.problem else _read_row(read, row.line, row.values)
            for row in table.rows
        ]


def _read_row(read: Callable[[int, Mapping[str, Any]], HistoryRow], line: int, row: Mapping[str, Any]) -> HistoryRow:
    try:
        return read(line, row)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        title = str(row.get("Title") or row.get("Name") or "")
        return HistoryRow(line, _clean_text(title), problem="lacks a title, a date or a rating that can be read")


def _imdb_row(line: int, row: Mapping[str, Any]) -> HistoryRow:
    if row.get("Title Type", "Movie").replace(" ", "").lower() not in ("movie", "tvmovie", "short", "video"):
        return HistoryRow(line, _clean_text(row["Title"]), problem="is no film")
    rated = (RATING, _parse_time(row["Date Rated"]), _parse_stars(row["Your Rating"], 10))
    return HistoryRow(line, _clean_text(row["Title"]), _parse_year(row.get("Year")), row["Const"], actions=(rated,))


def _letterboxd_row(line: int, row: Mapping[str, Any], *, is_diary: bool) -> HistoryRow:
    """A diary's entry is a watch, with or without stars; a row of the ratings is stars; one of the watched a watch."""
    stars = row.get("Rating")
    at = _parse_time(row.get("Watched Date") or row["Date"])
    did: list[tuple[int, datetime, float | None]] = [] if stars and not is_diary else [(WATCH, at, None)]
    did += [(RATING, at, _parse_stars(stars, 5))] if stars else []
    return HistoryRow(line, _clean_text(row["Name"]), _parse_year(row.get("Year")), actions=tuple(did))


def _trakt_rows(file: BinaryIO) -> Iterator[HistoryRow]:
    try:
        rows = json.load(io.TextIOWrapper(file, encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise DataFileError("the file", None, "is not JSON") from None
    for place, row in enumerate(rows if isinstance(rows, Sequence) else [rows], 1):
        if not isinstance(row, dict) or not isinstance(row.get("movie"), dict):
            yield HistoryRow(place, problem="is no film")
        else:
            yield _read_row(_trakt_row, place, row)


def _trakt_row(place: int, row: Mapping[str, Any]) -> HistoryRow:
    film, ids = row["movie"], row["movie"].get("ids") or {}
    did: tuple[int, datetime, float | None]
    if "rating" in row:
        did = (RATING, _parse_time(row["rated_at"]), _parse_stars(row["rating"], 10))
    else:
        did = (WATCH, _parse_time(row["watched_at"]), None)
    tmdb = ids.get("tmdb") if isinstance(ids.get("tmdb"), int) else None
    return HistoryRow(
        place,
        _clean_text(film["title"]),
        _parse_year(film.get("year")),
        _clean_text(ids.get("imdb") or ""),
        tmdb,
        (did,),
    )


def _clean_text(text: str) -> str:
    """As Postgres takes it."""
    return text.encode(errors="replace").decode().replace("\0", " ")[:MAX_TITLE_LENGTH]


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parse_year(text: Any) -> int | None:
    return year if text and MIN_YEAR <= (year := int(text)) <= MAX_YEAR else None


def _parse_stars(text: Any, best: int) -> float:
    """In halves, of five."""
    return min(5.0, max(0.5, round(float(text) * 10 / best) / 2))
