"""Limits of a movie's values, for the API, files and the admin alike."""

import re

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator

from catalog.external_ids import parse_imdb_id

MAX_OVERVIEW_LENGTH = 20_000  # characters
MAX_RUNTIME = 32_767  # minutes
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}\Z"
COUNTRY_PATTERN = r"^[A-Z]{2}\Z"
_PASTED = re.compile(r"(?:.*/title/)?(?:tt)?([0-9]{1,9})(?:\D.*)?\Z", re.ASCII)

validate_language = RegexValidator(LANGUAGE_PATTERN, "A language is a BCP 47 tag, as in en or en-GB.")
validate_country = RegexValidator(COUNTRY_PATTERN, "A country is two capital letters of ISO 3166, as in US or DE.")


_validate_url = URLValidator(("http", "https"))


def keep_url(text: str) -> str:
    """Return the text where it is an address that a movie's poster may have, else nothing."""
    try:
        _validate_url(text)
    except ValidationError:
        return ""
    return text


def validate_imdb_id(text: str) -> None:
    """Check that the text is an id as IMDb writes it. Raises ValidationError with what was probably meant."""
    if not text or parse_imdb_id(text) is not None:
        return
    pasted = _PASTED.match(text)
    hint = f" Write tt{pasted[1].zfill(7)}." if pasted and int(pasted[1]) else ""
    raise ValidationError(f"An id at IMDb is written as in tt0114709.{hint}", code="invalid")
