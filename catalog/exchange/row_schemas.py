"""What a row of each kind may say."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from rest_framework import serializers

from catalog.api.movie_fields import MAX_NAME_LENGTH, NameField, NewMovie, StrictBoolean, StrictInteger
from catalog.api.strict import EVENT_HINTS, StrictSerializer
from catalog.exchange.csv_header import Columns
from catalog.exchange.row_files import Row
from catalog.limits import MAX_ID
from catalog.models import MAX_AGE_LIMIT, Credit, WatchEvent

MAX_ID_LENGTH, MAX_REASON_LENGTH = 20, 300  # characters


class RowKind(StrEnum):
    MOVIES = "movies"
    PEOPLE = "people"
    VIEWERS = "viewers"
    EVENTS = "events"


class TimestampField(serializers.DateTimeField):
    """ISO 8601, or unix seconds."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            moment: datetime = super().to_internal_value(value)
            return moment
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):
            self.fail("invalid", format="seconds since 1970")


class MovieIdField(serializers.CharField):
    def __init__(self) -> None:
        super().__init__(max_length=MAX_ID_LENGTH, help_text="The catalogue's, imdb:tt0114709 or tmdb:862.")

    def to_internal_value(self, value: Any) -> str:
        """Whole numbers of programs that know only real ones are written 862.0."""
        text = str(super().to_internal_value(value))
        return text.partition(".")[0] if re.fullmatch(r"[0-9]+\.0*", text, re.ASCII) else text


class MovieRow(NewMovie):
    """A film by its movie_id, imdb_id or tmdb_id; what is not named stays as it is."""

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not any(values.get(name) for name in ("movie_id", "imdb_id", "tmdb_id")):
            words = "is needed, or imdb_id or tmdb_id: else the same row sent twice would be two films."
            raise serializers.ValidationError({"movie_id": words})
        return values


class PersonRow(StrictSerializer):
    """One credit."""

    movie_id = MovieIdField()
    name = NameField(max_length=MAX_NAME_LENGTH)
    role = serializers.ChoiceField([role.label for role in Credit.Role])
    order = StrictInteger(min_value=0, max_value=32_767, default=0, help_text="Billing: 0 is the first name.")


class ViewerRow(StrictSerializer):
    user_id = StrictInteger(min_value=1, max_value=MAX_ID)
    name = NameField(max_length=120, allow_blank=True, required=False)
    age_limit = StrictInteger(min_value=0, max_value=MAX_AGE_LIMIT, allow_null=True, required=False)
    session = StrictBoolean(
        default=False, help_text="An anonymous session without a name, to be merged into an account."
    )


class EventRow(StrictSerializer):
    hints = EVENT_HINTS

    user_id = StrictInteger(min_value=1, max_value=MAX_ID)
    movie_id = MovieIdField()
    kind = serializers.ChoiceField([kind.label for kind in WatchEvent.Kind])
    occurred_at = TimestampField()
    rating = serializers.FloatField(allow_null=True, default=None)
    completion = serializers.FloatField(allow_null=True, default=None)
    event_id = serializers.UUIDField(allow_null=True, default=None)
    session = StrictBoolean(default=False, help_text="Whether the viewer is an anonymous session.")


# One of each for all rows: they keep no state, and making one costs more than a row.
_ROWS: dict[RowKind, StrictSerializer] = {
    RowKind.MOVIES: MovieRow(partial=True),
    RowKind.PEOPLE: PersonRow(),
    RowKind.VIEWERS: ViewerRow(),
    RowKind.EVENTS: EventRow(),
}
FIELDS = {kind: tuple(row.fields) for kind, row in _ROWS.items()}
_REQUIRED: dict[RowKind, tuple[tuple[str, ...], ...]] = {
    kind: tuple((name,) for name, field in row.fields.items() if field.required) for kind, row in _ROWS.items()
}
_REQUIRED[RowKind.MOVIES] = (("movie_id", "imdb_id", "tmdb_id"),)
COLUMNS = {
    kind: Columns(FIELDS[kind], _REQUIRED[kind], frozenset({"overview"}), hints=row.hints)
    for kind, row in _ROWS.items()
}


def validate_row(kind: RowKind, row: Row) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The row's values, or what is wrong with it: field and reason."""
    if row.problem:
        return {}, [("", row.problem)]
    try:
        return dict(_ROWS[kind].run_validation(row.values)), []
    except serializers.ValidationError as error:
        told = error.detail if isinstance(error.detail, Mapping) else {"": error.detail}
        return {}, [(name if name in FIELDS[kind] else "", _first_message(words)) for name, words in told.items()]


def _first_message(told: Any) -> str:
    """Of messages by place, or in a list."""
    while isinstance(told, Mapping | list):
        told = next(iter(told.values() if isinstance(told, Mapping) else told))
    return _clean_message(str(told))


def _clean_message(words: str) -> str:
    """As Postgres and JSON take it: it may quote the file."""
    return words.encode(errors="replace").decode().replace("\0", "\ufffd")[:MAX_REASON_LENGTH]
