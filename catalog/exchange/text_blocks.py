"""Rows of a file as columns: thousands of rows are eight lists, not thousands of dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One row of a file. `problem`: why there are no values."""

    line: int  # from 1, as an editor counts; the first of several. Of a Parquet file the row
    values: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Some rows of a file, in its order."""

    lines: Sequence[int]  # of the sound rows
    columns: Mapping[str, Sequence[str]]  # their cells by field; an empty one says nothing
    broken: Sequence[Row] = ()  # rows that have no values

    def __len__(self) -> int:
        return len(self.lines) + len(self.broken)

    def row(self, place: int) -> Row:
        """Return one of the sound rows."""
        cells = ((name, column[place]) for name, column in self.columns.items())
        return Row(self.lines[place], {name: cell for name, cell in cells if cell})

    def rows(self) -> list[Row]:
        """Return all rows."""
        return sorted([*map(self.row, range(len(self.lines))), *self.broken], key=lambda row: row.line)


ABSENT: Any = object()  # in place of a value: the row does not name the field


@dataclass(frozen=True, slots=True)
class ValueBlock:
    """Some rows of a JSONL file, in its order."""

    lines: Sequence[int]  # of the sound rows
    columns: Mapping[str, Sequence[Any]]  # their values by field
    broken: Sequence[Row] = ()  # rows that have no values, or fields that there are not

    def __len__(self) -> int:
        return len(self.lines) + len(self.broken)

    def row(self, place: int) -> Row:
        """Return one of the sound rows."""
        values = ((name, column[place]) for name, column in self.columns.items())
        return Row(self.lines[place], {name: value for name, value in values if value is not ABSENT})

    def rows(self) -> list[Row]:
        """Return all rows."""
        return sorted([*map(self.row, range(len(self.lines))), *self.broken], key=lambda row: row.line)


Batch = Sequence[Row] | TextBlock | ValueBlock  # what is read, and written, at once


def rows_of(batch: Batch) -> Sequence[Row]:
    """Return the rows of a batch one by one."""
    return batch.rows() if isinstance(batch, TextBlock | ValueBlock) else batch
