"""The field types of requests with JSON: strict about its types; an error names the limit that is broken.

Those of catalog.api.fields read files as well, where every value is text.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import MAX_NAME_LENGTH, MAX_NAMES
from catalog.event_keys import EventId, parse_event_key
from catalog.keys import MAX_JSON_NUMBER, MAX_KEY_LENGTH, VIEWER_KEY_RULE, Key, key_of_number, parse_key
from catalog.plurals import count_noun

MAX_TIMESTAMP = 32_503_680_000  # unix seconds: the year 3000
DAY_SECONDS = 86_400  # seconds: an offset from UTC is smaller
MAX_MOVIES = 1000  # of a list of movie ids
MAX_HISTORY = 10_000  # movie ids of a history; the model reads the newest, all are barred from lists
MAX_TOP_K = 200
MIN_VIEWERS, MAX_VIEWERS = 2, 10  # of a group
MAX_IN_QUERY = 100
MAX_LANGUAGE_LENGTH = 12  # characters of a BCP 47 tag

_MOVIE_ID_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
        {"type": "integer", "minimum": 0, "maximum": MAX_JSON_NUMBER},
    ]
}
VIEWER_KEY_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_JSON_NUMBER},
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$"},
    ]
}
_EVENT_ID_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
        {"type": "integer", "minimum": 0, "maximum": MAX_JSON_NUMBER},
    ]
}
_TIMESTAMP_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": MAX_TIMESTAMP},
        {"type": "string", "format": "date-time", "pattern": r"^(19[7-9]\d|2\d{3})-"},
    ]
}


@extend_schema_field({"type": "boolean"})
class JsonBoolean(serializers.Field):
    """A JSON boolean."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the parsed value. Raises ValidationError."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false.")
        return data


def as_integer(data: Any) -> int | None:
    """Return a JSON number without a fraction as an int; None for anything else."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        return None
    return int(data) if isinstance(data, int) or data.is_integer() else None


class JsonInteger(serializers.IntegerField):
    """A JSON number without a fraction; 3.0 is one."""

    def to_internal_value(self, data: Any) -> int:
        """Return the parsed value. Raises ValidationError."""
        number = as_integer(data)
        if number is None:
            raise serializers.ValidationError("must be an integer.")
        return number


class JsonFloat(serializers.FloatField):
    """A finite JSON number, rounded to six decimals."""

    def to_internal_value(self, data: Any) -> float:
        """Return the parsed value. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            raise serializers.ValidationError("must be a number.")
        return round(float(data), 6)  # four bytes keep no more, and refuse what they cannot hold


class JsonString(serializers.RegexField):
    """A JSON string that matches a pattern."""

    def to_internal_value(self, data: Any) -> str:
        """Return the parsed value. Raises ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string.")
        return data


@extend_schema_field({"type": "number", "minimum": 0.5, "maximum": 5, "multipleOf": 0.5})
class StarRating(JsonFloat):
    """A rating of 0.5 to 5 stars, in halves."""

    def to_internal_value(self, data: Any) -> float:
        """Return the parsed value. Raises ValidationError."""
        stars = super().to_internal_value(data)
        if not 0.5 <= stars <= 5 or stars * 2 != int(stars * 2):
            raise serializers.ValidationError("must be 0.5 to 5 stars in halves.")
        return stars


class JsonUUID(serializers.UUIDField):
    """A UUID as a JSON string."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the parsed value. Raises ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a UUID as a string.")
        return UUID(str(super().to_internal_value(data)))


@extend_schema_field(_EVENT_ID_SCHEMA)
class EventKey(serializers.Field):
    """The key of an event: any printable text, or a number, which is its digits."""

    def to_internal_value(self, data: Any) -> EventId:
        """Return the parsed value. Raises ValidationError."""
        number = as_integer(data)
        if number is not None and 0 <= number <= MAX_JSON_NUMBER:
            data = str(number)
        event_id = parse_event_key(data) if isinstance(data, str) else None
        if event_id is None:
            raise serializers.ValidationError(f"must be a string of 1 to {MAX_KEY_LENGTH} printable characters.")
        return event_id


