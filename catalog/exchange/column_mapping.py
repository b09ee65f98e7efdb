"""Which column of a file is which field, as its sender says: `user_id=customer,movie_id=sku`."""

import csv
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from catalog.api.strict import unknown_name_message
from catalog.errors import MappingError

_MISSING = object()


class ColumnMapping(NamedTuple):
    """What the sender says of a file's columns; the columns that it does not name keep their own names."""

    columns: Mapping[str, str] = {}  # field -> column
    constants: Mapping[str, str] = {}  # field -> what every row has

    def column_of(self, field: str) -> str:
        """Return the column that a field is read from."""
        return self.columns.get(field, field)

    def fields_of(self, names: Sequence[str], is_field: Callable[[str], bool]) -> list[str | None]:
        """Return the field that each column of a file is; None for one that is left out."""
        if not self:
            return list(names)
        field_by_column = {column: field for field, column in self.columns.items()}
        mapped = self.columns.keys() | self.constants.keys()
        return [field_by_column.get(name, name if is_field(name) and name not in mapped else None) for name in names]

    def __bool__(self) -> bool:
        return bool(self.columns or self.constants)

    def rename(self, row: Mapping[str, Any], is_field: Callable[[str], bool]) -> dict[str, Any]:
        """Return the fields of a JSON object. A column `a.b` is the member b of a, where none is called so."""
        fields = zip(self.fields_of(list(row), is_field), row.values(), strict=True)
        values = {field: value for field, value in fields if field is not None}
        for field, column in self.columns.items():
            if field not in values and (value := _look_up(row, column)) is not _MISSING:
                values[field] = value
        return {**values, **self.constants}


def _look_up(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def parse_mapping(
    columns: Sequence[str], constants: Sequence[str], is_field: Callable[[str], bool], fields: Sequence[str]
) -> ColumnMapping:
    """Parse texts of pairs `field=column` and `field=value`, several separated by commas; quotes are as in a CSV.

    `fields`: those that there are, to name a near one. Raises MappingError.
    """
    mapping = ColumnMapping(_pairs(columns, "column", is_field, fields), _pairs(constants, "value", is_field, fields))
    for field, column in mapping.columns.items():
        if field in mapping.constants:
            raise MappingError(f"`{field}` has a column and a value for every row: name one of the two.")
        others = [other for other, its_column in mapping.columns.items() if its_column == column and other != field]
        if others:
            raise MappingError(f"the column `{column}` is mapped to {field} and {others[0]}: it can be one of them.")
    return mapping


def _pairs(texts: Sequence[str], what: str, is_field: Callable[[str], bool], fields: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        try:
            cells = next(csv.reader([text], strict=True, skipinitialspace=True), [])
        except csv.Error:
            raise MappingError(f"{ascii(text)[:80]} has a quote that is not closed.") from None
        for cell in filter(None, (cell.strip() for cell in cells)):
            field, equals, value = (part.strip() for part in cell.partition("="))
            if not equals or not value:
                raise MappingError(f"{ascii(cell)[:80]} is no pair: write field={what}, as in {fields[0]}={what}.")
            if not is_field(field):
                raise MappingError(unknown_name_message(ascii(field)[1:-1], fields))
            if field in pairs:
                raise MappingError(f"`{field}` stands twice: it can be one {what}.")
            pairs[field] = value
    return pairs
