"""Import of a person's own file into a viewer's history, with a report of what was matched."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

from django.db import transaction

from catalog.exchange.history.merging import Said, merge_statements
from catalog.exchange.history.reading import FileReport, History, ReadOptions, read_history
from catalog.exchange.history.rows import NO_FILM, Basis, HistoryRow, HistorySource, Kind, Statement
from catalog.exchange.row_import import batched
from catalog.keys import Key
from catalog.selectors import KnownViewings, Match, MovieReference, known_viewings, match_movies, movie_runtimes
from catalog.services import EventBlock, EventStatus, MadeRecords, NewEvent, record_block

Matches = dict[int, Match]  # of rows, by position
UNKNOWN_RUNTIME = 90  # minutes: of a film of which it is not known
_MESSAGES = {
    "unknown": "The catalogue has no film of this title.",
    "year": "The catalogue has films of this title of other years: {films}.",
    "several": "Several films are called so: {films}.",
    "other_id": "By its id it is another film than {films}.",
    "ids": "Its ids are of two films: {films}.",
}


class UnmatchedRow(NamedTuple):
    """A row that was left out, and why."""

    line: int
    title: str
    year: int | None
    reason: str
    file: str = ""  # in an archive


class HistoryReport(NamedTuple):
    """What became of the rows and their events."""

    source: HistorySource
    rows: int
    by_id: int
    by_title: int
    stored: int  # new events
    duplicates: int  # events that exist already
    unmatched: list[UnmatchedRow]
    merged: int  # rows that say nothing beside other rows of their film
    events: dict[str, int]  # by kind: what the file says, stored now or there already
    other_rows: int  # of episodes, games and the like
    files: list[FileReport]
    dry_run: bool


class _Event(NamedTuple):
    """An event that a row gives."""

    row: int  # its position
    event: NewEvent


def import_history(
    viewer: Key, file: BinaryIO, options: ReadOptions | None = None, *, dry_run: bool = False
) -> HistoryReport:
    """Match each row by id or by title and store its events, in one transaction. A second time stores nothing new.

    `dry_run`: nothing is stored; the report says what would have been. Raises DataFileError with nothing stored.
    """
    history = read_history(file, options or ReadOptions())
    return store_history(viewer, history, match_rows(history.rows), dry_run=dry_run)


def match_rows(
    rows: Sequence[HistoryRow], progress: Callable[[int, int], object] = lambda done, total: None
) -> Matches:
    """Return for each row that can be read, by its position, which film it means. `progress` as in match_movies()."""
    valid = [position for position, row in enumerate(rows) if not row.problem]
    found = match_movies([_reference(rows[position]) for position in valid], progress)
    return dict(zip(valid, found, strict=True))


def store_history(
    viewer: Key, history: History, matches: Matches, *, dry_run: bool = False, made: MadeRecords | None = None
) -> HistoryReport:
    """Store the events of rows whose films are known, in one transaction.

    `dry_run` as in import_history(); `made`: is filled with what the rows make.
    """
    rows = history.rows
    movies = {position: match.movie_id for position, match in matches.items() if match.movie_id is not None}
    events, repeated = _settle(viewer, rows, movies)
    statuses, rejected = _record_events(events, dry_run, MadeRecords() if made is None else made)
    kinds = Counter(Kind(event.kind).label for _, event in events)
    by = Counter(match.by for position, match in matches.items() if position not in rejected)
    return HistoryReport(
        history.source,
        len(rows) + history.other_rows - sum(row.is_no_film for row in rows),
        by["id"],
        by["title"],
        statuses[EventStatus.STORED],
        statuses[EventStatus.DUPLICATE] + repeated,
        _unmatched(rows, matches, rejected),
        len(movies.keys() - {event.row for event in events}),
        dict(sorted(kinds.items())),
        history.other_rows,
        history.files,
        dry_run,
    )


def _reference(row: HistoryRow) -> MovieReference:
    if row.only_by_id:
        return MovieReference("", None, row.imdb_id, row.tmdb_id)
    return MovieReference(row.title, row.year, row.imdb_id, row.tmdb_id, row.other_title, row.directors)


def _settle(viewer: Key, rows: Sequence[HistoryRow], movies: dict[int, int]) -> tuple[list[_Event], int]:
    """Return the events that the rows give together, in the order of their moments; and how many are left out because
    the viewer's history says the same with a moment that is as good."""
    runtimes = movie_runtimes(set(movies.values()))
    said: dict[int, list[Said]] = {}
    years: dict[int, int | None] = {}
    for position, movie_id in movies.items():
        said.setdefault(movie_id, []).extend(
            Said(position, _with_share(statement, runtimes.get(movie_id))) for statement in rows[position].statements
        )
        years[movie_id] = years.get(movie_id) or rows[position].year
    known = known_viewings(viewer, said.keys())
    events, repeated = [], 0
    for movie_id, statements in said.items():
        last_watch = max(known[movie_id].watched_at, default=None) if movie_id in known else None
        for one in merge_statements(statements, years[movie_id], last_watch):
            if movie_id in known and _is_known(one.statement, known[movie_id]):
                repeated += 1
            else:
                events.append(_event(viewer, movie_id, one))
    events.sort(key=lambda pair: (pair.event.occurred_at, pair.row))
    return events, repeated


