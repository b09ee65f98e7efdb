"""The first line of a CSV file: the delimiter, and whether the columns are those of its kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.api.local_fields import is_language
from catalog.api.strict import MAX_UNKNOWN_NAMES, unknown_name_message
from catalog.csv_records import parse_record
from catalog.errors import DataFileError

DELIMITERS = ",;\t|"
MAX_SHOWN = 60  # characters


class Columns(NamedTuple):
    """The columns that a file may or must have."""

    known: tuple[str, ...]
    required: tuple[tuple[str, ...], ...] = ()  # of each group one column has to be there
    multiline: frozenset[str] = frozenset()  # columns whose cells may go over lines
    allow_others: bool = False  # unknown columns are allowed
    hints: Mapping[str, str] = {}  # name that is no column -> what to name in its place
    by_language: tuple[str, ...] = ()  # columns that may stand once for each language, as in title:de

    def is_known(self, name: str) -> bool:
        """Say whether a file may have a column of this name."""
        column, colon, language = name.partition(":")
        return name in self.known or (bool(colon) and column in self.by_language and is_language(language))


class Header(NamedTuple):
    """The column names of a file, and what separates its cells."""

    names: list[str]
    delimiter: str

    def positions(self, names: Iterable[str]) -> list[int]:
        """Return the positions of those of the names that are columns."""
        return [self.names.index(name) for name in names if name in self.names]


def read_header(number: int, line: str, columns: Columns, file: str) -> Header:
    """Read the header with the delimiter by which most of its columns are known. Raises DataFileError at the line."""
    headers = [
        Header([name.strip() for name in parse_record(line, delimiter)[0]], delimiter) for delimiter in DELIMITERS
    ]
    best = max(headers, key=lambda header: len({*header.names} & {*columns.known}))
    if not best.names:
        raise DataFileError(file, number, f"is not CSV: {parse_record(line, ',')[1]}")
    if problem := _problem(best.names, columns):
        raise DataFileError(file, number, problem)
    return best


def _problem(names: Sequence[str], columns: Columns) -> str:
    """Return what is wrong with the column names, or nothing."""
    if not columns.allow_others and not set(names) & set(columns.known):
        shown = ascii(", ".join(names))[:MAX_SHOWN]
        return f"has to name the columns, some of {', '.join(columns.known)}; it is {shown}"
    if len(set(names)) != len(names):
        return "names a column twice"
    if "" in names:
        return f"has no name for column {names.index('') + 1}: name it or leave it out (pandas: index=False)"
    unknown = [] if columns.allow_others else [name for name in names if not columns.is_known(name)]
    missing = [" or ".join(group) for group in columns.required if not set(group) & set(names)]
    problems = [
        unknown_name_message(ascii(name)[1:-1], columns.known, "column", columns.hints)
        for name in unknown[:MAX_UNKNOWN_NAMES]
    ]
    problems += [f"lacks {' and '.join(missing)}; there is {', '.join(columns.known)}"] if missing else []
    return "; ".join(problems)
