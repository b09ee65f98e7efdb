"""Rows of JSONL and CSV files, read and written one after the other."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, NamedTuple, NoReturn, TextIO

from catalog.errors import DataFileError

LONGEST_LINE = 100_000  # characters
BETWEEN = "|"  # the names in one cell
LISTS = frozenset({"genres", "directors", "actors"})


class Form(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


class Row(NamedTuple):
    """`problem`: why there are no values."""

    line: int  # from 1, as an editor counts; of the first of several
    values: dict[str, Any]
    problem: str = ""


CheckNames = Callable[[Sequence[str]], str]  # what is wrong with the names of a CSV's columns, or ""


def read_rows(
    file: BinaryIO, form: Form, name: str = "the file", check_names: CheckNames | None = None
) -> Iterator[Row]:
    """Empty lines are left out; an empty cell says nothing of its field. Raises DataFileError where what follows could
    not be told apart, and for column names that `check_names` does not let pass."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _json_rows(text, name) if form is Form.JSONL else _csv_rows(text, name, check_names)
    finally:
        text.detach()


def _lines(text: TextIO, name: str) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise DataFileError(name, number, f"is longer than {LONGEST_LINE:,} characters")
        yield line


def _json_rows(text: TextIO, name: str) -> Iterator[Row]:
    for number, line in enumerate(_lines(text, name), 1):
        if not line.strip():
            continue
        try:
            line.encode()
            values = json.loads(line, parse_constant=_no_number)
        except UnicodeEncodeError:
            yield Row(number, {}, "is not UTF-8")
        except (ValueError, RecursionError):
            yield Row(number, {}, "is not JSON")
        else:
            yield Row(number, values) if isinstance(values, dict) else Row(number, {}, "is not a JSON object")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _csv_rows(text: TextIO, name: str, check_names: CheckNames | None) -> Iterator[Row]:
    reader = csv.reader(_lines(text, name), strict=True)
    try:
        names = [one.strip() for one in next(reader, [])]
    except csv.Error as error:
        raise DataFileError(name, 1, f"is not CSV: {error}") from None
    if len(set(names)) != len(names):
        raise DataFileError(name, 1, "names a column twice")
    if check_names and (wrong := check_names(names)):
        raise DataFileError(name, 1, wrong)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, f"is not CSV: {error}")
            continue
        if cells:
            yield _of_cells(line, names, cells)


def _of_cells(line: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        return Row(line, {}, f"has {len(cells)} cells where the first line names {len(names)}")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return Row(line, {}, "is not UTF-8")
    told = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return Row(line, {name: cell.split(BETWEEN) if name in LISTS else cell for name, cell in told.items()})


def write_rows(rows: Iterable[Mapping[str, Any]], names: Iterable[str], form: Form) -> Iterator[str]:
    """The text of the file, in pieces; every row has all of the names."""
    if form is Form.JSONL:
        yield from (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        return
    piece = io.StringIO()
    writer = csv.writer(piece, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
        yield piece.getvalue()
        piece.seek(0)
        piece.truncate()
    yield piece.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return BETWEEN.join(value)
    return str(value).lower() if isinstance(value, bool) else value
