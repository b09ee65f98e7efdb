"""The fields of the rows of each kind."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rest_framework import serializers

from catalog.api.fields import (
    MAX_NAME_LENGTH,
    CountryField,
    EventKeyField,
    MovieIdField,
    MovieKeyInFile,
    NameField,
    NamesField,
    NumberInFile,
    ShareField,
    StrictBoolean,
    StrictInteger,
    StrictString,
    TimestampField,
    ViewerKeyField,
)
from catalog.api.local_fields import MAX_GENRE_LENGTH, GenreTranslationsField
from catalog.api.serializers import NewMovie
from catalog.api.strict import EVENT_HINTS, StrictSerializer
from catalog.exchange.csv_header import Columns
from catalog.exchange.people_and_tags import PersonIdsField, TagsField, name_people, parse_person_ids
from catalog.exchange.text_blocks import Row
from catalog.limits import MAX_ID
from catalog.models import MAX_AGE_LIMIT, Credit, WatchEvent
from catalog.validators import LANGUAGE_PATTERN, MAX_OVERVIEW_LENGTH

TRANSLATED_TEXTS = ("title", "overview")  # of a movie, in a CSV as title:de
MAX_ALIASES = 100  # of a genre
MAX_PEOPLE = 2_000  # of a movie and a role
MAX_REASON_LENGTH = 300  # characters


class RowKind(StrEnum):
    """What the rows of a file are."""

    MOVIES = "movies"
    PEOPLE = "people"
    GENRES = "genres"
    VIEWERS = "viewers"
    EVENTS = "events"


class MovieRow(NewMovie):
    """A movie by its movie_id, imdb_id or tmdb_id; what is left out stays as it is."""

    movie_id = MovieKeyInFile(required=False)
    directors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them.", may_repeat=True)
    actors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them, in billing order.", may_repeat=True)
    overview = StrictString(max_length=MAX_OVERVIEW_LENGTH, allow_blank=True, required=False, trim_whitespace=False)
    director_ids = PersonIdsField(MAX_PEOPLE)
    actor_ids = PersonIdsField(MAX_PEOPLE)
    tags = TagsField(required=False)
    double_of = MovieKeyInFile(required=False, allow_null=True)
    shared_ids = StrictBoolean(required=False)
    added_at = TimestampField(required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not any(values.get(name) for name in ("movie_id", "imdb_id", "tmdb_id")):
            message = "is needed, or imdb_id or tmdb_id: else the same row sent twice would be two films."
            raise serializers.ValidationError({"movie_id": message})
        for names, ids in (("directors", "director_ids"), ("actors", "actor_ids")):
            people_ids = values.pop(ids, [])
            if names in values or people_ids:
                try:
                    values[names] = name_people(values.get(names, []), people_ids)
                except serializers.ValidationError as error:
                    raise serializers.ValidationError({ids: error.detail}) from None
        return values


class PersonRow(StrictSerializer):
    """One credit of a person."""

    movie_id = MovieIdField()
    name = NameField(max_length=MAX_NAME_LENGTH)
    role = serializers.ChoiceField([role.label for role in Credit.Role])
    order = StrictInteger(min_value=0, max_value=32_767, default=0, help_text="Billing: 0 is the first name.")
    imdb_id = StrictString(max_length=12, allow_blank=True, default="", help_text="The person's, as in nm0000138.")
    tmdb_id = StrictInteger(min_value=1, max_value=MAX_ID, allow_null=True, default=None, help_text="The person's.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Gather who is meant as `person`."""
        try:
            person = parse_person_ids(values.pop("imdb_id"))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"imdb_id": error.detail}) from None
        tmdb_id = values.pop("tmdb_id") or person.tmdb_id
        return values | {"person": person._replace(name=values.pop("name"), tmdb_id=tmdb_id)}


class GenreRow(StrictSerializer):
    """A genre with its other names; one that is new is made."""

    name = NameField(max_length=MAX_GENRE_LENGTH)
    aliases = NamesField(MAX_ALIASES, MAX_GENRE_LENGTH, "All of them.")
    translations = GenreTranslationsField()


