"""Keys of client applications: one takes another's place while both are good."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from recommender.models import ApiKey

OVERLAP = timedelta(days=7)


def rotate(prefix: str, overlap: timedelta = OVERLAP) -> tuple[ApiKey, str]:
    """A new key with the same name and scopes, and its only copy; the one before ends after `overlap`, if it would not
    sooner. Raises ApiKey.DoesNotExist unless that one is live."""
    with transaction.atomic():
        former = ApiKey.objects.select_for_update().get(prefix=prefix, revoked=False)
        if former.has_expired:
            raise ApiKey.DoesNotExist(f"{prefix} has expired.")
        life = former.expiry_date - former.created if former.expiry_date else None
        ends = timezone.now() + overlap
        fresh, key = ApiKey.objects.create_key(
            name=former.name, scopes=former.scopes, expiry_date=timezone.now() + life if life else None
        )
        if former.expiry_date is None or former.expiry_date > ends:
            former.expiry_date = ends
            former.save(update_fields=["expiry_date"])
    return fresh, key  # type: ignore[return-value]
