"""Tables as people have them: CSV with any separator, with lines before the columns' names, saved again by a
spreadsheet. Cells are read by the columns' names in small letters."""

import io
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO, NamedTuple

from catalog.csv_records import CsvRecords, Record, parse_record
from catalog.exchange.csv_header import DELIMITERS
from catalog.exchange.history.dates import Dates
from catalog.exchange.history.rows import HistoryRow, HistorySource, Kind
from catalog.exchange.text_encoding import decoding_problem, find_non_utf8, numbered_lines, open_text

MAX_LINES_BEFORE_NAMES = 200  # of a list's own description
_FREE_TEXT = frozenset({"review", "description", "memo", "notes", "comment", "comments", "tags", "overview"})
_FALLBACK_ENCODING = "cp1252"  # what sites and spreadsheets wrote before UTF-8

Cells = Mapping[str, str]  # by column; empty ones are left out
ReadRow = Callable[[Cells, Dates], HistoryRow]


class TableFormat(NamedTuple):
    """How one kind of file is recognised and read."""

    source: HistorySource
    label: str
    recognises: Callable[[frozenset[str]], bool]  # by the columns' names
    dates: tuple[str, ...]  # columns
    read: ReadRow
    kind_of: Callable[[str], Kind | None] = lambda path: None  # what the films are, by the file's name
    profile: str = ""  # column that says whose row it is, in files of several people
    first_line: str = ""  # what the first line begins with, of a file whose columns come later
    bare_columns: tuple[str, ...] = ()  # of a file whose first line is a row already
    lacking: str = ""  # column that rows may lack which the first line names


class TableRow(NamedTuple):
    """One row. `problem`: why it has no cells."""

    line: int
    cells: dict[str, str]
    problem: str = ""


class Table(NamedTuple):
    """A table and the format that it was recognised as."""

    format: TableFormat
    names: list[str]
    rows: list[TableRow]


def read_table(file: BinaryIO, name: str, encoding: str | None, formats: tuple[TableFormat, ...]) -> Table | None:
    """Read a table; None where its columns are those of no format. Raises DataFileError."""
    if encoding is None and find_non_utf8(file):
        encoding = _FALLBACK_ENCODING
    text = open_text(file, name, encoding, require_utf8=False)
    try:
        return _read(text, name, formats)
    finally:
        text.detach()


def _read(text: io.TextIOWrapper, name: str, formats: tuple[TableFormat, ...]) -> Table | None:
    lines = numbered_lines(text, name)
    before = ""
    for number, line in islice(lines, MAX_LINES_BEFORE_NAMES):
        before = before or line.strip().strip('"\ufeff')
        for delimiter in DELIMITERS:
            cells, _ = parse_record(line, delimiter)
            names = [cell.strip().strip("\ufeff").lower() for cell in cells]
            chosen = _recognise(frozenset(filter(None, names)), before, formats)
            if chosen is not None:
                return Table(chosen, names, list(_rows(lines, names, delimiter, text.encoding, chosen.lacking)))
            bare = next((f for f in formats if f.bare_columns and _is_bare_row(f, names)), None)
            if bare is not None:
                columns = list(bare.bare_columns)
                row = _table_row(Record(number, cells), columns, text.encoding)
                return Table(bare, columns, [row, *_rows(lines, columns, delimiter, text.encoding)])
    return None


def _recognise(names: frozenset[str], first_line: str, formats: tuple[TableFormat, ...]) -> TableFormat | None:
    begins = [one for one in formats if one.first_line and first_line.startswith(one.first_line)]
    named = [one for one in begins or formats if not one.bare_columns]
    return next((one for one in named if one.recognises(names)), None)


def _is_bare_row(one: TableFormat, cells: list[str]) -> bool:
    return len(cells) == len(one.bare_columns) and one.recognises(frozenset(cells))


def _rows(
    lines: Iterator[tuple[int, str]], names: list[str], delimiter: str, encoding: str, lacking: str = ""
) -> Iterator[TableRow]:
    shorter = [name for name in names if name != lacking]
    free = [position for position, name in enumerate(names) if name in _FREE_TEXT]
    for record in CsvRecords(lines, delimiter, len(names), multiline=free, ids=[]):
        columns = shorter if len(record.cells) == len(shorter) else names
        row = _table_row(record, columns, encoding)
        if row.cells or row.problem:
            yield row


def _table_row(record: Record, names: list[str], encoding: str) -> TableRow:
    line, cells, problem = record
    surplus = cells[len(names) :]
    if problem:
        problem = f"is not CSV: {problem}"
    elif len(cells) < len(names) or any(surplus):
        problem = f"has {len(cells)} cells where the columns are {len(names)}"
    problem = problem or decoding_problem("".join(cells), encoding)
    if problem:
        return TableRow(line, {}, problem)
    filled: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell.strip() and name:
            filled.setdefault(name, cell.strip())  # of two columns of one name the first counts
    return TableRow(line, filled)