class AccountKeyInFile(ViewerKeyField):
    """The key of the account that a profile belongs to, as text; empty for none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, help_text="Key of the account that the profile belongs to.", **options)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Return whether the data is empty, and the value then."""
        return (True, "") if data in ("", None) else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data))


class ViewerRow(StrictSerializer):
    """A viewer; what is left out stays as it is."""

    user_id = ViewerKeyField()
    name = NameField(max_length=120, allow_blank=True, required=False)
    age_limit = StrictInteger(min_value=0, max_value=MAX_AGE_LIMIT, allow_null=True, required=False)
    country = CountryField(allow_null=True, required=False, help_text="ISO 3166: US, DE.")
    language = serializers.RegexField(
        re.compile(LANGUAGE_PATTERN), max_length=12, allow_blank=True, required=False, help_text="BCP 47: de, pt-BR."
    )
    session = StrictBoolean(
        default=False, help_text="An anonymous session without a name, to be merged into an account."
    )
    account = AccountKeyInFile(required=False)
    created_at = TimestampField(required=False, help_text="When the viewer came; of two moments the earlier counts.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        return values | ({"country": values["country"] or ""} if "country" in values else {})


class EventRow(StrictSerializer):
    """One event of a viewer."""

    hints = EVENT_HINTS

    user_id = ViewerKeyField()
    movie_id = MovieIdField()
    kind = serializers.ChoiceField([kind.label for kind in WatchEvent.Kind])
    occurred_at = TimestampField()
    rating = NumberInFile(allow_null=True, default=None)
    completion = ShareField(allow_null=True, default=None)
    event_id = EventKeyField(allow_null=True, default=None)
    session = StrictBoolean(default=False, help_text="Whether the viewer is an anonymous session.")


# One serializer of each kind for all rows: they keep no state, and making one costs more than a row.
_ROWS: dict[RowKind, StrictSerializer] = {
    RowKind.MOVIES: MovieRow(partial=True),
    RowKind.PEOPLE: PersonRow(),
    RowKind.GENRES: GenreRow(),
    RowKind.VIEWERS: ViewerRow(),
    RowKind.EVENTS: EventRow(),
}
FIELDS = {kind: tuple(row.fields) for kind, row in _ROWS.items()}
_REQUIRED: dict[RowKind, tuple[tuple[str, ...], ...]] = {
    kind: tuple((name,) for name, field in row.fields.items() if field.required) for kind, row in _ROWS.items()
}
_REQUIRED[RowKind.MOVIES] = (("movie_id", "imdb_id", "tmdb_id"),)
_BY_LANGUAGE = {RowKind.MOVIES: TRANSLATED_TEXTS, RowKind.GENRES: ("name",)}
COLUMNS = {
    kind: Columns(
        FIELDS[kind],
        _REQUIRED[kind],
        frozenset({"overview"}),
        hints=row.hints,
        by_language=_BY_LANGUAGE.get(kind, ()),
    )
    for kind, row in _ROWS.items()
}


def row_fields(kind: RowKind) -> Mapping[str, serializers.Field]:
    """Return the fields that validate a row's values."""
    fields: Mapping[str, serializers.Field] = _ROWS[kind].fields
    return fields


def validate_row(kind: RowKind, row: Row) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the row's values and no problem, or no value and its problems: (field, reason)."""
    if row.problem:
        return {}, [("", row.problem)]
    try:
        return dict(_ROWS[kind].run_validation(row.values)), []
    except serializers.ValidationError as error:
        errors = error.detail if isinstance(error.detail, Mapping) else {"": error.detail}
        return {}, [(name if name in FIELDS[kind] else "", _first_message(detail)) for name, detail in errors.items()]


def _first_message(detail: Any) -> str:
    """Return the first of nested messages, as Postgres and JSON take it: it may quote the file."""
    while isinstance(detail, Mapping | list):
        detail = next(iter(detail.values() if isinstance(detail, Mapping) else detail))
    return str(detail).encode(errors="replace").decode().replace("\0", "\ufffd")[:MAX_REASON_LENGTH]
