"""System checks of the settings under which age limits, or what counts as seen, would not hold."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalog.certificates import CERTIFICATES
from catalog.models import MAX_AGE_LIMIT


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
