"""API keys of client applications: created, revoked, and rotated with a time in which both are good."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from recommender import audit
from recommender.models import ApiKey

ROTATION_OVERLAP = timedelta(days=7)


def create(name: str, scopes: Collection[str], expires: datetime | None = None) -> tuple[ApiKey, str]:
    """Create a key. Returns its row and the key itself, of which no other copy exists."""
    with transaction.atomic():
        row, key = ApiKey.objects.create_key(name=name, scopes=sorted(set(scopes)), expiry_date=expires)
        audit.record(audit.Action.KEY_MADE, row.prefix, f"{name}: {', '.join(row.scopes)}")  # type: ignore[attr-defined]
    return row, key  # type: ignore[return-value]


def revoke(prefix: str) -> bool:
    """Revoke a key for good. False: there is no live key of that prefix."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(prefix=prefix, revoked=False).update(revoked=True)
        if revoked:
            audit.record(audit.Action.KEY_REVOKED, prefix)
    return bool(revoked)


def rotate(prefix: str, overlap: timedelta = ROTATION_OVERLAP) -> tuple[ApiKey, str]:
    """Create a key with the same name and scopes, and let the former one end after `overlap`, if it would not sooner.

    Returns as `create` does. Raises ApiKey.DoesNotExist unless the former one is live.
    """
    with transaction.atomic():
        former = ApiKey.objects.select_for_update().get(prefix=prefix, revoked=False)
        if former.has_expired:
            raise ApiKey.DoesNotExist(f"{prefix} has expired.")
        life = former.expiry_date - former.created if former.expiry_date else None
        ends_at = timezone.now() + overlap
        fresh, key = ApiKey.objects.create_key(
            name=former.name, scopes=former.scopes, expiry_date=timezone.now() + life if life else None
        )
        if former.expiry_date is None or former.expiry_date > ends_at:
            former.expiry_date = ends_at
            former.save(update_fields=["expiry_date"])
        audit.record(audit.Action.KEY_ROTATED, former.prefix, f"{fresh.prefix} follows it.")
    return fresh, key  # type: ignore[return-value]
