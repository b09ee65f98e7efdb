"""The columns of a file: whether they are those of its kind; of a CSV also what separates them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from catalog.api.local_fields import is_language
from catalog.api.strict import MAX_UNKNOWN_NAMES, unknown_name_message
from catalog.csv_records import parse_record
from catalog.errors import DataFileError
from catalog.exchange.column_mapping import ColumnMapping, parse_mapping

DELIMITERS = ",;\t|"
MAX_SHOWN = 200  # characters
_HOW_TO_MAP = "Other names can be mapped (HTTP: ?map=user_id=customer; commands: --map user_id=customer)"


class Columns(NamedTuple):
    """The columns that a file may or must have."""

    known: tuple[str, ...]
    required: tuple[tuple[str, ...], ...] = ()  # of each group one column has to be there
    multiline: frozenset[str] = frozenset()  # columns whose cells may go over lines
    allow_others: bool = False  # unknown columns are allowed
    hints: Mapping[str, str] = {}  # name that is no column -> what to name in its place
    by_language: tuple[str, ...] = ()  # columns that may stand once for each language, as in title:de
    mapping: ColumnMapping = ColumnMapping()

    def mapped(self, columns: Sequence[str], constants: Sequence[str]) -> Self:
        """Return the columns of a file of which its sender says what is what. Raises MappingError."""
        return self._replace(mapping=parse_mapping(columns, constants, self.is_known, self.known))

    def is_known(self, name: str) -> bool:
        """Say whether a file may have a column of this name."""
        column, colon, language = name.partition(":")
        return name in self.known or (bool(colon) and column in self.by_language and is_language(language))


class Header(NamedTuple):
    """The columns of a file, and what separates their cells."""

    names: list[str | None]  # fields; None: the column is left out
    delimiter: str

    def positions(self, names: Iterable[str]) -> list[int]:
        """Return the positions of those of the names that are columns."""
        return [self.names.index(name) for name in names if name in self.names]


def read_header(number: int, line: str, columns: Columns, file: str) -> Header:
    """Read the header with the delimiter by which most of its columns are known. Raises DataFileError at the line."""
    known = {columns.mapping.column_of(field) for field in columns.known} | {*columns.mapping.columns.values()}
    headers = [([name.strip() for name in parse_record(line, delimiter)[0]], delimiter) for delimiter in DELIMITERS]
    names, delimiter = max(headers, key=lambda header: len({*header[0]} & known))
    if not names:
        raise DataFileError(file, number, f"is not CSV: {parse_record(line, ',')[1]}")
    check_columns(names, columns, file, number)
    return Header(columns.mapping.fields_of(names, columns.is_known), delimiter)


def check_columns(names: Sequence[str], columns: Columns, file: str, line: int | None) -> None:
    """Check that a file's columns are those of its kind, or as they are mapped. Raises DataFileError at the line."""
    if problem := _mapping_problem(names, columns) if columns.mapping else _problem(names, columns):
        raise DataFileError(file, line, problem)


def _problem(names: Sequence[str], columns: Columns) -> str:
    """Return what is wrong with the column names, or nothing."""
    if not columns.allow_others and not set(names) & set(columns.known):
        shown = _shown(names)
        return f"has to name the columns, some of {', '.join(columns.known)}; it is {shown}. {_HOW_TO_MAP}"
    if len(set(names)) != len(names):
        return "names a column twice"
    if "" in names:
        return f"has no name for column {names.index('') + 1}: name it or leave it out (pandas: index=False)"
    unknown = [] if columns.allow_others else [name for name in names if not columns.is_known(name)]
    problems = [
        unknown_name_message(ascii(name)[1:-1], columns.known, "column", columns.hints)
        for name in unknown[:MAX_UNKNOWN_NAMES]
    ]
    problems += _missing(names, columns)
    return "; ".join([*problems, _HOW_TO_MAP] if unknown else problems)


def _mapping_problem(names: Sequence[str], columns: Columns) -> str:
    """Return what is wrong with the names of columns that are mapped, or nothing; the others may be any."""
    mapped = columns.mapping.columns
    problems = [
        f"has no column `{column}`, mapped to {field}" for field, column in mapped.items() if column not in names
    ]
    fields = columns.mapping.fields_of(names, columns.is_known)
    twice = [name for name, field in zip(names, fields, strict=True) if field and names.count(name) > 1]
    problems += [f"names the column `{twice[0]}` twice"] if twice else []
    problems += _missing([*filter(None, fields), *mapped, *columns.mapping.constants], columns)
    return "; ".join([*problems, f"its columns are {_shown(names)}"]) if problems else ""


def _missing(names: Iterable[str], columns: Columns) -> list[str]:
    missing = [" or ".join(group) for group in columns.required if not {*group} & {*names}]
    return [f"lacks {' and '.join(missing)}; there is {', '.join(columns.known)}"] if missing else []


def _shown(names: Sequence[str]) -> str:
    return ascii(", ".join(names))[:MAX_SHOWN]
