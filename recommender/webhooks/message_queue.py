"""What waits to be told: one message of each viewer or job, for each endpoint."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from recommender.models import Job, WebhookEndpoint, WebhookMessage

Event = WebhookEndpoint.Event
JOB_OVERLAP = timedelta(minutes=2)  # jobs are looked for so long before the last one: another may commit later
JOB_MEMORY = timedelta(days=1)  # how long it is known that a job was told of
_KIND_OF_JOB = {Event.NIGHT: Job.Kind.NIGHTLY, Event.IMPORT: Job.Kind.IMPORT}

# A message that waits is told later with what happened meanwhile; one that was sent lately has to wait a while. One
# that is being sent is sent again afterwards, as it has another moment now.
_QUEUE_VIEWERS = """
    INSERT INTO recommender_webhookmessage
      (endpoint_id, event, subject, message_id, changed_at, due_at, sent_at, is_pending)
    SELECT %(endpoint)s, %(event)s, subject, gen_random_uuid(), now(), now(), NULL, true
    FROM (SELECT subject FROM unnest(%(subjects)s::text[]) AS subject ORDER BY subject LIMIT %(room)s) AS viewer
    ON CONFLICT (endpoint_id, event, subject) DO UPDATE SET
      message_id = CASE WHEN recommender_webhookmessage.is_pending THEN recommender_webhookmessage.message_id
                        ELSE excluded.message_id END,
      due_at = CASE WHEN recommender_webhookmessage.is_pending THEN recommender_webhookmessage.due_at
                    ELSE greatest(now(), recommender_webhookmessage.sent_at + make_interval(secs => %(seconds)s)) END,
      changed_at = excluded.changed_at, is_pending = true
"""


def queue_viewers(viewer_ids: Collection[int]) -> None:
    """Queue a message of each viewer for every endpoint that asked for them, as far as there is room."""
    endpoints = WebhookEndpoint.objects.filter(enabled=True, events__contains=[Event.VIEWER])
    for endpoint in endpoints.only("pk"):
        waiting = WebhookMessage.objects.filter(endpoint=endpoint, is_pending=True)
        subjects = {str(viewer_id) for viewer_id in viewer_ids}
        room = settings.WEBHOOK_QUEUE - waiting.count()
        if room < len(subjects):
            known = set(waiting.filter(event=Event.VIEWER, subject__in=subjects).values_list("subject", flat=True))
            fitting = known | set(sorted(subjects - known)[: max(0, room)])
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(dropped=F("dropped") + len(subjects - fitting))
            subjects = fitting
        values = {
            "endpoint": endpoint.pk,
            "event": Event.VIEWER,
            "subjects": sorted(subjects),
            "room": len(subjects),
            "seconds": settings.WEBHOOK_VIEWER_SECONDS,
        }
        with connection.cursor() as cursor:
            cursor.execute(_QUEUE_VIEWERS, values)


def alert_endpoints() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that want alerts."""
    return WebhookEndpoint.objects.filter(enabled=True, events__contains=[Event.ALERT])


def queue_alerts(alert_ids: Collection[int]) -> None:
    """Queue a message of each alert that was raised, or is over, for every endpoint that asked for them."""
    now = timezone.now()
    for endpoint in alert_endpoints():
        for alert_id in alert_ids:
            WebhookMessage.objects.update_or_create(
                endpoint=endpoint,
                event=Event.ALERT,
                subject=str(alert_id),
                defaults={
                    "message_id": uuid4(),
                    "changed_at": now,
                    "due_at": now,
                    "sent_at": None,
                    "is_pending": True,
                },
            )


def queue_jobs_and_find_due() -> list[UUID]:
    """Queue messages of the jobs that ended, and return the endpoints for which a message is due."""
    for endpoint in WebhookEndpoint.objects.filter(enabled=True):
        _queue_jobs(endpoint)
    now = timezone.now()
    is_ready = Q(endpoint__retry_at=None) | Q(endpoint__retry_at__lte=now)
    due = WebhookMessage.objects.filter(is_ready, is_pending=True, due_at__lte=now, endpoint__enabled=True)
    return list(due.values_list("endpoint_id", flat=True).distinct())


def _queue_jobs(endpoint: WebhookEndpoint) -> None:
    kinds = {kind: event for event, kind in _KIND_OF_JOB.items() if event in endpoint.events}
    ended = Job.objects.filter(
        kind__in=list(kinds),
        status__in=(Job.Status.DONE, Job.Status.FAILED, Job.Status.CANCELLED),
        finished_at__gt=max(endpoint.jobs_through - JOB_OVERLAP, endpoint.created_at),
    ).exclude(parameters__has_key="of_experiment")
    found = ended.order_by("finished_at").values_list("pk", "kind", "finished_at")
    jobs = [(pk, kind, moment) for pk, kind, moment in found if moment is not None]
    messages = [
        WebhookMessage(
            endpoint=endpoint,
            event=kinds[Job.Kind(kind)],
            subject=str(pk),
            message_id=pk,  # a job ends once
            changed_at=finished_at,
            due_at=finished_at,
            is_pending=True,
        )
        for pk, kind, finished_at in jobs
    ]
    WebhookMessage.objects.bulk_create(messages, ignore_conflicts=True)
    if jobs and jobs[-1][2] > endpoint.jobs_through:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(jobs_through=jobs[-1][2])


def prune() -> None:
    """Delete what was told long enough ago: of viewers, so that nothing is kept of who did something; and of jobs."""
    sent = WebhookMessage.objects.filter(is_pending=False)
    sent.filter(event=Event.VIEWER, sent_at__lt=_viewer_horizon()).delete()
    sent.exclude(event=Event.VIEWER).filter(sent_at__lt=timezone.now() - JOB_MEMORY).delete()


def forget_sent_viewers(endpoint_id: UUID) -> None:
    """Delete the messages of viewers who may be told of again at once."""
    WebhookMessage.objects.filter(
        endpoint=endpoint_id, event=Event.VIEWER, is_pending=False, sent_at__lt=_viewer_horizon()
    ).delete()


def _viewer_horizon() -> datetime:
    return timezone.now() - timedelta(seconds=settings.WEBHOOK_VIEWER_SECONDS)
