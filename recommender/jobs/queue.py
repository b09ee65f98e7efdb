"""Jobs that wait: created once, cancelled, and sent again when their holder or their message is gone."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from recommender import audit
from recommender.actors import actor
from recommender.jobs.leases import MAX_ATTEMPTS, ended_columns
from recommender.locks import advisory_lock
from recommender.models import Job

RESEND_AFTER = timedelta(minutes=5)  # a queued job's message is sent again when nobody has claimed it for this long


def cancel(job_id: uuid.UUID | str) -> bool:
    """End a job that has not ended; its holder stops at its next step. False: it had ended already."""
    unended = Job.objects.filter(pk=job_id, status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    with transaction.atomic():
        cancelled = unended.update(holder=None, cancelled_by=actor(), **ended_columns(Job.Status.CANCELLED))
        if cancelled:
            audit.record(audit.Action.CANCELLED, str(job_id))
    return bool(cancelled)


def restart(job: Job) -> None:
    """Queue a job that has ended again, with its result so far. Its message must be sent."""
    columns = {"status": Job.Status.QUEUED, "attempts": 0, "error": "", "cancelled_by": "", "started_by": actor()}
    moments = {"lease_until": Now() + RESEND_AFTER, "started_at": None, "finished_at": None}
    Job.objects.filter(pk=job.pk).exclude(status__in=[Job.Status.QUEUED, Job.Status.RUNNING]).update(
        **columns, **moments
    )
    job.refresh_from_db()


def create_unless_pending(
    kind: Job.Kind, min_interval: timedelta | None = None, parameters: Mapping[str, Any] | None = None
) -> Job | None:
    """Create a job, unless one of its kind is queued or running, or was created less than `min_interval` ago: there
    may be two beats, and a nightly job may last longer than a day."""
    pending = Q(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    if min_interval is not None:
        pending |= Q(created_at__gt=Now() - min_interval)
    with advisory_lock(f"new {kind}", wait=True):
        if Job.objects.filter(pending, kind=kind).exists():
            return None
        return Job.objects.create(kind=kind, parameters=dict(parameters or {}))


def requeue_lost() -> list[Job]:
    """Queue jobs again whose holder is gone, whose message was lost with Redis, or whose back-off is over.

    Returns them: their messages must be sent. Gives up on a job whose holders died again and again.
    """
    due = Q(lease_until__lt=Now()) | Q(lease_until=None, created_at__lt=Now() - RESEND_AFTER)
    lost = Job.objects.filter(due, status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    reason = f"Given up: {MAX_ATTEMPTS} workers took this job and did not end it. Their logs say what killed them."
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(holder=None, **ended_columns(Job.Status.FAILED, reason))
    queued: dict[str, Any] = {"status": Job.Status.QUEUED, "holder": None, "lease_until": Now() + RESEND_AFTER}
    requeued = [job.pk for job in lost if lost.filter(pk=job.pk).update(**queued)]
    return list(Job.objects.filter(pk__in=requeued))
