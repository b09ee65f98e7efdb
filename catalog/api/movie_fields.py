"""What may be said of a film, by the API and in files."""

import re
from typing import Any

from django.core.exceptions import ValidationError as InvalidValue
from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog.api.strict import StrictSerializer
from catalog.external_ids import format_imdb_id, parse_imdb_id
from catalog.limits import MAX_ID, MAX_YEAR, MIN_YEAR
from catalog.models import collapse_spaces
from catalog.validators import LANGUAGE_PATTERN, MAX_OVERVIEW_LENGTH, MAX_RUNTIME, validate_imdb_id

MAX_GENRES, MAX_PEOPLE, MAX_NAME_LENGTH = 50, 200, 200
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"


class StrictString(serializers.CharField):
    """No number, which would be taken for its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NameField(StrictString):
    """Without spaces around it and doubled within."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.allow_blank:
            self.validators.append(RegexValidator(NOT_BLANK))  # holds already; from here the schema has it

    def to_internal_value(self, data: Any) -> str:
        return collapse_spaces(super().to_internal_value(data))


class NamesField(serializers.ListField):
    """Each name once."""

    def __init__(self, max_names: int, max_name_length: int, help_text: str) -> None:
        self.most = max_names
        super().__init__(
            child=NameField(max_length=max_name_length), max_length=max_names, required=False, help_text=help_text
        )

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > self.most:
            raise serializers.ValidationError(f"holds {len(data)} names; the limit is {self.most}.")
        return list(dict.fromkeys(super().to_internal_value(data)))


class ImdbIdField(StrictString):
    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_imdb_id(text)
        except InvalidValue as error:
            raise serializers.ValidationError(error.messages) from None
        number = parse_imdb_id(text)
        return format_imdb_id(number) if number else ""


class StrictInteger(serializers.IntegerField):
    """No truth value, which Python takes for a number; in text digits alone, or 862.0 as pandas writes it."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str):
            data = data.strip()
            if not re.fullmatch(r"-?[0-9]{1,20}(\.0{0,20})?", data, re.ASCII):
                self.fail("invalid")
        if isinstance(data, bool | float) and not (isinstance(data, float) and data.is_integer()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class StrictBoolean(serializers.BooleanField):
    """No number; of text what a file may say."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, int | float) and not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(super().to_internal_value(data))


class MovieValues(StrictSerializer):
    """Any of a film's values; what is left out stays as it is."""

    title = NameField(max_length=300)
    original_title = NameField(max_length=300, allow_blank=True, required=False)
    year = StrictInteger(min_value=MIN_YEAR, max_value=MAX_YEAR, allow_null=True, required=False)
    genres = NamesField(MAX_GENRES, 60, "All of them; a genre that is new is made.")
    directors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them.")
    actors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them, in billing order.")
    overview = StrictString(max_length=MAX_OVERVIEW_LENGTH, allow_blank=True, required=False)
    poster_url = serializers.URLField(max_length=500, allow_blank=True, required=False)
    runtime = StrictInteger(min_value=1, max_value=MAX_RUNTIME, allow_null=True, required=False, help_text="Minutes.")
    certificate = NameField(max_length=12, allow_blank=True, required=False)
    language = serializers.RegexField(
        re.compile(LANGUAGE_PATTERN),
        max_length=12,
        allow_blank=True,
        required=False,
        help_text="A BCP 47 tag: en, en-GB.",
    )
    imdb_id = ImdbIdField(max_length=12, allow_blank=True, required=False, help_text="As in tt0114709.")
    tmdb_id = StrictInteger(min_value=1, max_value=MAX_ID, allow_null=True, required=False)
    available_from = serializers.DateTimeField(allow_null=True, required=False)
    available_until = serializers.DateTimeField(allow_null=True, required=False, help_text="Exclusive.")
    published = StrictBoolean(required=False, help_text="false hides the film everywhere.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.partial and not values:
            raise serializers.ValidationError(f"names no field to change; the fields are {', '.join(self.fields)}.")
        return values


class NewMovie(MovieValues):
    movie_id = StrictInteger(
        min_value=1, max_value=MAX_ID, required=False, help_text="Yours to choose; left out, the next free one."
    )
