"""The audit trail: who did what and when, by API, admin, command or schedule."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from infrastructure.logs import request_id
from recommender.actors import actor
from recommender.models import AuditEntry

Action = AuditEntry.Action


def record(action: AuditEntry.Action, subject: str = "", details: str = "") -> None:
    """Record an action and who does it, in the transaction of the action.

    `subject` and `details` must not be personal: an erasure has counts alone, and the request's id, which the caller
    got with the answer.
    """
    AuditEntry.objects.create(
        action=action, actor=actor(), subject=subject, details=details[:1_000], request_id=request_id.get() or ""
    )


def prune() -> int:
    """Delete entries older than AUDIT_KEPT_DAYS. Returns how many."""
    oldest = timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS)
    return int(AuditEntry.objects.filter(at__lt=oldest).delete()[0])
