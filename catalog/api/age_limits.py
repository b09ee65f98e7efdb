"""For whom a call reads: what it says of age and country, and those of the viewer that it names."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from catalog.api.fields import CertificateField, CountryField, ViewerInQuery
from catalog.api.strict import StrictSerializer
from catalog.models import MAX_AGE_LIMIT
from catalog.selectors import EVERYBODY, Audience, strictest_age_limit, viewer_audience

AGE_LIMIT_HELP = "Years: no film for older people. The own limit of the viewer holds beside it."
CERTIFICATE_HELP = "No film for people older than this certificate is for."
COUNTRY_HELP = "Where films must be available, ISO 3166: US, DE. Else the viewer's own country, else the site's."


class AgeLimitQuery(StrictSerializer):
    """The parameters of every read of the catalogue that set an age limit; see audience_of()."""

    user_id = ViewerInQuery(
        required=False,
        help_text="A viewer, whose age limit holds. What they have seen stays in the catalogue.",
    )
    age_limit = serializers.IntegerField(required=False, min_value=0, max_value=MAX_AGE_LIMIT, help_text=AGE_LIMIT_HELP)
    certificate = CertificateField(required=False, help_text=CERTIFICATE_HELP)
    country = CountryField(required=False, help_text=COUNTRY_HELP)


def audience_of(values: Mapping[str, Any]) -> Audience:
    """Return for whom a call reads: under the strictest limit of the call's and the viewer's own, in the country that
    the call names, else the viewer's own, else the site's."""
    viewer = values.get("user_id")
    own = viewer_audience(viewer) if viewer is not None else EVERYBODY
    age_limit = strictest_age_limit(values.get("age_limit"), values.get("certificate"), own.age_limit)
    return Audience(age_limit, values.get("country") or own.country or settings.COUNTRY, own.language)
