"""Import of rows, a batch at a time: existing records are changed, and a row sent twice counts once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from catalog.exchange.row_files import Row
from catalog.exchange.row_schemas import FIELDS, RowKind, validate_row
from catalog.models import Credit, WatchEvent
from catalog.selectors import resolve_movie_ids
from catalog.services import (
    EventStatus,
    GenreChange,
    MovieChange,
    NewCredit,
    NewEvent,
    backdate_viewers,
    record_events,
    write_credits,
    write_genres,
    write_movies,
    write_viewers,
)

BATCH_SIZE = 1000  # rows
_T = TypeVar("_T")
_KINDS = {kind.label: kind.value for kind in WatchEvent.Kind}
_ROLES = {role.label: role for role in Credit.Role}
_DUPLICATE = "duplicate"  # in place of a reason: the event exists already
_Values = Mapping[str, Any]
_Reasons = list[str]  # for each row why it was not written, or nothing


class Rejection(NamedTuple):
    """Why a row, or one field of it, was rejected."""

    line: int
    field: str  # "" for the row as a whole
    reason: str


class ImportResult(NamedTuple):
    """What became of the rows of a batch."""

    stored: int
    duplicates: int  # events that exist already
    rejected: int  # rows
    rejections: list[Rejection]  # all of them, by line
    duplicate_lines: list[int]


def batched(rows: Iterable[_T]) -> Iterator[list[_T]]:
    """Yield the rows in lists of BATCH_SIZE; the last list may be shorter."""
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH_SIZE)):
        yield batch


def import_rows(
    kind: RowKind, rows: Sequence[Row], *, trust_times: bool = False, create_genres: bool = False
) -> ImportResult:
    """Write up to BATCH_SIZE rows, true on the next read.

    `trust_times`: the operator, no client, dates the events. `create_genres`: genres of movies that are new are made.
    """
    valid: list[tuple[int, dict[str, Any]]] = []
    rejections: list[Rejection] = []
    for row in rows:
        values, problems = validate_row(kind, row)
        rejections += [Rejection(row.line, field, reason) for field, reason in problems]
        if not problems:
            valid.append((row.line, values))
    rows_to_write = [values for _, values in valid]
    if kind is RowKind.MOVIES:
        reasons = _write_movies(rows_to_write, create_genres)
    else:
        reasons = _WRITERS[kind](rows_to_write) if valid else []
    if trust_times and kind is RowKind.EVENTS:
        backdate_viewers({values["user_id"] for _, values in valid})
    for (line, _), reason in zip(valid, reasons, strict=True):
        if reason not in ("", _DUPLICATE):
            rejections.append(Rejection(line, *_split_field(kind, reason)))
    stored = reasons.count("")
    duplicates = [line for (line, _), reason in zip(valid, reasons, strict=True) if reason == _DUPLICATE]
    rejected = len(rows) - stored - len(duplicates)
    return ImportResult(stored, len(duplicates), rejected, sorted(rejections), duplicates)


def _split_field(kind: RowKind, reason: str) -> tuple[str, str]:
    """Return the field that the reason begins with, if it does, and the reason."""
    field, mark, message = reason.partition(": ")
    if mark and field in FIELDS[kind]:
        return field, message
    first_word = reason.partition(" ")[0]
    return (first_word if first_word in FIELDS[kind] else ""), reason


def event_facts(rows: Sequence[Row]) -> list[tuple[int, int, datetime]]:
    """Return (movie, kind, moment) of each valid row of events whose movie exists."""
    valid = [values for values, problems in (validate_row(RowKind.EVENTS, row) for row in rows) if not problems]
    movies = resolve_movie_ids({values["movie_id"] for values in valid})
    return [
        (movies[values["movie_id"]], _KINDS[values["kind"]], values["occurred_at"])
        for values in valid
        if values["movie_id"] in movies
    ]


def _write_movies(rows: Sequence[_Values], create_genres: bool) -> _Reasons:
    changes = [
        MovieChange(row.get("movie_id"), {name: value for name, value in row.items() if name != "movie_id"})
        for row in rows
    ]
    return [result.reason for result in write_movies(changes, create_genres=create_genres)]


def _write_people(rows: Sequence[_Values]) -> _Reasons:
    def write(known: Sequence[tuple[_Values, int]]) -> _Reasons:
        write_credits([NewCredit(movie, row["name"], _ROLES[row["role"]], row["order"]) for row, movie in known])
        return [""] * len(known)

    return _with_movies(rows, write)


def _write_genres(rows: Sequence[_Values]) -> _Reasons:
    return write_genres([GenreChange(row["name"], row.get("aliases"), row.get("translations", {})) for row in rows])


def _write_viewers(rows: Sequence[_Values]) -> _Reasons:
    write_viewers(rows)
    return [""] * len(rows)


def _write_events(rows: Sequence[_Values]) -> _Reasons:
    def write(known: Sequence[tuple[_Values, int]]) -> _Reasons:
        events = [
            NewEvent(
                row["user_id"],
                movie,
                _KINDS[row["kind"]],
                row["occurred_at"],
                row["rating"],
                row["completion"],
                row["event_id"],
                is_session=row["session"],
            )
            for row, movie in known
        ]
        return [
            _DUPLICATE if result.status is EventStatus.DUPLICATE else result.reason for result in record_events(events)
        ]

    return _with_movies(rows, write)


def _with_movies(rows: Sequence[_Values], write: Callable[[Sequence[tuple[_Values, int]]], _Reasons]) -> _Reasons:
    """Write the rows whose movie exists, each with the movie's id."""
    movies = resolve_movie_ids({row["movie_id"] for row in rows})
    known = [(row, movies[row["movie_id"]]) for row in rows if row["movie_id"] in movies]
    reasons = iter(write(known) if known else [])
    return [
        next(reasons) if row["movie_id"] in movies else f"movie_id: The catalogue has no film {row['movie_id']}."
        for row in rows
    ]


_WRITERS: dict[RowKind, Callable[[Sequence[_Values]], _Reasons]] = {
    RowKind.PEOPLE: _write_people,
    RowKind.GENRES: _write_genres,
    RowKind.VIEWERS: _write_viewers,
    RowKind.EVENTS: _write_events,
}
