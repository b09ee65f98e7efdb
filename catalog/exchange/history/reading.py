"""A person's file as rows: what it is is found by what is in it."""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from django.utils import timezone

from catalog.errors import DataFileError
from catalog.exchange.history import imdb, letterboxd, players, streaming, trackers, trakt
from catalog.exchange.history.archives import MAX_FILE_BYTES, is_zip, unpack
from catalog.exchange.history.dates import DateOrder, Dates, find_date_order
from catalog.exchange.history.documents import JsonFormat, load_items
from catalog.exchange.history.rows import LIST_KINDS, NO_FILM, HistoryRow, HistorySource, Kind, clean_text
from catalog.exchange.history.tables import Table, TableFormat, read_table
from catalog.services.events import MAX_CLOCK_SKEW, MIN_OCCURRED_AT

MAX_ROWS = 50_000  # of films
MAX_OTHER_ROWS = 1_000  # of episodes and the like: more of them are counted alone
_UNSAID = f"does not say what was done with the film: send kind={'|'.join(LIST_KINDS)}"
_TABLES: tuple[TableFormat, ...] = (
    *imdb.FORMATS,
    *players.TABLES,
    *trackers.TABLES,
    *streaming.FORMATS,
    *letterboxd.FORMATS,
)
_DOCUMENTS: tuple[JsonFormat, ...] = (*players.DOCUMENTS, *trackers.DOCUMENTS, *trakt.DOCUMENTS)


class ReadOptions(NamedTuple):
    """What the caller says of a file."""

    name: str = ""  # its own, where it is known
    encoding: str | None = None  # as Python names it
    kind: Kind | None = None  # what films are of which neither the row nor the file's name says it
    date_order: DateOrder | None = None
    profile: str = ""  # whose rows are read, of a file of several people


class FileReport(NamedTuple):
    """What became of one file of an archive, or of the only one."""

    name: str
    source: HistorySource | None  # None: it is none that is known
    rows: int  # of films
    left_out: str = ""  # why none of it was read


class History(NamedTuple):
    """What a person's file says."""

    source: HistorySource
    rows: list[HistoryRow]
    other_rows: int  # rows of episodes, games and the like; the first MAX_OTHER_ROWS are among the rows
    files: list[FileReport]


class _Part(NamedTuple):
    """The rows of one file."""

    source: HistorySource
    rows: list[HistoryRow]


def read_history(file: BinaryIO, options: ReadOptions = ReadOptions()) -> History:  # noqa: B008  # immutable
    """Read a file or an archive. Raises DataFileError."""
    if file.seek(0, io.SEEK_END) > MAX_FILE_BYTES:
        raise DataFileError("the file", None, f"has more than {MAX_FILE_BYTES:,} bytes")
    file.seek(0)
    if is_zip(file):
        return _read_archive(file, options)
    part = _read_part(file, "the file", options)
    if part is None:
        labels = [one for one in (*(form.label for form in _TABLES), *(form.label for form in _DOCUMENTS)) if one]
        raise DataFileError("the file", 1, f"is no export that is known. Known are: {'; '.join(labels)}")
    rows, others = _keep(part.rows)
    if any(row.problem == _UNSAID for row in rows):
        raise DataFileError("the file", None, _UNSAID)
    return History(part.source, rows, others, [FileReport(options.name, part.source, len(rows))])


def _read_archive(file: BinaryIO, options: ReadOptions) -> History:
    rows: list[HistoryRow] = []
    reports: list[FileReport] = []
    others, sources = 0, Counter[HistorySource]()
    for packed in unpack(file, "the file"):
        name = clean_text(packed.path)
        if reason := letterboxd.why_left_out(name):
            reports.append(FileReport(name, None, 0, reason))
            continue
        part = _read_part(packed.content, name, options._replace(name=name), in_archive=True)
        if part is None:
            reports.append(FileReport(name, None, 0, "says nothing of films that were watched"))
            continue
        if part.rows and all(row.problem == _UNSAID for row in part.rows):
            reports.append(FileReport(name, part.source, 0, _UNSAID))
            continue
        kept, part_others = _keep(part.rows, len(rows), others)
        rows += [row._replace(file=name) for row in kept]
        others += part_others
        sources[part.source] += 1 + len(kept)
        reports.append(FileReport(name, part.source, len(kept)))
    if not sources:
        raise DataFileError("the file", None, "is an archive without a file that is known: send it as its site made it")
    if options.profile and not rows and not others:
        raise DataFileError("the file", None, f"has no rows of {options.profile[:60]}")
    return History(sources.most_common(1)[0][0], rows, others, reports)


def _keep(rows: list[HistoryRow], before: int = 0, others_before: int = 0) -> tuple[list[HistoryRow], int]:
    """Return the rows but for most of those that are no films, and the number of those. Raises DataFileError where
    with the `before` others there are too many of films."""
    kept, others = [], 0
    for row in rows:
        if row.is_no_film:
            others += 1
        if not row.is_no_film or others_before + others <= MAX_OTHER_ROWS:
            kept.append(row)
    if before + len(rows) - others > MAX_ROWS:
        raise DataFileError("the file", None, f"has more than {MAX_ROWS:,} rows of films: send it in parts")
    return kept, others


