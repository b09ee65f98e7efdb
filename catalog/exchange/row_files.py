"""JSONL, CSV and Parquet files of rows, read row by row; the first two are written as well."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain, islice, repeat
from typing import Any, BinaryIO, NamedTuple, NoReturn

import orjson

from catalog.csv_records import CsvRecords, Record
from catalog.errors import DataFileError
from catalog.exchange.csv_header import Columns, read_header
from catalog.exchange.parquet_files import parquet_values
from catalog.exchange.text_blocks import ABSENT, Row, TextBlock, ValueBlock
from catalog.exchange.text_encoding import decoding_problem, numbered_lines, open_text

ANY_COLUMNS = Columns((), allow_others=True)
NAME_SEPARATOR = "|"  # between the names in one cell
_ESCAPED = ("\\\\", "\\|")
MAX_LINES_AT_ONCE, MAX_CHARACTERS_AT_ONCE = 1_000, 1_000_000  # of a JSONL
MAX_WHOLE = 2.0**63
ROWS_TO_LOOK_AT = 100  # of a JSONL, before a mapped column that none of them has counts as missing
LIST_COLUMNS = frozenset(
    {"genres", "directors", "actors", "director_ids", "actor_ids", "countries", "availability", "aliases", "tags"}
)
_TOKEN = re.compile(r"\\[|\\]|[^|\\]+|.", re.DOTALL)  # of a cell with several names


class FileFormat(StrEnum):
    """How a file of rows is written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


WRITTEN_FORMATS = (FileFormat.JSONL, FileFormat.CSV)


class CsvTable(NamedTuple):
    """A CSV file behind its first line."""

    columns: Sequence[str | None]  # fields; None: the column is left out
    records: CsvRecords
    delimiter: str
    encoding: str
    kind: Columns

    @property
    def names(self) -> list[str]:
        """The fields."""
        return [column for column in self.columns if column]

    @property
    def rows(self) -> Iterator[Row]:
        """The rows."""
        constants = self.kind.mapping.constants
        is_plain = not any(name in LIST_COLUMNS or ":" in name for name in (*self.names, *constants))
        for record in self.records:
            if problem := self.problem(record):
                yield Row(record.line, {}, problem)
                continue
            cells = zip(self.columns, record.cells, strict=True)
            values: dict[str, Any] = {name: cell for name, cell in cells if cell and name is not None}
            values.update(constants)
            yield Row(record.line, values if is_plain else _gather(values, self.kind))

    def blocks(self, size: int) -> Iterator[TextBlock]:
        """The rows in blocks, for kinds of rows whose fields are all of them plain text."""
        while True:
            block = _Block(self)
            while len(block) < size:
                block.add_lines(*self.records.plain_lines(size - len(block)))
                record = next(self.records, None) if len(block) < size else None
                if record is None:
                    break
                block.add(record)
            if not len(block):
                return
            yield block.finished()

    def problem(self, record: Record) -> str:
        """Return why a record is no row, or nothing."""
        if record.problem:
            return f"is not CSV: {record.problem}"
        if len(record.cells) != len(self.columns):
            return f"has {len(record.cells)} cells where the first line names {len(self.columns)}"
        return decoding_problem("".join(record.cells), self.encoding)


class _Block:
    """A block of rows that is being read."""

    def __init__(self, table: CsvTable) -> None:
        self.table = table
        self.lines: list[int] = []
        self.columns: list[list[str]] = [[] for _ in table.columns]
        self.broken: list[Row] = []

    def __len__(self) -> int:
        return len(self.lines) + len(self.broken)

    def add(self, record: Record) -> None:
        """Add a record."""
        if problem := self.table.problem(record):
            self.broken.append(Row(record.line, {}, problem))
            return
        self.lines.append(record.line)
        for column, cell in zip(self.columns, record.cells, strict=True):
            column.append(cell)

    def add_lines(self, numbers: Sequence[int], texts: Sequence[str]) -> None:
        """Add lines without a quote. All of their cells are parted at once, where each line has as many."""
        delimiter, width = self.table.delimiter, len(self.columns)
        if any(text.count(delimiter) != width - 1 for text in texts) or not "".join(texts).isascii():
            for number, text in zip(numbers, texts, strict=True):
                self.add(Record(number, text.split(delimiter)))
        elif texts:
            self.lines += numbers
            cells = delimiter.join(texts).split(delimiter)
            for place, column in enumerate(self.columns):
                column += cells[place::width]

    def finished(self) -> TextBlock:
        """Return the block."""
        columns: dict[str, Sequence[str]] = {
            name: column for name, column in zip(self.table.columns, self.columns, strict=True) if name is not None
        }
        constants = self.table.kind.mapping.constants
        columns |= {name: [text] * len(self.lines) for name, text in constants.items()}
        return TextBlock(self.lines, columns, self.broken)


