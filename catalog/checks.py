"""System checks of settings under which age limits, countries or languages, or what counts as seen, would not hold."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError

from catalog.certificates import CERTIFICATES
from catalog.models import MAX_AGE_LIMIT
from catalog.names.countries import country_problem, find_country
from catalog.validators import validate_language


@register()
def check_certificate_country(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the certificates of the site's country are known."""
    if settings.CERTIFICATE_COUNTRY in CERTIFICATES:
        return []
    message = f"MOVIEREC_CERTIFICATE_COUNTRY is {settings.CERTIFICATE_COUNTRY}, whose certificates are not known."
    return [Error(message, hint=f"It is one of {', '.join(sorted(CERTIFICATES))}.", id="catalog.E001")]


@register()
def check_uncertified_age(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that movies without a known certificate have an age within the limits."""
    if 0 <= settings.UNCERTIFIED_AGE <= MAX_AGE_LIMIT:
        return []
    message = (
        f"MOVIEREC_UNCERTIFIED_AGE is {settings.UNCERTIFIED_AGE}; it must lie between 0 and {MAX_AGE_LIMIT} years."
    )
    return [Error(message, id="catalog.E002")]


@register()
def check_seen_share(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the share from which on a movie is seen is one."""
    if 0 < settings.SEEN_SHARE <= 1:
        return []
    message = f"MOVIEREC_SEEN_SHARE is {settings.SEEN_SHARE}; it must lie above 0 and be at most 1."
    return [Error(message, id="catalog.E003")]


@register()
def check_country(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the site's own country, where it names one, is a country."""
    if not settings.COUNTRY or find_country(settings.COUNTRY) == settings.COUNTRY:
        return []
    return [Error(f"MOVIEREC_COUNTRY {settings.COUNTRY} {country_problem(settings.COUNTRY)}", id="catalog.E004")]


@register()
def check_title_language(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the language of the movies' first titles is one."""
    try:
        validate_language(settings.TITLE_LANGUAGE)
    except ValidationError as error:
        message = f"MOVIEREC_TITLE_LANGUAGE is {settings.TITLE_LANGUAGE}. {error.messages[0]}"
        return [Error(message, id="catalog.E005")]
    return []
