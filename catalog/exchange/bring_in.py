"""Rows into the tables, a block at a time: what is there already is changed, and a row sent twice counts once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from catalog.exchange.files import Row
from catalog.exchange.rows import FIELDS, Kind, judged
from catalog.models import Credit, WatchEvent
from catalog.selectors import movies_named
from catalog.services import (
    EventStatus,
    MovieChange,
    NewCredit,
    NewEvent,
    known_since_first_event,
    record_events,
    write_credits,
    write_movies,
    write_viewers,
)

BLOCK = 1000  # rows
_T = TypeVar("_T")
_KINDS = {kind.label: kind.value for kind in WatchEvent.Kind}
_ROLES = {role.label: role for role in Credit.Role}
_SAME = "duplicate"  # in place of a reason: the fact is there already
_Written = list[str]  # for each row a reason why not, or nothing


class Rejected(NamedTuple):
    line: int
    field: str  # "" for the row as a whole
    reason: str


class Outcome(NamedTuple):
    stored: int
    duplicates: int  # events that are there already
    rejected: int  # rows
    reasons: list[Rejected]  # all of them, by line


def blocks(rows: Iterable[_T]) -> Iterator[list[_T]]:
    """Of BLOCK."""
    every = iter(rows)
    while block := list(islice(every, BLOCK)):
        yield block


def bring_in(kind: Kind, rows: Sequence[Row], *, vouched: bool = False) -> Outcome:
    """Up to BLOCK rows. True on the next read. `vouched`: the site's operator says when events happened, no client."""
    sound: list[tuple[int, dict[str, Any]]] = []
    reasons: list[Rejected] = []
    for row in rows:
        values, problems = judged(kind, row)
        reasons += [Rejected(row.line, field, reason) for field, reason in problems]
        if not problems:
            sound.append((row.line, values))
    written = _WRITERS[kind]([values for _, values in sound]) if sound else []
    if vouched and kind is Kind.EVENTS:
        known_since_first_event({values["user_id"] for _, values in sound})
    for (line, _), reason in zip(sound, written, strict=True):
        if reason not in ("", _SAME):
            reasons.append(Rejected(line, *_parted(kind, reason)))
    stored, duplicates = written.count(""), written.count(_SAME)
    return Outcome(stored, duplicates, len(rows) - stored - duplicates, sorted(reasons))


def _parted(kind: Kind, reason: str) -> tuple[str, str]:
    """The field that the reason begins with, if it does."""
    field, mark, words = reason.partition(": ")
    if mark and field in FIELDS[kind]:
        return field, words
    first = reason.partition(" ")[0]
    return (first if first in FIELDS[kind] else ""), reason


def facts(rows: Sequence[Row]) -> list[tuple[int, int, datetime]]:
    """Film, kind and moment of each sound row of events whose film is there."""
    sound = [values for values, problems in (judged(Kind.EVENTS, row) for row in rows) if not problems]
    films = movies_named({values["movie_id"] for values in sound})
    return [
        (films[values["movie_id"]], _KINDS[values["kind"]], values["occurred_at"])
        for values in sound
        if values["movie_id"] in films
    ]


def _films(rows: Sequence[Mapping[str, Any]]) -> _Written:
    changes = [
        MovieChange(row.get("movie_id"), {name: value for name, value in row.items() if name != "movie_id"})
        for row in rows
    ]
    return [written.reason for written in write_movies(changes)]


def _people(rows: Sequence[Mapping[str, Any]]) -> _Written:
    def write(known: Sequence[tuple[Mapping[str, Any], int]]) -> _Written:
        write_credits([NewCredit(film, row["name"], _ROLES[row["role"]], row["order"]) for row, film in known])
        return [""] * len(known)

    return _with_films(rows, write)


def _viewers(rows: Sequence[Mapping[str, Any]]) -> _Written:
    write_viewers(rows)
    return [""] * len(rows)


def _events(rows: Sequence[Mapping[str, Any]]) -> _Written:
    def write(known: Sequence[tuple[Mapping[str, Any], int]]) -> _Written:
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
        return [_SAME if one.status is EventStatus.DUPLICATE else one.reason for one in record_events(events)]

    return _with_films(rows, write)


def _with_films(
    rows: Sequence[Mapping[str, Any]], write: Callable[[Sequence[tuple[Mapping[str, Any], int]]], _Written]
) -> _Written:
    """Writes the rows whose film is there."""
    films = movies_named({row["movie_id"] for row in rows})
    known = [(row, films[row["movie_id"]]) for row in rows if row["movie_id"] in films]
    told = iter(write(known) if known else [])
    missing = "movie_id: The catalogue has no such film."
    return [next(told) if row["movie_id"] in films else missing for row in rows]


_WRITERS: dict[Kind, Callable[[Sequence[Mapping[str, Any]]], _Written]] = {
    Kind.MOVIES: _films,
    Kind.PEOPLE: _people,
    Kind.VIEWERS: _viewers,
    Kind.EVENTS: _events,
}