def read_rows(
    file: BinaryIO,
    file_format: FileFormat,
    name: str = "the file",
    *,
    columns: Columns = ANY_COLUMNS,
    encoding: str | None = None,
    max_rows: int | None = None,
) -> Iterator[Row]:
    """Yield the rows of a file; empty lines are left out, and an empty cell says nothing of its field.

    `encoding`: where the client or operator has named it. `max_rows`: a Parquet file that says that it has more is
    refused at once. Raises DataFileError where the rows that follow could not be told apart.
    """
    if file_format is FileFormat.PARQUET:
        yield from _parquet_rows(file, name, columns, max_rows)
        return
    text = open_text(file, name, encoding, require_utf8=file_format is FileFormat.CSV)
    try:
        if file_format is FileFormat.JSONL:
            yield from _json_rows(text, name, columns)
        else:
            yield from _read_table(text, name, columns).rows
    finally:
        text.detach()


@contextmanager
def csv_table(file: BinaryIO, name: str, columns: Columns, encoding: str | None) -> Iterator[CsvTable]:
    """Open a CSV file as column names and rows. Raises DataFileError as read_rows() does."""
    text = open_text(file, name, encoding, require_utf8=True)
    try:
        yield _read_table(text, name, columns)
    finally:
        text.detach()


def _parquet_rows(file: BinaryIO, name: str, columns: Columns, max_rows: int | None) -> Iterator[Row]:
    for number, values in enumerate(parquet_values(file, name, columns, max_rows), start=1):
        yield Row(number, {}, values) if isinstance(values, str) else Row(number, _gather(values, columns))


def _json_rows(text: io.TextIOWrapper, name: str, columns: Columns) -> Iterator[Row]:
    rows = _plain_json_rows(text, name)
    return _mapped_rows(rows, name, columns) if columns.mapping else rows


def _plain_json_rows(text: io.TextIOWrapper, name: str) -> Iterator[Row]:
    for numbers, lines in _blocks_of_lines(text, name, MAX_LINES_AT_ONCE):
        rows = _parse_json_block(lines, text.encoding)
        values = [*chain.from_iterable(map(dict.values, rows or ()))]
        texts = len(values) + sum(type(value) is str for value in values)
        if rows is None or 2 * texts != sum(line.count('"') for line in lines) or _has_huge_number(values):
            yield from map(_parse_json_row, numbers, lines, repeat(text.encoding))
        else:
            yield from map(Row, numbers, rows)


def json_blocks(
    file: BinaryIO, name: str, columns: Columns, encoding: str | None, size: int
) -> Iterator[Sequence[Row] | ValueBlock]:
    """Yield the rows of a JSONL file in blocks, for kinds of rows whose values are all of them plain. Parameters and
    errors as in read_rows()."""
    if columns.mapping:
        rows = read_rows(file, FileFormat.JSONL, name, columns=columns, encoding=encoding)
        while some := list(islice(rows, size)):
            yield some
        return
    text, at_once = open_text(file, name, encoding, require_utf8=False), min(size, MAX_LINES_AT_ONCE)
    block = _JsonBlock(columns.known)
    try:
        for numbers, lines in _blocks_of_lines(text, name, at_once):
            block.add_lines(numbers, lines, text.encoding)
            if len(block) > size - at_once:
                yield block.finished()
                block = _JsonBlock(columns.known)
    except DataFileError:  # the rows before it count
        if len(block):
            yield block.finished()
        raise
    finally:
        text.detach()
    if len(block):
        yield block.finished()