def movie_id_text(data: Any) -> str:
    """Return a movie id as text. Raises ValidationError."""
    number = as_integer(data)
    if number is not None and 0 <= number <= MAX_JSON_NUMBER:
        data = str(number)
    if not isinstance(data, str) or not 0 < len(data) <= MAX_KEY_LENGTH:
        raise serializers.ValidationError(f"a film id is a string of 1 to {MAX_KEY_LENGTH} characters.")
    return data


@extend_schema_field(_MOVIE_ID_SCHEMA)
class MovieId(serializers.Field):
    """A movie's id, as a string or a number; the value is text."""

    def to_internal_value(self, data: Any) -> str:
        """Return the parsed value. Raises ValidationError."""
        return movie_id_text(data)


class _BoundedList(serializers.Field):
    """A list of at most `max_items`, validated in one pass; errors are keyed by the index of the item."""

    item_name = "items"

    def __init__(self, *, max_items: int, **options: Any) -> None:
        super().__init__(**options)
        self.max_items = max_items

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the parsed value. Raises ValidationError."""
        if not isinstance(data, list):
            raise serializers.ValidationError(f"must be a list of {self.item_name}.")
        if len(data) > self.max_items:
            raise serializers.ValidationError(f"holds {len(data)} {self.item_name}; the limit is {self.max_items}.")
        return self.parse_items(data)

    def parse_items(self, data: Sequence[Any]) -> list[str]:
        """Return the parsed items. Raises ValidationError with the errors of all."""
        values: list[str] = []
        errors: dict[str, Any] = {}
        for index, item in enumerate(data):
            try:
                values.append(self.parse_item(item))
            except serializers.ValidationError as error:
                errors[str(index)] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def parse_item(self, data: Any) -> str:
        """Return one parsed item. Raises ValidationError."""
        raise NotImplementedError


@extend_schema_field({"type": "array", "items": _MOVIE_ID_SCHEMA, "maxItems": MAX_MOVIES})
class MovieIds(_BoundedList):
    """A list of movie ids, as texts."""

    item_name = "film ids"

    def __init__(self, *, max_items: int = MAX_MOVIES, **options: Any) -> None:
        super().__init__(max_items=max_items, **options)

    def parse_items(self, data: Sequence[Any]) -> list[str]:
        """Return the ids as texts."""
        # The fast path: a batch has 200,000 of them.
        if set(map(type, data)) <= {str} and all(data) and max(map(len, data), default=0) <= MAX_KEY_LENGTH:
            return list(data)
        return super().parse_items(data)

    def parse_item(self, data: Any) -> str:
        """Return one parsed item. Raises ValidationError."""
        return movie_id_text(data)


@extend_schema_field({"type": "array", "items": _MOVIE_ID_SCHEMA, "maxItems": MAX_HISTORY})
class HistoryIds(MovieIds):
    """The movie ids of a history, oldest first."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_items=MAX_HISTORY, **options)


_ID_IN_QUERY = f"[^,]{{1,{MAX_KEY_LENGTH}}}"