def _with_share(statement: Statement, runtime: int | None) -> Statement:
    """Return the statement with the share of the film that was played, where it says how long. `runtime`: minutes."""
    if statement.seconds is None:
        return statement
    share = statement.seconds / 60 / (runtime or UNKNOWN_RUNTIME)
    return statement._replace(completion=min(1.0, round(share, 2)))


def _is_known(statement: Statement, known: KnownViewings) -> bool:
    """Say whether the viewer's history tells the same, perhaps from another file, with another moment that is as good:
    the same day of a watch, any day where it was only noted; the same stars. An event of the same moment is stored
    again, so that it counts as a duplicate."""
    if statement.kind == Kind.RATING:
        return known.stars == statement.stars and statement.at not in known.rated_at
    if statement.kind not in (Kind.WATCH, Kind.REWATCH) or statement.at is None:
        return False
    if statement.at in known.watched_at:
        return statement.completion is not None  # which may be another by now, as the film's runtime may be
    if statement.basis is not Basis.DEED:
        return bool(known.watched_at)
    return statement.at.date() in {at.date() for at in known.watched_at}


def _event(viewer: Key, movie_id: int, said: Said) -> _Event:
    statement = said.statement
    if statement.kind is None or statement.at is None:
        raise ValueError("merge_statements() gives every statement its kind and moment.")
    event = NewEvent(viewer, movie_id, statement.kind, statement.at, statement.stars, statement.completion)
    return _Event(said.row, event)


def _record_events(
    events: list[_Event], dry_run: bool, made: MadeRecords
) -> tuple[Counter[EventStatus], dict[int, str]]:
    """Store the events, ordered by time: the order is kept for equal times.

    Returns how many events have each status; and why rows, by position, had an event rejected.
    """
    statuses, rejected = Counter[EventStatus](), dict[int, str]()
    with transaction.atomic():
        for batch in batched(events):
            recorded = record_block(EventBlock.of([event for _, event in batch]))
            statuses[EventStatus.STORED] += len(batch) - len(recorded.others)
            statuses.update(result.status for result in recorded.others.values())
            rejected |= {batch[place].row: result.reason for place, result in recorded.others.items() if result.reason}
            made.add_events(recorded.ranges, recorded.renewed, recorded.new_viewers)
        transaction.set_rollback(dry_run)
    return statuses, rejected


def _unmatched(rows: Sequence[HistoryRow], matches: Matches, rejected: dict[int, str]) -> list[UnmatchedRow]:
    reasons = {position: row.problem for position, row in enumerate(rows) if row.problem} | rejected
    for position, match in matches.items():
        if match.movie_id is None:
            message = _MESSAGES[match.by].format(films=", ".join(match.films))
            reasons[position] = NO_FILM if rows[position].only_by_id else message
    return [
        UnmatchedRow(row.line, row.title, row.year, reasons[position], row.file)
        for position, row in enumerate(rows)
        if position in reasons
    ]
