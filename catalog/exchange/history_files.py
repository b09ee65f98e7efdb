"""Exports that people take with them from other sites: what was watched or rated when, and the movie as named there.

IMDb (ratings), Letterboxd (diary, watched, ratings) and Trakt (history, ratings).
"""

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
_IMDB_COLUMNS, _LETTERBOXD_COLUMNS = ("Const", "Your Rating", "Date Rated"), ("Name", "Date")
_COLUMNS = Columns(
    (*_IMDB_COLUMNS, *_LETTERBOXD_COLUMNS, "Title", "Title Type", "Year", "Rating", "Watched Date"), allow_others=True
)

_Action = tuple[int, datetime, float | None]  # kind, moment, stars


class HistorySource(StrEnum):
    """The site that an export is from."""

    IMDB = "imdb"
    LETTERBOXD = "letterboxd"
    TRAKT = "trakt"


class HistoryRow(NamedTuple):
    """One row of an export. `problem`: why it describes no movie."""

    line: int  # of the file; of a JSON list the position, from 1
    title: str = ""
    year: int | None = None
    imdb_id: str = ""
    tmdb_id: int | None = None
    actions: tuple[_Action, ...] = ()
    problem: str = ""


def read_history_file(file: BinaryIO, encoding: str | None = None) -> tuple[HistorySource, list[HistoryRow]]:
    """Read an export; the columns tell which site it is from. Raises DataFileError."""
    if file.seek(0, io.SEEK_END) > MAX_FILE_SIZE:
        raise DataFileError("the file", None, f"has more than {MAX_FILE_SIZE:,} bytes")
    file.seek(0)
    first = file.read(100).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    file.seek(0)
    return (HistorySource.TRAKT, list(_trakt_rows(file))) if first == b"[" else _csv_rows(file, encoding)


def _csv_rows(file: BinaryIO, encoding: str | None) -> tuple[HistorySource, list[HistoryRow]]:
    with csv_table(file, "the file", _COLUMNS, encoding) as table:
        if set(_IMDB_COLUMNS) <= set(table.names):
            source, read = HistorySource.IMDB, _imdb_row
        elif set(_LETTERBOXD_COLUMNS) <= set(table.names):
            source, read = HistorySource.LETTERBOXD, partial(_letterboxd_row, is_diary="Watched Date" in table.names)
        else:
            message = "is no export of IMDb (ratings), Letterboxd (diary, watched, ratings) or Trakt (history, ratings)"
            raise DataFileError("the file", 1, message)
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
    rating = (RATING, _parse_time(row["Date Rated"]), _parse_stars(row["Your Rating"], 10))
    return HistoryRow(line, _clean_text(row["Title"]), _parse_year(row.get("Year")), row["Const"], actions=(rating,))


def _letterboxd_row(line: int, row: Mapping[str, Any], *, is_diary: bool) -> HistoryRow:
    """Read a diary entry as a watch, perhaps with a rating; a row of the other files as one of the two."""
    stars = row.get("Rating")
    at = _parse_time(row.get("Watched Date") or row["Date"])
    actions: list[_Action] = [] if stars and not is_diary else [(WATCH, at, None)]
    actions += [(RATING, at, _parse_stars(stars, 5))] if stars else []
    return HistoryRow(line, _clean_text(row["Name"]), _parse_year(row.get("Year")), actions=tuple(actions))


def _trakt_rows(file: BinaryIO) -> Iterator[HistoryRow]:
    try:
        rows = json.load(io.TextIOWrapper(file, encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise DataFileError("the file", None, "is not JSON") from None
    for position, row in enumerate(rows if isinstance(rows, Sequence) else [rows], 1):
        if not isinstance(row, dict) or not isinstance(row.get("movie"), dict):
            yield HistoryRow(position, problem="is no film")
        else:
            yield _read_row(_trakt_row, position, row)


def _trakt_row(position: int, row: Mapping[str, Any]) -> HistoryRow:
    movie, ids = row["movie"], row["movie"].get("ids") or {}
    action: _Action
    if "rating" in row:
        action = (RATING, _parse_time(row["rated_at"]), _parse_stars(row["rating"], 10))
    else:
        action = (WATCH, _parse_time(row["watched_at"]), None)
    return HistoryRow(
        position,
        _clean_text(movie["title"]),
        _parse_year(movie.get("year")),
        _clean_text(ids.get("imdb") or ""),
        ids["tmdb"] if isinstance(ids.get("tmdb"), int) else None,
        (action,),
    )


def _clean_text(text: str) -> str:
    """Return the text as Postgres takes it, at most MAX_TITLE_LENGTH long."""
    return text.encode(errors="replace").decode().replace("\0", " ")[:MAX_TITLE_LENGTH]


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parse_year(text: Any) -> int | None:
    return year if text and MIN_YEAR <= (year := int(text)) <= MAX_YEAR else None


def _parse_stars(text: Any, best: int) -> float:
    """Return stars in halves, of five, for a rating of which `best` is the highest."""
    return min(5.0, max(0.5, round(float(text) * 10 / best) / 2))