@extend_schema_field({"type": "string", "pattern": f"^{_ID_IN_QUERY}(,{_ID_IN_QUERY}){{0,{MAX_IN_QUERY - 1}}}$"})
class QueryMovieIds(MovieIds):
    """Movie ids in a query, separated by commas: as many as an address holds. A key with a comma goes into a body."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_items=MAX_IN_QUERY, **options)


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH}, "maxItems": MAX_NAMES}
)
class Names(_BoundedList):
    """A list of names of genres, people or languages."""

    item_name = "names"

    def __init__(self, **options: Any) -> None:
        super().__init__(max_items=MAX_NAMES, **options)

    def parse_item(self, data: Any) -> str:
        """Return one parsed item. Raises ValidationError."""
        if not isinstance(data, str) or not 0 < len(data) <= MAX_NAME_LENGTH:
            raise serializers.ValidationError(f"a name is a string of 1 to {MAX_NAME_LENGTH} characters.")
        return data


@extend_schema_field(_TIMESTAMP_SCHEMA)
class Timestamp(serializers.Field):
    """Unix seconds or ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        """Return the parsed value. Raises ValidationError."""
        try:
            if isinstance(data, str):
                parsed = datetime.fromisoformat(data.upper())
                moment = parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
            elif isinstance(data, int | float) and not isinstance(data, bool):
                moment = datetime.fromtimestamp(data, UTC)
            else:
                raise TypeError
        except (TypeError, ValueError, OverflowError, OSError):
            raise serializers.ValidationError("must be unix seconds or a moment as in 2026-11-23T18:00:00Z.") from None
        if not -DAY_SECONDS <= moment.timestamp() <= MAX_TIMESTAMP + DAY_SECONDS or (
            not isinstance(data, str) and not 0 <= data <= MAX_TIMESTAMP
        ):
            raise serializers.ValidationError("must lie between the years 1970 and 3000.")
        return moment


class NamedViewer(NamedTuple):
    """A viewer as a call names them: the key, and the JSON value that the answer repeats."""

    key: Key
    sent: int | str


def named_viewer(data: Any) -> NamedViewer | None:
    """Return the viewer that a JSON value names; None for a value that can name none."""
    if isinstance(data, str):
        sent: int | str | None = data
    else:
        sent = as_integer(data)
    key = None if sent is None else parse_key(sent) if isinstance(sent, str) else key_of_number(sent)
    return None if sent is None or key is None else NamedViewer(key, sent)


@extend_schema_field(VIEWER_KEY_SCHEMA)
class UserId(serializers.Field):
    """The site's own id of a viewer, a number or a text; the value is a NamedViewer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"help_text": "The site's own id of a viewer."} | options)

    def to_internal_value(self, data: Any) -> NamedViewer:
        """Return the parsed value. Raises ValidationError."""
        viewer = named_viewer(data)
        if viewer is None:
            raise serializers.ValidationError(VIEWER_KEY_RULE)
        return viewer


@extend_schema_field(VIEWER_KEY_SCHEMA)
class UserIdAnswer(serializers.Field):
    """A viewer's id in an answer: as it came in the body, else a number up to 2**31 - 1 and any other text."""


class TopK(JsonInteger):
    """The length of a list."""

    def __init__(self, default: int, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_TOP_K, default=default, **options)


@extend_schema_field(
    {"type": "array", "items": VIEWER_KEY_SCHEMA, "minItems": MIN_VIEWERS, "maxItems": MAX_VIEWERS, "uniqueItems": True}
)
class ViewerIds(serializers.Field):
    """The ids of two to ten viewers."""

    def __init__(self, **options: Any) -> None:
        message = "Two to ten viewers who watch together, in place of user_id and history."
        super().__init__(help_text=message, **options)

    def to_internal_value(self, data: Any) -> list[NamedViewer]:
        """Return the parsed value. Raises ValidationError."""
        if not isinstance(data, list):
            raise serializers.ValidationError("must be a list of viewer ids.")
        if not MIN_VIEWERS <= len(data) <= MAX_VIEWERS:
            raise serializers.ValidationError(
                f"holds {count_noun(len(data), 'viewer')}; the limits are {MIN_VIEWERS} and {MAX_VIEWERS}."
            )
        viewers = [named_viewer(item) for item in data]
        errors = {str(index): [VIEWER_KEY_RULE] for index, viewer in enumerate(viewers) if viewer is None}
        if errors:
            raise serializers.ValidationError(errors)
        named = [viewer for viewer in viewers if viewer is not None]
        if len({viewer.key for viewer in named}) < len(named):
            raise serializers.ValidationError("names a viewer twice.")
        return named
