"""For which age a read of the catalogue is: what the call says, and the limit of the viewer that it names."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.strict import StrictSerializer
from catalog.certificates import CERTIFICATES, accepted_spellings, minimum_age
from catalog.limits import MAX_ID
from catalog.models import MAX_AGE_LIMIT
from catalog.selectors import strictest_age_limit, viewer_age_limit

AGE_LIMIT_HELP = "Years: no film for older people. The own limit of the viewer holds beside it."
CERTIFICATE_HELP = "No film for people older than this certificate is for."


@extend_schema_field({"type": "string", "enum": accepted_spellings(settings.CERTIFICATE_COUNTRY)})
class CertificateField(serializers.Field):
    """An age certificate, as the years that it stands for."""

    def to_internal_value(self, data: Any) -> int:
        home = settings.CERTIFICATE_COUNTRY
        age = minimum_age(data, home) if isinstance(data, str) else None
        if age is None:
            known = ", ".join(CERTIFICATES[home])
            raise serializers.ValidationError(f"is none of {known}, nor another country's written as in GB:15.")
        return age


class AgeLimitQuery(StrictSerializer):
    """In every read of the catalogue; `age_limit` reads it."""

    user_id = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_ID,
        help_text="A viewer, whose age limit holds. What they have seen stays in the catalogue.",
    )
    age_limit = serializers.IntegerField(required=False, min_value=0, max_value=MAX_AGE_LIMIT, help_text=AGE_LIMIT_HELP)
    certificate = CertificateField(required=False, help_text=CERTIFICATE_HELP)


def effective_age_limit(asked: Mapping[str, Any]) -> int | None:
    """Years: the strictest of what the call says and of the viewer's own; None where there is no limit."""
    viewer = asked.get("user_id")
    own = viewer_age_limit(viewer) if viewer is not None else None
    return strictest_age_limit(asked.get("age_limit"), asked.get("certificate"), own)