def _read_part(file: BinaryIO, name: str, options: ReadOptions, *, in_archive: bool = False) -> _Part | None:
    """Read one file; None where it is none that is known."""
    begins = file.read(200).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1]
    file.seek(0)
    if begins in (b"[", b"{"):
        return _read_document(file, name, options, in_archive)
    table = read_table(file, name, options.encoding, _TABLES)
    return _read_table(table, name, options, in_archive) if table else None


def _read_document(file: BinaryIO, name: str, options: ReadOptions, in_archive: bool) -> _Part | None:
    items = load_items(file, name, options.encoding)
    if items is None:
        return None
    objects = [item for item in items if isinstance(item, dict)]
    chosen = next((one for one in _DOCUMENTS if one.recognises(objects)), None)
    if chosen is None:
        if in_archive:
            return None
        chosen = _DOCUMENTS[-1]
    if in_archive and chosen.is_left_out(name):
        return None
    dates = Dates(options.date_order)
    _check_profiles({chosen.profile_of(item) for item in objects}, options, name, in_archive)
    rows = [
        _read_row(position, partial(chosen.read, item, dates), item)
        if isinstance(item, dict)
        else HistoryRow(position, problem=NO_FILM)
        for position, item in enumerate(items, start=1)
        if not options.profile or not isinstance(item, dict) or chosen.profile_of(item) in ("", options.profile)
    ]
    return _Part(chosen.source, [_say(row, chosen.kind_of, options, in_archive) for row in rows])


def _read_table(table: Table, name: str, options: ReadOptions, in_archive: bool) -> _Part:
    form, rows = table.format, table.rows
    if form.profile:
        people = {row.cells.get(form.profile, "") for row in rows if row.cells}
        _check_profiles(people, options, name, in_archive)
        rows = [row for row in rows if not options.profile or row.cells.get(form.profile) in (None, options.profile)]
    written = ((row.line, row.cells[column]) for row in rows for column in form.dates if column in row.cells)
    dates = find_date_order(written, name, options.date_order)
    read = [
        HistoryRow(row.line, problem=row.problem)
        if row.problem
        else _read_row(row.line, partial(form.read, row.cells, dates), row.cells)
        for row in rows
    ]
    return _Part(form.source, [_say(row, form.kind_of, options, in_archive) for row in read])


def _check_profiles(people: set[str], options: ReadOptions, name: str, in_archive: bool) -> None:
    """Refuse a file of several people, of whom none is chosen, or one without rows of the chosen. Raises DataFileError.

    In an archive some of the files may have no rows of a person.
    """
    known, chosen = sorted(people - {""}), options.profile
    if chosen and known and chosen not in known and not in_archive:
        raise DataFileError(name, None, f"has no rows of {chosen[:60]}; there are {', '.join(known)[:200]}")
    if not chosen and len(known) > 1:
        message = f"has rows of several people, {', '.join(known)[:200]}"
        raise DataFileError(name, None, f"{message}: say whose are meant, as profile={known[0][:60]}")


def _read_row(line: int, read: Callable[[], HistoryRow], written: Mapping[str, Any]) -> HistoryRow:
    try:
        row = read()
        for said in row.statements:
            if said.at and not MIN_OCCURRED_AT <= said.at <= timezone.now() + MAX_CLOCK_SKEW:
                raise ValueError(f"{said.at:%Y-%m-%d} is no day on which somebody can have watched it")
    except ValueError as error:
        return HistoryRow(line, _title_of(written), problem=str(error))
    except (KeyError, TypeError, AttributeError, OverflowError):
        return HistoryRow(line, _title_of(written), problem="lacks what is needed of a film")
    if not row.problem and not (row.title or row.imdb_id or row.tmdb_id):
        row = row._replace(problem="has neither a title nor an id of a film")
    return row._replace(line=line)


def _title_of(written: Mapping[str, Any]) -> str:
    """Return the title of a row that could not be read, for the report."""
    movie = written.get("movie")
    named = movie if isinstance(movie, dict) else written
    return clean_text(named.get("title") or named.get("name"))


def _say(row: HistoryRow, kind_of: Callable[[str], Kind | None], options: ReadOptions, in_archive: bool) -> HistoryRow:
    """Say what a row's film is where the row itself does not: by what the caller says of a single file, by the file's
    name, by what such a file mostly is."""
    if row.problem or all(said.kind is not None for said in row.statements):
        return row
    named = kind_of(options.name) if options.name else None
    told = (named or options.kind) if in_archive else (options.kind or named)
    statements = tuple(
        said if said.kind is not None else said._replace(kind=told or (None if in_archive else said.likely))
        for said in row.statements
    )
    if any(said.kind is None for said in statements):
        return row._replace(problem=_UNSAID)
    return row._replace(statements=statements)