class _JsonBlock:
    """A block of rows that is being read."""

    def __init__(self, names: Sequence[str]) -> None:
        self.lines: list[int] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in names}
        self.broken: list[Row] = []

    def __len__(self) -> int:
        return len(self.lines) + len(self.broken)

    def add_lines(self, numbers: Sequence[int], lines: Sequence[str], encoding: str) -> None:
        """Add lines: at once where that is safe, else each alone."""
        if (columns := _parse_json_columns(lines, encoding, [*self.columns])) is not None:
            self.lines += numbers
            for name, column in columns.items():
                self.columns[name] += column
            return
        for row in map(_parse_json_row, numbers, lines, repeat(encoding)):
            if row.problem or not row.values.keys() <= self.columns.keys():
                self.broken.append(row)
                continue
            self.lines.append(row.line)
            for name, column in self.columns.items():
                column.append(row.values.get(name, ABSENT))

    def finished(self) -> ValueBlock:
        """Return the block."""
        return ValueBlock(self.lines, self.columns, self.broken)


def _blocks_of_lines(text: io.TextIOWrapper, name: str, at_once: int) -> Iterator[tuple[list[int], list[str]]]:
    """Yield the numbers of the lines that are not empty, some at a time, and the lines without the spaces around them.

    Raises DataFileError where the file is a JSON list.
    """
    numbers: list[int] = []
    block: list[str] = []
    size, is_first = 0, True
    try:
        for number, line in numbered_lines(text, name):
            if line := line.strip():
                if is_first and line.startswith("["):
                    raise DataFileError(name, number, "is a JSON list: write one object a line (jq -c '.[]' does it)")
                is_first = False
                numbers.append(number)
                block.append(line)
                size += len(line)
            if len(block) == at_once or size > MAX_CHARACTERS_AT_ONCE:
                yield numbers, block
                numbers, block, size = [], [], 0
    except DataFileError:  # the rows before it count
        if block:
            yield numbers, block
        raise
    if block:
        yield numbers, block


def _parse_json_block(lines: Sequence[str], encoding: str) -> list[dict[str, Any]] | None:
    """Return the objects of lines, read as one JSON list at a third of the price; None where one of them may be no row.

    Where no line has a list or an escape, and each has braces around it and its quotes in pairs, nothing can begin in
    one line and end in another, so there are as many objects as lines only where each line is one. The caller looks for
    whole numbers beyond 64 bits, and for a name that stands twice: fewer texts are there then than the quotes say.
    """
    body = ",".join(lines)
    if "\\" in body or "[" in body or decoding_problem(body, encoding):
        return None
    if any(line[0] != "{" or line[-1] != "}" or line.count('"') % 2 for line in lines):
        return None
    try:
        rows: list[dict[str, Any]] = orjson.loads(f"[{body}]")
    except orjson.JSONDecodeError:
        return None
    return rows if len(rows) == len(lines) else None


def _parse_json_columns(lines: Sequence[str], encoding: str, names: Sequence[str]) -> dict[str, list[Any]] | None:
    """Return the values of lines by name; None where one of them may be no row of these names."""
    rows = _parse_json_block(lines, encoding)
    if rows is None:
        return None
    columns = {name: [row.get(name, ABSENT) for row in rows] for name in names}
    types = {name: list(map(type, column)) for name, column in columns.items()}
    if any(float in types[name] and _has_huge_number(column) for name, column in columns.items()):
        return None
    values = sum(map(len, rows))
    known = len(rows) * len(names) - sum(of_column.count(object) for of_column in types.values())
    texts = values + sum(of_column.count(str) for of_column in types.values())
    return columns if known == values and 2 * texts == sum(line.count('"') for line in lines) else None


def _has_huge_number(values: Iterable[Any]) -> bool:
    """Tell whether one of the values may be a whole number beyond 64 bits, which orjson reads as a float."""
    return any(type(value) is float and not -MAX_WHOLE < value < MAX_WHOLE for value in values)


