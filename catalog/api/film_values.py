"""What may be said of a film, by the API and in files."""

import re
from typing import Any

from django.core.exceptions import ValidationError as InvalidValue
from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog.api.strict import Strict
from catalog.external_ids import imdb_number, imdb_text
from catalog.limits import FIRST_YEAR, LARGEST_ID, LAST_YEAR
from catalog.models import single_spaced
from catalog.validators import LANGUAGE, LONGEST_FILM, LONGEST_OVERVIEW, validate_imdb_id

MAX_GENRES, MAX_PEOPLE, LONGEST_NAME = 50, 200, 200
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"


class Text(serializers.CharField):
    """No number, which would be taken for its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Name(Text):
    """Without spaces around it and doubled within."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.allow_blank:
            self.validators.append(RegexValidator(NOT_BLANK))  # holds already; from here the schema has it

    def to_internal_value(self, data: Any) -> str:
        return single_spaced(super().to_internal_value(data))


class FilmNames(serializers.ListField):
    """Each name once."""

    def __init__(self, most: int, longest: int, words: str) -> None:
        self.most = most
        super().__init__(child=Name(max_length=longest), max_length=most, required=False, help_text=words)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > self.most:
            raise serializers.ValidationError(f"holds {len(data)} names; the limit is {self.most}.")
        return list(dict.fromkeys(super().to_internal_value(data)))


class ImdbId(Text):
    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_imdb_id(text)
        except InvalidValue as error:
            raise serializers.ValidationError(error.messages) from None
        number = imdb_number(text)
        return imdb_text(number) if number else ""


class Whole(serializers.IntegerField):
    """No truth value, which Python takes for a number; in text digits alone, or 862.0 as pandas writes it."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str):
            data = data.strip()
            if not re.fullmatch(r"-?[0-9]{1,20}(\.0{0,20})?", data, re.ASCII):
                self.fail("invalid")
        if isinstance(data, bool | float) and not (isinstance(data, float) and data.is_integer()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """No number; of text what a file may say."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, int | float) and not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(super().to_internal_value(data))


class MovieValues(Strict):
    """Any of a film's values; what is left out stays as it is."""

    title = Name(max_length=300)
    original_title = Name(max_length=300, allow_blank=True, required=False)
    year = Whole(min_value=FIRST_YEAR, max_value=LAST_YEAR, allow_null=True, required=False)
    genres = FilmNames(MAX_GENRES, 60, "All of them; a genre that is new is made.")
    directors = FilmNames(MAX_PEOPLE, LONGEST_NAME, "All of them.")
    actors = FilmNames(MAX_PEOPLE, LONGEST_NAME, "All of them, in billing order.")
    overview = Text(max_length=LONGEST_OVERVIEW, allow_blank=True, required=False)
    poster_url = serializers.URLField(max_length=500, allow_blank=True, required=False)
    runtime = Whole(min_value=1, max_value=LONGEST_FILM, allow_null=True, required=False, help_text="Minutes.")
    certificate = Name(max_length=12, allow_blank=True, required=False)
    language = serializers.RegexField(
        re.compile(LANGUAGE), max_length=12, allow_blank=True, required=False, help_text="A BCP 47 tag: en, en-GB."
    )
    imdb_id = ImdbId(max_length=12, allow_blank=True, required=False, help_text="As in tt0114709.")
    tmdb_id = Whole(min_value=1, max_value=LARGEST_ID, allow_null=True, required=False)
    available_from = serializers.DateTimeField(allow_null=True, required=False)
    available_until = serializers.DateTimeField(allow_null=True, required=False, help_text="Exclusive.")
    published = Flag(required=False, help_text="false hides the film everywhere.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.partial and not values:
            raise serializers.ValidationError(f"names no field to change; the fields are {', '.join(self.fields)}.")
        return values


class NewMovie(MovieValues):
    movie_id = Whole(
        min_value=1, max_value=LARGEST_ID, required=False, help_text="Yours to choose; left out, the next free one."
    )
