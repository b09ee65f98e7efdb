"""The age limit of a read: what the call says, and the limit of the viewer that it names."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from catalog.api.fields import CertificateField, ViewerInQuery
from catalog.api.strict import StrictSerializer
from catalog.models import MAX_AGE_LIMIT
from catalog.selectors import strictest_age_limit, viewer_age_limit

AGE_LIMIT_HELP = "Years: no film for older people. The own limit of the viewer holds beside it."
CERTIFICATE_HELP = "No film for people older than this certificate is for."
COUNTRY_HELP = "Where films must be available, ISO 3166: US, DE. Else the viewer's own country, else the site's."


class AgeLimitQuery(StrictSerializer):
    """The parameters of every read of the catalogue that set an age limit; see effective_age_limit()."""

    user_id = ViewerInQuery(
        required=False,
        help_text="A viewer, whose age limit holds. What they have seen stays in the catalogue.",
    )
    age_limit = serializers.IntegerField(required=False, min_value=0, max_value=MAX_AGE_LIMIT, help_text=AGE_LIMIT_HELP)
    certificate = CertificateField(required=False, help_text=CERTIFICATE_HELP)


def effective_age_limit(values: Mapping[str, Any]) -> int | None:
    """Return the strictest limit (years) of the call's and the viewer's own; None where there is no limit."""
    viewer = values.get("user_id")
    own_limit = viewer_age_limit(viewer) if viewer is not None else None
    return strictest_age_limit(values.get("age_limit"), values.get("certificate"), own_limit)
