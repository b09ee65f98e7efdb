"""What was done that somebody may have to answer for: who, what and when, by whatever door it came."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from infrastructure.logs import request_id
from recommender.actors import actor
from recommender.models import AuditEntry

Action = AuditEntry.Action


def record(action: AuditEntry.Action, subject: str = "", details: str = "") -> None:
    """Keeps who does this, in the transaction of the deed. `subject` and `details` must not be personal: an erasure has
    counts alone, and the request's id, which whoever asked for it got with the answer."""
    AuditEntry.objects.create(
        action=action, actor=actor(), subject=subject, details=details[:1_000], request_id=request_id.get() or ""
    )


def prune() -> int:
    """Deletes what is older than AUDIT_KEPT_DAYS; returns how many entries."""
    oldest = timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS)
    return int(AuditEntry.objects.filter(at__lt=oldest).delete()[0])
