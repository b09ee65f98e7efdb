"""The first line of a CSV: what separates its columns, and whether they are those of its kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.api.strict import TOLD, unknown
from catalog.errors import DataFileError
from catalog.records import parsed

DELIMITERS = ",;\t|"
SHOWN = 60  # characters


class Columns(NamedTuple):
    """`needed`: of each group one has to be there. `long`: whose cells may go over lines. `others`: whether there may
    be columns that are not known. `hints`: name that is no column -> what to name in its place."""

    known: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...] = ()
    long: frozenset[str] = frozenset()
    others: bool = False
    hints: Mapping[str, str] = {}


class Header(NamedTuple):
    names: list[str]
    delimiter: str

    def places(self, names: Iterable[str]) -> list[int]:
        return [self.names.index(name) for name in names if name in self.names]


def read_header(number: int, line: str, columns: Columns, file: str) -> Header:
    """With the delimiter by which most of the columns are known. Raises DataFileError at the line."""
    readings = [_named(line, delimiter) for delimiter in DELIMITERS]
    header = max(readings, key=lambda one: len({*one.names} & {*columns.known}))
    if not header.names:
        raise DataFileError(file, number, f"is not CSV: {parsed(line, ',')[1]}")
    if problem := _problem(header.names, columns):
        raise DataFileError(file, number, problem)
    return header


def _named(line: str, delimiter: str) -> Header:
    return Header([name.strip() for name in parsed(line, delimiter)[0]], delimiter)


def _problem(names: Sequence[str], columns: Columns) -> str:
    if not columns.others and not set(names) & set(columns.known):
        found = ascii(", ".join(names))[:SHOWN]
        return f"has to name the columns, some of {', '.join(columns.known)}; it is {found}"
    if len(set(names)) != len(names):
        return "names a column twice"
    if "" in names:
        return f"has no name for column {names.index('') + 1}: name it or leave it out (pandas: index=False)"
    strange = [] if columns.others else [name for name in names if name not in columns.known]
    lacking = [" or ".join(group) for group in columns.needed if not set(group) & set(names)]
    told = [unknown(ascii(name)[1:-1], columns.known, "column", columns.hints) for name in strange[:TOLD]]
    told += [f"lacks {' and '.join(lacking)}; there is {', '.join(columns.known)}"] if lacking else []
    return "; ".join(told)
