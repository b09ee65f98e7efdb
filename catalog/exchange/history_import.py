"""A person's own export into a viewer's history, with a report of what was found for it."""

from collections import Counter
from typing import BinaryIO, NamedTuple

from django.db import transaction

from catalog.errors import DataFileError
from catalog.exchange.history_files import HistoryRow, HistorySource, read_history_file
from catalog.exchange.row_import import batched
from catalog.selectors import Match, MovieReference, match_movies
from catalog.services import EventStatus, NewEvent, record_events

MAX_ROWS = 50_000
_MESSAGES = {"unknown": "The catalogue has no film of this title and year.", "several": "Several films are called so."}


class UnmatchedRow(NamedTuple):
    line: int
    title: str
    year: int | None
    reason: str


class HistoryReport(NamedTuple):
    source: HistorySource
    rows: int
    by_id: int
    by_title: int
    stored: int  # events that are new
    duplicates: int  # events that are there already
    unmatched: list[UnmatchedRow]


def import_history(viewer_id: int, file: BinaryIO, encoding: str | None = None) -> HistoryReport:
    """Twice stores nothing anew. Each row is found by id, by title, or unmatched. One transaction; raises DataFileError
    with nothing stored."""
    source, told = read_history_file(file, encoding)
    if len(told) > MAX_ROWS:
        raise DataFileError("the file", None, f"has {len(told):,} rows; the limit is {MAX_ROWS:,}")
    sound = [one for one in told if not one.problem]
    matches = match_movies([MovieReference(one.title, one.year, one.imdb_id, one.tmdb_id) for one in sound])
    done, refused = _record_events(_new_events(viewer_id, sound, matches))
    unmatched = [UnmatchedRow(one.line, one.title, one.year, one.problem) for one in told if one.problem]
    unmatched += [
        UnmatchedRow(one.line, one.title, one.year, _MESSAGES[match.by])
        for one, match in zip(sound, matches, strict=True)
        if match.movie_id is None
    ]
    by = Counter(match.by for one, match in zip(sound, matches, strict=True) if one.line not in refused)
    counts = done[EventStatus.STORED], done[EventStatus.DUPLICATE]
    return HistoryReport(
        source,
        len(told),
        by["id"],
        by["title"],
        *counts,
        sorted([*unmatched, *refused.values()], key=lambda one: one.line),
    )


def _record_events(events: list[tuple[HistoryRow, NewEvent]]) -> tuple[Counter[EventStatus], dict[int, UnmatchedRow]]:
    """How many events ended how; and the rows, by line, of which one was refused."""
    done, refused = Counter[EventStatus](), dict[int, UnmatchedRow]()
    with transaction.atomic():
        for block in batched(events):
            results = record_events([event for _, event in block])
            done.update(result.status for result in results)
            for (one, _), result in zip(block, results, strict=True):
                if result.reason:
                    refused[one.line] = UnmatchedRow(one.line, one.title, one.year, result.reason)
    return done, refused


def _new_events(viewer_id: int, told: list[HistoryRow], matches: list[Match]) -> list[tuple[HistoryRow, NewEvent]]:
    """In the order in which things happened, as the order is kept for equal times."""
    found = [
        (one, NewEvent(viewer_id, match.movie_id, kind, at, stars))
        for one, match in zip(told, matches, strict=True)
        if match.movie_id is not None
        for kind, at, stars in one.actions
    ]
    return sorted(found, key=lambda pair: pair[1].occurred_at)
