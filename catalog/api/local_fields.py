"""The field types of what a movie has by country and by language, for the API and for files."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import MAX_LANGUAGE_LENGTH
from catalog.models import collapse_spaces
from catalog.names.countries import COUNTRIES, FORMER_COUNTRIES, country_problem, find_country
from catalog.names.languages import canonical_tag
from catalog.selectors import CountryWindow
from catalog.validators import LANGUAGE_PATTERN, MAX_OVERVIEW_LENGTH

MAX_COUNTRIES, MAX_TRANSLATIONS = 250, 100  # of a movie
MAX_TITLE_LENGTH, MAX_GENRE_LENGTH = 300, 60  # characters
_MOMENT = serializers.DateTimeField(allow_null=True)
_OPEN_ENDS = ("", "..")  # of an interval in a cell
_NO_NUL = r"^[^\x00]*$"
_NULLABLE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_WINDOW_SCHEMA = {
    "type": "object",
    "properties": {
        "country": {"type": "string", "enum": sorted(COUNTRIES)},
        "from": _NULLABLE_MOMENT,
        "until": _NULLABLE_MOMENT | {"description": "Exclusive."},
    },
    "required": ["country"],
    "additionalProperties": False,
}
_ORIGINS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "string",
        "anyOf": [{"enum": sorted(COUNTRIES | FORMER_COUNTRIES)}],
    },  # not a component of its own
    "maxItems": MAX_COUNTRIES,
}
_TRANSLATION_SCHEMA = {
    "type": ["object", "null"],
    "properties": {
        "title": {"type": "string", "maxLength": MAX_TITLE_LENGTH, "pattern": _NO_NUL},
        "overview": {"type": "string", "maxLength": MAX_OVERVIEW_LENGTH, "pattern": _NO_NUL},
    },
    "minProperties": 1,
    "additionalProperties": False,
}
_TRANSLATIONS_SCHEMA = {
    "type": "object",
    "propertyNames": {"pattern": LANGUAGE_PATTERN.replace(r"\Z", "$"), "maxLength": MAX_LANGUAGE_LENGTH},
    "additionalProperties": _TRANSLATION_SCHEMA,
    "maxProperties": MAX_TRANSLATIONS,
}


@extend_schema_field(_ORIGINS_SCHEMA)
class OriginCountriesField(serializers.Field):
    """The countries that a movie is from, each once; also those that are no more."""

    def __init__(self) -> None:
        super().__init__(required=False, help_text="Of origin, ISO 3166: US, GB.")

    def to_internal_value(self, data: Any) -> list[str]:
        items = _bounded_list(data, MAX_COUNTRIES, "countries")
        countries: dict[str, None] = {}
        for item in items:
            country = find_country(item, former=True) if isinstance(item, str) else None
            if country is None:
                raise serializers.ValidationError(f"{_shown(item)} {country_problem(str(item))}")
            countries[country] = None
        return list(countries)


@extend_schema_field({"type": "array", "items": _WINDOW_SCHEMA, "maxItems": MAX_COUNTRIES})
class AvailabilityField(serializers.Field):
    """When a movie is available in which countries; one without any is available in all.

    In a cell of a CSV: `DE`, or with an interval as in ISO 8601, `AT 2026-01-01T00:00:00Z/2026-07-01T00:00:00Z`.
    """

    def __init__(self) -> None:
        super().__init__(
            required=False, help_text="Where and when the film is available: all of it. Empty: in every country."
        )

    def to_internal_value(self, data: Any) -> list[CountryWindow]:
        windows = [self._window(item) for item in _bounded_list(data, MAX_COUNTRIES, "countries")]
        names = [window.country for window in windows]
        if len(set(names)) < len(names):
            raise serializers.ValidationError("names a country twice: a country has one window.")
        return windows

    def _window(self, item: Any) -> CountryWindow:
        values = _parse_cell(item) if isinstance(item, str) else item
        if not isinstance(values, Mapping) or not isinstance(values.get("country"), str):
            raise serializers.ValidationError('holds what is no window, as in {"country": "DE", "until": null}.')
        if unknown := values.keys() - {"country", "from", "until"}:
            raise serializers.ValidationError(f"{_shown(min(unknown))} is none of country, from, until.")
        country = find_country(values["country"])
        if country is None:
            raise serializers.ValidationError(f"{_shown(values['country'])} {country_problem(values['country'])}")
        begins, ends = (_moment(values.get(name)) for name in ("from", "until"))
        if begins and ends and ends <= begins:
            raise serializers.ValidationError(f"{country}: the window must end after it begins.")
        return CountryWindow(country, begins, ends)


@extend_schema_field(_TRANSLATIONS_SCHEMA)
class TranslationsField(serializers.Field):
    """Titles and overviews by language. What is left out stays; null takes a language away."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            help_text='By BCP 47 tag: {"de": {"title": "Das Boot"}}. What is left out stays; null deletes a language.',
        )

    def to_internal_value(self, data: Any) -> dict[str, dict[str, str] | None]:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("must be an object by language.")
        if len(data) > MAX_TRANSLATIONS:
            raise serializers.ValidationError(f"holds {len(data)} languages; the limit is {MAX_TRANSLATIONS}.")
        translations: dict[str, dict[str, str] | None] = {}
        for language, texts in data.items():
            if not isinstance(language, str) or not is_language(language):
                raise serializers.ValidationError(f"{_shown(language)} is no BCP 47 tag, as in de or pt-BR.")
            tag = canonical_tag(language)
            if tag in translations:
                raise serializers.ValidationError(f"names {tag} twice.")
            translations[tag] = None if texts is None else self._texts(tag, texts)
        return translations

    def _texts(self, language: str, texts: Any) -> dict[str, str]:
        if not isinstance(texts, Mapping) or not texts or texts.keys() - _LIMITS.keys():
            raise serializers.ValidationError(f"{language}: must be an object with title, overview or both.")
        for name, text in texts.items():
            if not isinstance(text, str) or "\0" in text or len(text) > _LIMITS[name]:
                raise serializers.ValidationError(f"{language}: {name} is text of at most {_LIMITS[name]} characters.")
        return {name: collapse_spaces(text) if name == "title" else text for name, text in texts.items()}


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "null"], "maxLength": 60}})
class GenreTranslationsField(serializers.Field):
    """A genre's names by language. What is left out stays; null deletes a language."""

    def __init__(self) -> None:
        super().__init__(required=False, help_text='By BCP 47 tag: {"de": "Krimi"}. null deletes a language.')

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        if not isinstance(data, Mapping) or len(data) > MAX_TRANSLATIONS:
            raise serializers.ValidationError(f"must be an object of at most {MAX_TRANSLATIONS} languages.")
        names: dict[str, str | None] = {}
        for language, value in data.items():
            name = value.get("name") if isinstance(value, Mapping) else value  # of a CSV's column name:de
            if not isinstance(language, str) or not is_language(language):
                raise serializers.ValidationError(f"{_shown(language)} is no BCP 47 tag, as in de or pt-BR.")
            if name is not None and (not isinstance(name, str) or "\0" in name or len(name) > MAX_GENRE_LENGTH):
                raise serializers.ValidationError(f"{language}: a name has at most {MAX_GENRE_LENGTH} characters.")
            names[canonical_tag(language)] = name and collapse_spaces(name)
        return names


