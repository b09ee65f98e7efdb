"""Keys of client applications: one takes another's place while both are good."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from recommender import audit
from recommender.models import ApiKey

ROTATION_OVERLAP = timedelta(days=7)


def create(name: str, scopes: Collection[str], expires: datetime | None = None) -> tuple[ApiKey, str]:
    """Makes a key; returns it with its only copy."""
    with transaction.atomic():
        made, key = ApiKey.objects.create_key(name=name, scopes=sorted(set(scopes)), expiry_date=expires)
        audit.record(audit.Action.KEY_MADE, made.prefix, f"{name}: {', '.join(made.scopes)}")  # type: ignore[attr-defined]
    return made, key  # type: ignore[return-value]


def revoke(prefix: str) -> bool:
    """Ends a key for good; False: there is no live key of that prefix."""
    with transaction.atomic():
        ended = ApiKey.objects.filter(prefix=prefix, revoked=False).update(revoked=True)
        if ended:
            audit.record(audit.Action.KEY_REVOKED, prefix)
    return bool(ended)


def rotate(prefix: str, overlap: timedelta = ROTATION_OVERLAP) -> tuple[ApiKey, str]:
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
        audit.record(audit.Action.KEY_ROTATED, former.prefix, f"{fresh.prefix} follows it.")
    return fresh, key  # type: ignore[return-value]
