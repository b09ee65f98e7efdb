"""System checks: settings under which age limits would not hold."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalog.certificates import CERTIFICATES
from catalog.models import OLDEST


@register()
def certificates_are_known(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.CERTIFICATE_COUNTRY in CERTIFICATES:
        return []
    words = f"MOVIEREC_CERTIFICATE_COUNTRY is {settings.CERTIFICATE_COUNTRY}, whose certificates are not known."
    return [Error(words, hint=f"It is one of {', '.join(sorted(CERTIFICATES))}.", id="catalog.E001")]


@register()
def uncertified_films_have_an_age(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    if 0 <= settings.UNCERTIFIED_AGE <= OLDEST:
        return []
    words = f"MOVIEREC_UNCERTIFIED_AGE is {settings.UNCERTIFIED_AGE}; it must lie between 0 and {OLDEST} years."
    return [Error(words, id="catalog.E002")]