_LIMITS = {"title": MAX_TITLE_LENGTH, "overview": MAX_OVERVIEW_LENGTH}


def is_language(text: str) -> bool:
    """Say whether a text is a BCP 47 tag as movies have them."""
    return len(text) <= MAX_LANGUAGE_LENGTH and bool(re.match(LANGUAGE_PATTERN, text))


def window_cell(window: Mapping[str, str | None]) -> str:
    """Return a window, as the JSON of the API has it, as a cell of a CSV has it."""
    if window["from"] is None and window["until"] is None:
        return str(window["country"])
    return f"{window['country']} {window['from'] or ''}/{window['until'] or ''}"


def window_values(window: CountryWindow) -> dict[str, Any]:
    """Return a window as the JSON of the API."""
    return {"country": window.country, "from": window.available_from, "until": window.available_until}


def _parse_cell(text: str) -> dict[str, Any]:
    country, _, interval = text.strip().partition(" ")
    begins, slash, ends = interval.strip().partition("/")
    if interval and not slash:
        raise serializers.ValidationError(f"{_shown(text)}: an interval is written with a slash: DE 2026-01-01/.")
    return {"country": country, "from": begins.strip() or None, "until": ends.strip() or None}


def _moment(value: Any) -> datetime | None:
    if value is None or value in _OPEN_ENDS:
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        value = f"{value}T00:00:00Z"
    moment: datetime = _MOMENT.run_validation(value)
    return moment


def _bounded_list(data: Any, limit: int, what: str) -> list[Any]:
    if not isinstance(data, list):
        raise serializers.ValidationError(f"must be a list of {what}.")
    if len(data) > limit:
        raise serializers.ValidationError(f"holds {len(data)} {what}; the limit is {limit}.")
    return data


def _shown(value: Any) -> str:
    return ascii(value)[:40]