def _mapped_rows(rows: Iterator[Row], name: str, columns: Columns) -> Iterator[Row]:
    """Yield the rows with the fields that their columns are mapped to.

    Raises DataFileError where no row has one of the columns; before the first row, if its field is needed.
    """
    unseen = dict(columns.mapping.columns)
    needed = {field for group in columns.required if len(group) == 1 for field in group}
    while some := list(islice(rows, ROWS_TO_LOOK_AT)):
        sound = {row.line: columns.mapping.rename(row.values, columns.is_known) for row in some if not row.problem}
        for values in sound.values() if unseen else ():
            unseen = {field: column for field, column in unseen.items() if field not in values}
        if sound and (missing := [field for field in unseen if field in needed]):
            message = f"no row up to this one has `{unseen[missing[0]]}`, mapped to {missing[0]}"
            raise DataFileError(name, some[-1].line, message)
        yield from (Row(row.line, sound[row.line]) if row.line in sound else row for row in some)
    for field, column in unseen.items():
        raise DataFileError(name, None, f"no row has `{column}`, mapped to {field}")


def _parse_json_row(number: int, line: str, encoding: str) -> Row:
    if problem := decoding_problem(line, encoding):
        return Row(number, {}, problem)
    try:
        values = json.loads(line, parse_constant=_reject_constant, object_pairs_hook=_unique_object)
    except _DuplicateName as error:
        return Row(number, {}, str(error))
    except (ValueError, RecursionError):
        return Row(number, {}, "is not JSON")
    return Row(number, values) if isinstance(values, dict) else Row(number, {}, "is not a JSON object")


class _DuplicateName(ValueError):
    """A name stands twice in an object."""


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise _DuplicateName(f"names {ascii(duplicate)[:60]} twice")
    return values


def _reject_constant(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which json reads and JSON does not have."""
    raise ValueError(f"{constant} is no number")


def _read_table(text: io.TextIOWrapper, name: str, columns: Columns) -> CsvTable:
    lines = numbered_lines(text, name)
    number, first = next((line for line in lines if line[1].strip()), (1, ""))
    if not first:
        return CsvTable([], CsvRecords(lines, ",", 0, multiline=(), ids=()), ",", text.encoding, columns)
    if problem := decoding_problem(first, text.encoding):
        raise DataFileError(name, number, problem)
    header = read_header(number, first, columns, name)
    ids = [column for column in header.names if column and column.endswith("_id") and column != "event_id"]
    records = CsvRecords(
        lines,
        header.delimiter,
        len(header.names),
        multiline=[n for n, name in enumerate(header.names) if name and name.partition(":")[0] in columns.multiline],
        ids=header.positions(ids),
    )
    return CsvTable(header.names, records, header.delimiter, text.encoding, columns)


def _gather(cells: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Gather the texts by language, and part the names that stand in one cell."""
    values: dict[str, Any] = {}
    for name, cell in cells.items():
        column, colon, language = name.partition(":")
        if colon and column in columns.by_language:
            values.setdefault("translations", {}).setdefault(language, {})[column] = cell
        else:
            is_list = name in LIST_COLUMNS and isinstance(cell, str)
            values[name] = _split_names(cell) if is_list else cell
    return values


def _split_names(cell: str) -> list[str]:
    """Part the names of a cell. A backslash makes a separator, or a backslash, behind it a part of the name."""
    if "\\" not in cell:
        return cell.split(NAME_SEPARATOR)
    names = [""]
    for token in _TOKEN.findall(cell):
        if token == NAME_SEPARATOR:
            names.append("")
        else:
            names[-1] += token[1:] if token in _ESCAPED else token
    return names


def _join_names(names: Iterable[str]) -> str:
    return NAME_SEPARATOR.join(re.sub(r"([|\\])", r"\\\1", name) for name in names)


def write_rows(rows: Iterable[Mapping[str, Any]], names: Iterable[str], file_format: FileFormat) -> Iterator[str]:
    """Yield the text of a file in pieces; every row has all of the names."""
    if file_format is FileFormat.JSONL:
        yield from (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        return
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([_cell(value) for value in row.values()])


def _csv_line(cells: Iterable[Any]) -> str:
    """Return a line of CSV, which ends with \\n. Cells with a line end are quoted, those with \\r alone too, which
    Python's writer does only where its own lines end with it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()[:-2] + "\n"


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return _join_names(value)
    return str(value).lower() if isinstance(value, bool) else value
