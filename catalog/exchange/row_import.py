"""Import of rows, a batch at a time: existing records are changed, and a row sent twice counts once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, TypeVar

from catalog.exchange.csv_header import Columns
from catalog.exchange.event_rows import KINDS, EventRows, read_event_rows
from catalog.exchange.row_files import FileFormat, csv_table, json_blocks, read_rows
from catalog.exchange.row_schemas import FIELDS, RowKind, validate_row
from catalog.exchange.text_blocks import Batch, Row, rows_of
from catalog.models import Credit
from catalog.selectors import resolve_movie_ids
from catalog.services import (
    EventBlock,
    EventStatus,
    GenreChange,
    MadeRecords,
    MovieChange,
    NewCredit,
    RecordKind,
    WriteProblem,
    record_block,
    write_credits,
    write_genres,
    write_movies,
    write_viewers,
)

BATCH_SIZE = 1000  # rows
BLOCK_SIZE = 10_000  # rows of events, which are written as columns
HOW_TO_SHARE = " Where both are meant, say shared_ids."
_T = TypeVar("_T")
_ROLES = {role.label: role for role in Credit.Role}
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


def read_batches(
    kind: RowKind,
    file: BinaryIO,
    file_format: FileFormat,
    name: str,
    *,
    columns: Columns,
    encoding: str | None = None,
    max_rows: int | None = None,
) -> Iterator[Batch]:
    """Yield the rows of a file, as many at a time as are written at once. Parameters and errors as in read_rows()."""
    if kind is RowKind.EVENTS and file_format is FileFormat.CSV:
        with csv_table(file, name, columns, encoding) as table:
            yield from table.blocks(BLOCK_SIZE)
    elif kind is RowKind.EVENTS and file_format is FileFormat.JSONL:
        yield from json_blocks(file, name, columns, encoding, BLOCK_SIZE)
    else:
        rows = read_rows(file, file_format, name, columns=columns, encoding=encoding, max_rows=max_rows)
        yield from batched(rows, BLOCK_SIZE if kind is RowKind.EVENTS else BATCH_SIZE)


def batched(items: Iterable[_T], size: int | None = None) -> Iterator[list[_T]]:
    """Yield the items in lists of this size, else of BATCH_SIZE; the last list may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size or BATCH_SIZE)):
        yield batch


def import_rows(
    kind: RowKind,
    batch: Batch,
    *,
    newcomers: set[int] | None = None,
    create_genres: bool = False,
    made: MadeRecords | None = None,
) -> ImportResult:
    """Write the rows of a batch, true on the next read.

    `newcomers`: the operator, no client, dates the events; ids of the viewers whom earlier batches of the import have
    created, is filled. `create_genres`: genres of movies that are new are made. `made`: is filled with what the rows
    make.
    """
    made = MadeRecords() if made is None else made
    if kind is RowKind.EVENTS:
        return _import_events(read_event_rows(batch), newcomers, made)
    rows = rows_of(batch)
    valid: list[tuple[int, dict[str, Any]]] = []
    rejections: list[Rejection] = []
    for row in rows:
        values, problems = validate_row(kind, row)
        rejections += [Rejection(row.line, field, reason) for field, reason in problems]
        if not problems:
            valid.append((row.line, values))
    rows_to_write = [values for _, values in valid]
    if kind is RowKind.MOVIES:
        reasons = _write_movies(rows_to_write, create_genres, made)
    else:
        reasons = _WRITERS[kind](rows_to_write, made) if valid else []
    for (line, _), reason in zip(valid, reasons, strict=True):
        if reason:
            rejections.append(Rejection(line, *_split_field(kind, reason)))
    stored = reasons.count("")
    return ImportResult(stored, 0, len(rows) - stored, sorted(rejections), [])


def _import_events(rows: EventRows, newcomers: set[int] | None, made: MadeRecords) -> ImportResult:
    count, rejections = len(rows.lines) + len(rows.doubtful), list[Rejection]()
    for row in rows.doubtful:
        _, problems = validate_row(RowKind.EVENTS, row)
        rejections += [Rejection(row.line, field, reason) for field, reason in problems]
    movies = resolve_movie_ids(set(rows.movies))
    if unknown := {place: movie for place, movie in enumerate(rows.movies) if movie not in movies}:
        for place, movie in unknown.items():
            rejections.append(Rejection(rows.lines[place], "movie_id", f"The catalogue has no film {movie}."))
        rows = rows.without(unknown)
    block = EventBlock(
        rows.viewers,
        [movies[movie] for movie in rows.movies],
        rows.kinds,
        rows.moments,
        rows.ratings,
        rows.completions,
        rows.event_ids,
        rows.sessions,
    )
    recorded = record_block(block, newcomers=newcomers)
    made.add_events(recorded.ranges, recorded.renewed, recorded.new_viewers)
    made.add(RecordKind.VIEWERS, (), recorded.backdated)
    duplicates = []
    for place, result in recorded.others.items():
        if result.status is EventStatus.DUPLICATE:
            duplicates.append(rows.lines[place])
        else:
            rejections.append(Rejection(rows.lines[place], *_split_field(RowKind.EVENTS, result.reason)))
    stored = len(block) - len(recorded.others)
    rejected = count - stored - len(duplicates)
    return ImportResult(stored, len(duplicates), rejected, sorted(rejections), sorted(duplicates))


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
        (movies[values["movie_id"]], KINDS[values["kind"]], values["occurred_at"])
        for values in valid
        if values["movie_id"] in movies
    ]


def _write_movies(rows: Sequence[_Values], create_genres: bool, made: MadeRecords) -> _Reasons:
    changes = [
        MovieChange(row.get("movie_id"), {name: value for name, value in row.items() if name != "movie_id"})
        for row in rows
    ]
    results = write_movies(changes, create_genres=create_genres, made=made)
    return [f"{result.reason}{HOW_TO_SHARE if result.problem is WriteProblem.EXISTS else ''}" for result in results]


def _write_people(rows: Sequence[_Values], made: MadeRecords) -> _Reasons:
    def write(known: Sequence[tuple[_Values, int]]) -> _Reasons:
        credits_ = [NewCredit(movie, row["person"], _ROLES[row["role"]], row["order"]) for row, movie in known]
        write_credits(credits_, made=made)
        return [""] * len(known)

    return _with_movies(rows, write)


def _write_genres(rows: Sequence[_Values], made: MadeRecords) -> _Reasons:
    changes = [GenreChange(row["name"], row.get("aliases"), row.get("translations", {})) for row in rows]
    return write_genres(changes, made=made)


def _write_viewers(rows: Sequence[_Values], made: MadeRecords) -> _Reasons:
    return write_viewers(rows, made=made)


def _with_movies(rows: Sequence[_Values], write: Callable[[Sequence[tuple[_Values, int]]], _Reasons]) -> _Reasons:
    """Write the rows whose movie exists, each with the movie's id."""
    movies = resolve_movie_ids({row["movie_id"] for row in rows})
    known = [(row, movies[row["movie_id"]]) for row in rows if row["movie_id"] in movies]
    reasons = iter(write(known) if known else [])
    return [
        next(reasons) if row["movie_id"] in movies else f"movie_id: The catalogue has no film {row['movie_id']}."
        for row in rows
    ]


_WRITERS: dict[RowKind, Callable[[Sequence[_Values], MadeRecords], _Reasons]] = {
    RowKind.PEOPLE: _write_people,
    RowKind.GENRES: _write_genres,
    RowKind.VIEWERS: _write_viewers,
}
