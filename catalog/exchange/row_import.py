"""Rows into the tables, a block at a time: what is there already is changed, and a row sent twice counts once."""

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
    MovieChange,
    NewCredit,
    NewEvent,
    backdate_viewers,
    record_events,
    write_credits,
    write_movies,
    write_viewers,
)

BATCH_SIZE = 1000  # rows
_T = TypeVar("_T")
_KINDS = {kind.label: kind.value for kind in WatchEvent.Kind}
_ROLES = {role.label: role for role in Credit.Role}
_DUPLICATE = "duplicate"  # in place of a reason: the fact is there already
_Reasons = list[str]  # for each row a reason why not, or nothing


class Rejection(NamedTuple):
    line: int
    field: str  # "" for the row as a whole
    reason: str


class ImportResult(NamedTuple):
    stored: int
    duplicates: int  # events that are there already
    rejected: int  # rows
    rejections: list[Rejection]  # all of them, by line


def batched(rows: Iterable[_T]) -> Iterator[list[_T]]:
    """Of BLOCK."""
    every = iter(rows)
    while block := list(islice(every, BATCH_SIZE)):
        yield block


def import_rows(kind: RowKind, rows: Sequence[Row], *, trust_times: bool = False) -> ImportResult:
    """Up to BLOCK rows. True on the next read. `vouched`: the site's operator says when events happened, no client."""
    sound: list[tuple[int, dict[str, Any]]] = []
    reasons: list[Rejection] = []
    for row in rows:
        values, problems = validate_row(kind, row)
        reasons += [Rejection(row.line, field, reason) for field, reason in problems]
        if not problems:
            sound.append((row.line, values))
    written = _WRITERS[kind]([values for _, values in sound]) if sound else []
    if trust_times and kind is RowKind.EVENTS:
        backdate_viewers({values["user_id"] for _, values in sound})
    for (line, _), reason in zip(sound, written, strict=True):
        if reason not in ("", _DUPLICATE):
            reasons.append(Rejection(line, *_split_field(kind, reason)))
    stored, duplicates = written.count(""), written.count(_DUPLICATE)
    return ImportResult(stored, duplicates, len(rows) - stored - duplicates, sorted(reasons))


def _split_field(kind: RowKind, reason: str) -> tuple[str, str]:
    """The field that the reason begins with, if it does."""
    field, mark, words = reason.partition(": ")
    if mark and field in FIELDS[kind]:
        return field, words
    first = reason.partition(" ")[0]
    return (first if first in FIELDS[kind] else ""), reason


def event_facts(rows: Sequence[Row]) -> list[tuple[int, int, datetime]]:
    """Film, kind and moment of each sound row of events whose film is there."""
    sound = [values for values, problems in (validate_row(RowKind.EVENTS, row) for row in rows) if not problems]
    films = resolve_movie_ids({values["movie_id"] for values in sound})
    return [
        (films[values["movie_id"]], _KINDS[values["kind"]], values["occurred_at"])
        for values in sound
        if values["movie_id"] in films
    ]


def _write_movies(rows: Sequence[Mapping[str, Any]]) -> _Reasons:
    changes = [
        MovieChange(row.get("movie_id"), {name: value for name, value in row.items() if name != "movie_id"})
        for row in rows
    ]
    return [written.reason for written in write_movies(changes)]


def _write_people(rows: Sequence[Mapping[str, Any]]) -> _Reasons:
    def write(known: Sequence[tuple[Mapping[str, Any], int]]) -> _Reasons:
        write_credits([NewCredit(film, row["name"], _ROLES[row["role"]], row["order"]) for row, film in known])
        return [""] * len(known)

    return _with_movies(rows, write)


def _write_viewers(rows: Sequence[Mapping[str, Any]]) -> _Reasons:
    write_viewers(rows)
    return [""] * len(rows)


def _write_events(rows: Sequence[Mapping[str, Any]]) -> _Reasons:
    def write(known: Sequence[tuple[Mapping[str, Any], int]]) -> _Reasons:
        events = [
            NewEvent(
                row["user_id"],
                film,
                _KINDS[row["kind"]],
                row["occurred_at"],
                row["rating"],
                row["completion"],
                row["event_id"],
                is_session=row["session"],
            )
            for row, film in known
        ]
        return [_DUPLICATE if one.status is EventStatus.DUPLICATE else one.reason for one in record_events(events)]

    return _with_movies(rows, write)


def _with_movies(
    rows: Sequence[Mapping[str, Any]], write: Callable[[Sequence[tuple[Mapping[str, Any], int]]], _Reasons]
) -> _Reasons:
    """Writes the rows whose film is there."""
    films = resolve_movie_ids({row["movie_id"] for row in rows})
    known = [(row, films[row["movie_id"]]) for row in rows if row["movie_id"] in films]
    told = iter(write(known) if known else [])
    missing = "movie_id: The catalogue has no such film."
    return [next(told) if row["movie_id"] in films else missing for row in rows]


_WRITERS: dict[RowKind, Callable[[Sequence[Mapping[str, Any]]], _Reasons]] = {
    RowKind.MOVIES: _write_movies,
    RowKind.PEOPLE: _write_people,
    RowKind.VIEWERS: _write_viewers,
    RowKind.EVENTS: _write_events,
}
