"""Strict field types, for the API and for files: each limit is named when it is broken."""

import math
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as InvalidValue
from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.certificates import CERTIFICATES, accepted_spellings, minimum_age
from catalog.event_keys import EventId, parse_event_key
from catalog.external_ids import format_imdb_id, is_reference, parse_imdb_id
from catalog.keys import (
    MAX_JSON_NUMBER,
    MAX_KEY_LENGTH,
    VIEWER_KEY_RULE,
    Key,
    key_of_number,
    parse_key,
    read_key_text,
)
from catalog.models import collapse_spaces
from catalog.names.countries import COUNTRIES, country_problem, find_country
from catalog.validators import LANGUAGE_PATTERN, validate_imdb_id

MAX_NAMES, MAX_NAME_LENGTH = 50, 200  # of a search; characters
MAX_EXACT_FLOAT = 2**53
MAX_LANGUAGE_LENGTH = 12  # characters
MIN_UNIX_SECONDS = 100_000_000  # of March 1973: in a file a smaller number is a mistake, or counts something else
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)  # of the numbers that spreadsheets have for days
_FIRST_DAY, _DAYS_END = 20_000, 80_000  # 1954 to 2118
_DAY_SECONDS = 86_400
MIN_REAL = 1.2e-38  # the smallest number above 0 that Postgres' real holds in full
_NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"


class StrictString(serializers.CharField):
    """A string; a number is refused, as it would be taken for its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NameField(StrictString):
    """A name, without spaces around it and doubled ones within."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.allow_blank:
            self.validators.append(RegexValidator(_NOT_BLANK))  # holds already; from here the schema has it

    def to_internal_value(self, data: Any) -> str:
        return collapse_spaces(super().to_internal_value(data))


class NamesField(serializers.ListField):
    """An optional list of names; each counts once, unless `may_repeat`."""

    def __init__(self, max_names: int, max_name_length: int, help_text: str, *, may_repeat: bool = False) -> None:
        self.max_names, self.may_repeat = max_names, may_repeat
        name = NameField(max_length=max_name_length)
        super().__init__(child=name, max_length=max_names, required=False, help_text=help_text)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > self.max_names:
            raise serializers.ValidationError(f"holds {len(data)} names; the limit is {self.max_names}.")
        names = super().to_internal_value(data)
        return names if self.may_repeat else list(dict.fromkeys(names))


class StrictInteger(serializers.IntegerField):
    """An integer; true and false are refused. Text may hold digits alone, or 862.0 (862,0) as pandas (a
    German spreadsheet) writes it. 1,000 is refused: a thousand to some, one to others."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str):
            data = data.strip()
            if not re.fullmatch(r"-?[0-9]{1,20}(\.0{0,20}|,0{1,2})?", data, re.ASCII):
                self.fail("invalid")
            data = data.replace(",", ".")
        if isinstance(data, bool | float) and not (isinstance(data, float) and data.is_integer()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class StrictBoolean(serializers.BooleanField):
    """True or false; numbers are refused. Text may hold what a file writes for them."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, int | float) and not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(super().to_internal_value(data))


def read_number(value: Any) -> float:
    """Return a number of a file; a text may have a comma before the fraction, as a German spreadsheet writes it.

    Raises TypeError, ValueError or OverflowError.
    """
    return float(_with_point(value))


def _with_point(value: Any) -> Any:
    return value.replace(",", ".") if isinstance(value, str) else value


def read_day_number(number: float) -> datetime | None:
    """Return the moment (UTC, to the second) of a spreadsheet's number of a day, from 20000 to 79999 and a fraction;
    None for any other number."""
    if not _FIRST_DAY <= number < _DAYS_END:
        return None
    return _DAY_ZERO + timedelta(seconds=round(number * _DAY_SECONDS))


