"""Import of a person's own export into a viewer's history, with a report of what was matched."""

from collections import Counter
from typing import BinaryIO, NamedTuple

from django.db import transaction

from catalog.errors import DataFileError
from catalog.exchange.history_files import HistoryRow, HistorySource, read_history_file
from catalog.exchange.row_import import batched
from catalog.keys import Key
from catalog.selectors import Match, MovieReference, match_movies
from catalog.services import EventStatus, NewEvent, record_events

MAX_ROWS = 50_000
_MESSAGES = {
    "unknown": "The catalogue has no film of this title and year.",
    "several": "Several films are called so.",
}


class UnmatchedRow(NamedTuple):
    """A row that was left out, and why."""

    line: int
    title: str
    year: int | None
    reason: str


class HistoryReport(NamedTuple):
    """What became of the rows and their events."""

    source: HistorySource
    rows: int
    by_id: int
    by_title: int
    stored: int  # new events
    duplicates: int  # events that exist already
    unmatched: list[UnmatchedRow]


def import_history(viewer: Key, file: BinaryIO, encoding: str | None = None) -> HistoryReport:
    """Match each row by id or by title and store its events, in one transaction. A second time stores nothing new.

    Raises DataFileError with nothing stored.
    """
    source, rows = read_history_file(file, encoding)
    if len(rows) > MAX_ROWS:
        raise DataFileError("the file", None, f"has {len(rows):,} rows; the limit is {MAX_ROWS:,}")
    valid = [row for row in rows if not row.problem]
    matches = match_movies([MovieReference(row.title, row.year, row.imdb_id, row.tmdb_id) for row in valid])
    statuses, rejected = _record_events(viewer, valid, matches)
    unmatched = [UnmatchedRow(row.line, row.title, row.year, row.problem) for row in rows if row.problem]
    unmatched += [
        UnmatchedRow(row.line, row.title, row.year, _MESSAGES[match.by])
        for row, match in zip(valid, matches, strict=True)
        if match.movie_id is None
    ]
    matched_by = Counter(match.by for row, match in zip(valid, matches, strict=True) if row.line not in rejected)
    return HistoryReport(
        source,
        len(rows),
        matched_by["id"],
        matched_by["title"],
        statuses[EventStatus.STORED],
        statuses[EventStatus.DUPLICATE],
        sorted([*unmatched, *rejected.values()], key=lambda row: row.line),
    )


def _record_events(
    viewer: Key, rows: list[HistoryRow], matches: list[Match]
) -> tuple[Counter[EventStatus], dict[int, UnmatchedRow]]:
    """Store the events of matched rows, ordered by time: the order is kept for equal times.

    Returns how many events have each status; and the rows, by line, with a rejected event.
    """
    events = [
        (row, NewEvent(viewer, match.movie_id, kind, at, stars))
        for row, match in zip(rows, matches, strict=True)
        if match.movie_id is not None
        for kind, at, stars in row.actions
    ]
    events.sort(key=lambda pair: pair[1].occurred_at)
    statuses, rejected = Counter[EventStatus](), dict[int, UnmatchedRow]()
    with transaction.atomic():
        for batch in batched(events):
            results = record_events([event for _, event in batch])
            statuses.update(result.status for result in results)
            for (row, _), result in zip(batch, results, strict=True):
                if result.reason:
                    rejected[row.line] = UnmatchedRow(row.line, row.title, row.year, result.reason)
    return statuses, rejected
