"""Rows of events as columns: each distinct value is validated once, by the field that validates a single row."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rest_framework import serializers

from catalog.api.fields import MIN_UNIX_SECONDS, viewer_key_in_file
from catalog.event_keys import EventId, parse_event_key
from catalog.exchange.row_schemas import RowKind, row_fields
from catalog.exchange.text_blocks import ABSENT, Batch, Row, TextBlock, ValueBlock
from catalog.keys import MAX_KEY_LENGTH, Key
from catalog.models import WatchEvent

KINDS = {kind.label: int(kind) for kind in WatchEvent.Kind}
_INVALID: Any = object()  # in place of a value
_SCALARS = (str, int, float, bool, type(None))
MAX_SECONDS_DIGITS = 12


class EventRows(NamedTuple):
    """Valid rows as columns of one length, and the others, each of which has to be validated alone."""

    lines: Sequence[int]
    viewers: Sequence[Key]
    movies: Sequence[str]  # as the file names them
    kinds: Sequence[int]
    moments: Sequence[datetime]
    ratings: Sequence[float | None]
    completions: Sequence[float | None]
    event_ids: Sequence[EventId | None]
    sessions: Sequence[bool]
    doubtful: Sequence[Row]

    def without(self, places: Collection[int]) -> "EventRows":
        """Return the valid rows but those at these places."""
        kept = [place for place in range(len(self.lines)) if place not in places]
        *columns, doubtful = self
        return EventRows._make([*([column[place] for place in kept] for column in columns), doubtful])


def read_event_rows(batch: Batch) -> EventRows:
    """Return rows as columns. A row is `doubtful` where one of its values is not valid, or it has no such field."""
    fields = row_fields(RowKind.EVENTS)
    if isinstance(batch, TextBlock):
        lines, broken = batch.lines, batch.broken
        columns = [_read_texts(name, field, batch.columns.get(name), len(lines)) for name, field in fields.items()]
        return _sort_out(lines, columns, batch.row, set(), broken)
    if isinstance(batch, ValueBlock):
        columns = [_read_values(name, field, batch.columns[name]) for name, field in fields.items()]
        return _sort_out(batch.lines, columns, batch.row, set(), batch.broken)
    columns = [
        _read_values(name, field, [row.values.get(name, ABSENT) for row in batch]) for name, field in fields.items()
    ]
    names = frozenset(fields)
    doubtful = {place for place, row in enumerate(batch) if row.problem or not row.values.keys() <= names}
    return _sort_out([row.line for row in batch], columns, batch.__getitem__, doubtful, ())


def _sort_out(
    lines: Sequence[int],
    columns: Sequence[Sequence[Any]],
    row_at: Callable[[int], Row],
    doubtful: set[int],
    broken: Sequence[Row],
) -> EventRows:
    """Take the rows out that are doubtful, by their places, or have a value that is not valid."""
    for column in columns:
        if _INVALID in column:
            doubtful |= {place for place, value in enumerate(column) if value is _INVALID}
    rows = EventRows._make([lines, *columns, [*broken, *map(row_at, sorted(doubtful))]])
    return rows.without(doubtful) if doubtful else rows


def _read_texts(name: str, field: serializers.Field, texts: Sequence[str] | None, count: int) -> list[Any]:
    """Read a column of texts; an empty one says nothing."""
    known = _Known(field, _READERS.get(name, _read))
    known[""] = _default(field)
    return [known[""]] * count if texts is None else [known[text] for text in texts]


def _read_values(name: str, field: serializers.Field, values: Sequence[Any]) -> list[Any]:
    """Read a column of any values. 1, 1.0 and true are equal, and not the same."""
    by_type: dict[type, Mapping[Any, Any]] = {scalar: _Known(field, _READERS.get(name, _read)) for scalar in _SCALARS}
    by_type[type(ABSENT)] = {ABSENT: _default(field)}
    types = set(map(type, values))
    if len(types) == 1 and (only := types.pop()) in by_type:
        known = by_type[only]
        return [known[value] for value in values]
    return [by_type[type(value)][value] if type(value) in by_type else _read(field, value) for value in values]


def _default(field: serializers.Field) -> Any:
    return _INVALID if field.required else field.get_default()


class _Known(dict[Any, Any]):
    """The values of a column that were read before."""

    def __init__(self, field: serializers.Field, read: Callable[[serializers.Field, Any], Any]) -> None:
        super().__init__()
        self.field, self.read = field, read

    def __missing__(self, value: Any) -> Any:
        self[value] = result = self.read(self.field, value)
        return result


def _read(field: serializers.Field, value: Any) -> Any:
    try:
        return field.run_validation(value)
    except serializers.ValidationError:
        return _INVALID


def _read_kind(field: serializers.Field, value: Any) -> Any:
    return KINDS.get(_read(field, value), _INVALID)


def _read_moment(field: serializers.Field, value: Any) -> Any:
    """Read a moment as the field does, at a tenth of its price for what files have."""
    try:
        if isinstance(value, int) or (len(value) <= MAX_SECONDS_DIGITS and value.isascii() and value.isdecimal()):
            if (seconds := int(value)) >= MIN_UNIX_SECONDS:
                return datetime.fromtimestamp(seconds, UTC)
            return _read(field, value)
        if value[4] == "-" and value[:4].isdecimal():  # no number, so it is ISO 8601
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        pass
    return _read(field, value)


def _read_movie_id(field: serializers.Field, value: Any) -> Any:
    """Read an id as the field does; one of digits alone is itself."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_KEY_LENGTH:
        return value
    return _read(field, value)


def _read_viewer_key(field: serializers.Field, value: Any) -> Any:
    return viewer_key_in_file(value) or _read(field, value)


def _read_event_key(field: serializers.Field, value: Any) -> Any:
    """Read a key as the field does, whose other rules are among those of a key."""
    return (isinstance(value, str) and parse_event_key(value)) or _read(field, value)


_READERS: Mapping[str, Callable[[serializers.Field, Any], Any]] = {
    "user_id": _read_viewer_key,
    "movie_id": _read_movie_id,
    "kind": _read_kind,
    "occurred_at": _read_moment,
    "event_id": _read_event_key,
}