class TimestampField(serializers.DateTimeField):
    """A moment in a file: ISO 8601, unix seconds of 1973 or later, or a spreadsheet's number of a day."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            number = read_number(value)
        except (TypeError, ValueError):
            moment: datetime = super().to_internal_value(value)
            return moment
        except OverflowError:
            number = math.inf
        if day := read_day_number(number):
            return day
        if number >= MIN_UNIX_SECONDS:
            with suppress(OverflowError, ValueError, OSError):
                return datetime.fromtimestamp(number, UTC)
        raise serializers.ValidationError(
            f"{value!s:.40} is no moment: write ISO 8601 as in 2026-11-20T20:15:00Z, unix seconds of 1973 or later "
            "(1795205700), or a spreadsheet's number of a day (46346.84375)."
        )


class NumberInFile(serializers.FloatField):
    """A number in a file, written as read_number() says."""

    def to_internal_value(self, data: Any) -> float:
        return float(super().to_internal_value(_with_point(data)))


class ShareField(NumberInFile):
    """A share of a movie in a file. One that four bytes cannot hold is none."""

    def to_internal_value(self, data: Any) -> float:
        share = super().to_internal_value(data)
        return 0.0 if abs(share) < MIN_REAL else share


class MovieIdField(serializers.CharField):
    """A movie's id in a file, the site's own or an external one, written as read_key_text() says."""

    def __init__(self, **options: Any) -> None:
        help_text = "The site's own, imdb:tt0114709 or tmdb:862."
        super().__init__(trim_whitespace=False, help_text=help_text, **options)

    def to_internal_value(self, value: Any) -> str:
        text = read_key_text(str(super().to_internal_value(value)))
        if not (0 < len(text) <= MAX_KEY_LENGTH and text.isprintable()):
            raise serializers.ValidationError(f"is no string of 1 to {MAX_KEY_LENGTH} printable characters.")
        return text


@extend_schema_field(
    {
        "anyOf": [
            {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
            {"type": "integer", "minimum": 1, "maximum": MAX_JSON_NUMBER},
        ]
    }
)
class MovieKeyField(serializers.Field):
    """The key that a new movie is to have, a text or a number. An id at another site is none."""

    def to_internal_value(self, value: Any) -> Key:
        if isinstance(value, str):
            key = parse_key(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
            key = key_of_number(int(value))
        else:
            key = None
        if key is None:
            raise serializers.ValidationError(
                f"is a string of 1 to {MAX_KEY_LENGTH} printable characters, or a number from 1 to 64 bits."
            )
        if isinstance(key, str) and is_reference(key):
            message = "names a film by its id at another site, which can be no key of its own: send imdb_id or tmdb_id."
            raise serializers.ValidationError(message)
        return key


class MovieKeyInFile(MovieKeyField):
    """The key of a movie in a file, written as read_key_text() says."""

    def to_internal_value(self, value: Any) -> Key:
        return super().to_internal_value(read_key_text(value) if isinstance(value, str) else value)


def viewer_key_in_file(value: Any) -> Key | None:
    """Return the viewer's key that a file's value writes, as read_key_text() says; None where it writes none."""
    if isinstance(value, str):
        return parse_key(read_key_text(value))
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT_FLOAT:
        return key_of_number(int(value))
    return key_of_number(value) if isinstance(value, int) and not isinstance(value, bool) else None


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH})
class ViewerInQuery(serializers.Field):
    """A viewer's key in a query."""

    def to_internal_value(self, data: Any) -> Key:
        key = parse_key(str(data))
        if key is None:
            raise serializers.ValidationError(VIEWER_KEY_RULE)
        return key


class ViewerKeyField(serializers.Field):
    """The site's own id of a viewer in a file."""

    def to_internal_value(self, data: Any) -> Key:
        key = viewer_key_in_file(data)
        if key is None:
            raise serializers.ValidationError(VIEWER_KEY_RULE)
        return key


class EventKeyField(serializers.CharField):
    """The key of an event, as the site writes it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_KEY_LENGTH, trim_whitespace=False, **options)

    def to_internal_value(self, value: Any) -> EventId:  # type: ignore[override]
        event_id = parse_event_key(super().to_internal_value(value))
        if event_id is None:
            raise serializers.ValidationError(f"is no string of 1 to {MAX_KEY_LENGTH} printable characters.")
        return event_id


class ImdbIdField(StrictString):
    """An id at IMDb, as in tt0114709."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_imdb_id(text)
        except InvalidValue as error:
            raise serializers.ValidationError(error.messages) from None
        number = parse_imdb_id(text)
        return format_imdb_id(number) if number else ""


@extend_schema_field({"type": "string", "enum": accepted_spellings(settings.CERTIFICATE_COUNTRY)})
class CertificateField(serializers.Field):
    """An age certificate; its value is the age (years) that it stands for."""

    def to_internal_value(self, data: Any) -> int:
        country = settings.CERTIFICATE_COUNTRY
        age = minimum_age(data, country) if isinstance(data, str) else None
        if age is None:
            accepted = ", ".join(CERTIFICATES[country])
            raise serializers.ValidationError(f"is none of {accepted}, nor another country's written as in GB:15.")
        return age


@extend_schema_field({"type": "string", "enum": sorted(COUNTRIES)})
class CountryField(serializers.Field):
    """A country by its code of ISO 3166, in any case; its value has capital letters."""

    def to_internal_value(self, data: Any) -> str:
        country = find_country(data) if isinstance(data, str) else None
        if country is None:
            raise serializers.ValidationError(country_problem(data if isinstance(data, str) else ""))
        return country


class TitleLanguageField(serializers.RegexField):
    """The language that an answer's titles, overviews and genres are wanted in.

    A view whose call has one finds the whole wish, with the header Accept-Language, as `title_languages` in its values.
    """

    def __init__(self) -> None:
        super().__init__(
            re.compile(LANGUAGE_PATTERN),
            max_length=MAX_LANGUAGE_LENGTH,
            required=False,
            help_text="BCP 47 tag of titles and genres: de, pt-BR. Else Accept-Language, else the viewer's own.",
        )


class RangeBound(serializers.IntegerField):
    """One inclusive end of a range."""

    def __init__(self, minimum: int, maximum: int) -> None:
        super().__init__(min_value=minimum, max_value=maximum, required=False, help_text="Inclusive.")


class SearchField(serializers.CharField):
    """Text to search for. A null character, which Postgres cannot hold, matches nothing."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data.replace("\0", "\ufffd") if isinstance(data, str) else data)


class SearchNamesField(serializers.ListField):
    """A query parameter that is sent once for each name."""

    def __init__(self, help_text: str, max_name_length: int = MAX_NAME_LENGTH) -> None:
        name = SearchField(max_length=max_name_length)
        super().__init__(child=name, max_length=MAX_NAMES, default=list, help_text=help_text)
