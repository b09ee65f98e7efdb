"""The API's own types: strict about JSON, and each limit is named when it is broken."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.limits import LARGEST_ID

LATEST = 32_503_680_000  # unix seconds: the year 3000
DAY = 86_400  # seconds: an offset from UTC is smaller
MAX_HISTORY = 1000
MAX_IN_ADDRESS = 100
LONGEST_FILM_ID = 20  # characters

_FILM_ID = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": LONGEST_FILM_ID},
        {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
    ]
}
_MOMENT = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": LATEST},
        {"type": "string", "format": "date-time", "pattern": r"^(19[7-9]\d|2\d{3})-"},
    ]
}


@extend_schema_field({"type": "boolean"})
class Flag(serializers.Field):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false.")
        return data


def whole(data: Any) -> int | None:
    """An integer of JSON, where 3.0 is one; None for anything else."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        return None
    return int(data) if isinstance(data, int) or data.is_integer() else None


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        number = whole(data)
        if number is None:
            raise serializers.ValidationError("must be an integer.")
        return number


class Real(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            raise serializers.ValidationError("must be a number.")
        return round(float(data), 6)  # four bytes keep no more, and refuse what they cannot hold


class Text(serializers.RegexField):
    """A string that is written as one and matches."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string.")
        return data


@extend_schema_field({"type": "number", "minimum": 0.5, "maximum": 5, "multipleOf": 0.5})
class Stars(Real):
    def to_internal_value(self, data: Any) -> float:
        stars = super().to_internal_value(data)
        if not 0.5 <= stars <= 5 or stars * 2 != int(stars * 2):
            raise serializers.ValidationError("must be 0.5 to 5 stars in halves.")
        return stars


class EventId(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a UUID as a string.")
        return UUID(str(super().to_internal_value(data)))


def film_text(data: Any) -> str:
    """A film id as text. Raises ValidationError."""
    number = whole(data)
    if number is not None and 0 <= number <= LARGEST_ID:
        data = str(number)
    if not isinstance(data, str) or not 0 < len(data) <= LONGEST_FILM_ID:
        raise serializers.ValidationError(f"a film id is a string of 1 to {LONGEST_FILM_ID} characters.")
    return data


@extend_schema_field(_FILM_ID)
class FilmId(serializers.Field):
    def to_internal_value(self, data: Any) -> str:
        return film_text(data)


class _Bounded(serializers.Field):
    """A list in one pass: the errors stand at the places of the items."""

    what = "items"

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            raise serializers.ValidationError(f"must be a list of {self.what}.")
        if len(data) > self.most:
            raise serializers.ValidationError(f"holds {len(data)} {self.what}; the limit is {self.most}.")
        return self.items(data)

    def items(self, data: Sequence[Any]) -> list[str]:
        found: list[str] = []
        wrong: dict[str, Any] = {}
        for place, item in enumerate(data):
            try:
                found.append(self.item(item))
            except serializers.ValidationError as error:
                wrong[str(place)] = error.detail
        if wrong:
            raise serializers.ValidationError(wrong)
        return found

    def item(self, data: Any) -> str:
        raise NotImplementedError


@extend_schema_field({"type": "array", "items": _FILM_ID, "maxItems": MAX_HISTORY})
class FilmIds(_Bounded):
    what = "film ids"

    def __init__(self, *, most: int = MAX_HISTORY, **options: Any) -> None:
        super().__init__(most=most, **options)

    def items(self, data: Sequence[Any]) -> list[str]:
        if all(type(one) is str and 0 < len(one) <= LONGEST_FILM_ID for one in data):  # a batch has 200,000 of them
            return list(data)
        return super().items(data)

    def item(self, data: Any) -> str:
        return film_text(data)


_IN_ADDRESS = f"[^,]{{1,{LONGEST_FILM_ID}}}"


@extend_schema_field({"type": "string", "pattern": f"^{_IN_ADDRESS}(,{_IN_ADDRESS}){{0,{MAX_IN_ADDRESS - 1}}}$"})
class FewFilmIds(FilmIds):
    """As many as an address holds, separated by commas."""

    def __init__(self, **options: Any) -> None:
        super().__init__(most=MAX_IN_ADDRESS, **options)


MAX_NAMES, LONGEST_NAME = 50, 200


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}, "maxItems": MAX_NAMES}
)
class Names(_Bounded):
    what = "names"

    def __init__(self, **options: Any) -> None:
        super().__init__(most=MAX_NAMES, **options)

    def item(self, data: Any) -> str:
        if not isinstance(data, str) or not 0 < len(data) <= LONGEST_NAME:
            raise serializers.ValidationError(f"a name is a string of 1 to {LONGEST_NAME} characters.")
        return data


@extend_schema_field(_MOMENT)
class Moment(serializers.Field):
    """Unix seconds or ISO 8601; without an offset it is UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            if isinstance(data, str):
                given = datetime.fromisoformat(data.upper())
                moment = given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
            elif isinstance(data, int | float) and not isinstance(data, bool):
                moment = datetime.fromtimestamp(data, UTC)
            else:
                raise TypeError
        except (TypeError, ValueError, OverflowError, OSError):
            raise serializers.ValidationError("must be unix seconds or a moment as in 2026-11-23T18:00:00Z.") from None
        if not -DAY <= moment.timestamp() <= LATEST + DAY or (not isinstance(data, str) and not 0 <= data <= LATEST):
            raise serializers.ValidationError("must lie between the years 1970 and 3000.")
        return moment
