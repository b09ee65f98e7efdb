"""The first line of a CSV: what separates its columns, and whether they are those of its kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.api.strict import MAX_UNKNOWN_NAMES, unknown_name_message
from catalog.csv_records import parse_record
from catalog.errors import DataFileError

DELIMITERS = ",;\t|"
MAX_SHOWN = 60  # characters


class Columns(NamedTuple):
    """`needed`: of each group one has to be there. `long`: whose cells may go over lines. `others`: whether there may
    be columns that are not known. `hints`: name that is no column -> what to name in its place."""

    known: tuple[str, ...]
    required: tuple[tuple[str, ...], ...] = ()
    multiline: frozenset[str] = frozenset()
    allow_others: bool = False
    hints: Mapping[str, str] = {}


class Header(NamedTuple):
    names: list[str]
    delimiter: str

    def positions(self, names: Iterable[str]) -> list[int]:
        return [self.names.index(name) for name in names if name in self.names]


def read_header(number: int, line: str, columns: Columns, file: str) -> Header:
    """With the delimiter by which most of the columns are known. Raises DataFileError at the line."""
    readings = [_parse_names(line, delimiter) for delimiter in DELIMITERS]
    header = max(readings, key=lambda one: len({*one.names} & {*columns.known}))
    if not header.names:
        raise DataFileError(file, number, f"is not CSV: {parse_record(line, ',')[1]}")
    if problem := _problem(header.names, columns):
        raise DataFileError(file, number, problem)
    return header


def _parse_names(line: str, delimiter: str) -> Header:
    return Header([name.strip() for name in parse_record(line, delimiter)[0]], delimiter)


def _problem(names: Sequence[str], columns: Columns) -> str:
    if not columns.allow_others and not set(names) & set(columns.known):
        found = ascii(", ".join(names))[:MAX_SHOWN]
        return f"has to name the columns, some of {', '.join(columns.known)}; it is {found}"
    if len(set(names)) != len(names):
        return "names a column twice"
    if "" in names:
        return f"has no name for column {names.index('') + 1}: name it or leave it out (pandas: index=False)"
    strange = [] if columns.allow_others else [name for name in names if name not in columns.known]
    lacking = [" or ".join(group) for group in columns.required if not set(group) & set(names)]
    told = [
        unknown_name_message(ascii(name)[1:-1], columns.known, "column", columns.hints)
        for name in strange[:MAX_UNKNOWN_NAMES]
    ]
    told += [f"lacks {' and '.join(lacking)}; there is {', '.join(columns.known)}"] if lacking else []
    return "; ".join(told)
