"""Deliver what waits for an endpoint: signed, with tries that get rarer, until it has failed for too long."""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook

from catalog import selectors
from catalog.keys import Key
from recommender import audit
from recommender.locks import advisory_lock
from recommender.models import Alert, Job, WebhookEndpoint, WebhookMessage
from recommender.webhooks.endpoints import EndpointError, url_problem
from recommender.webhooks.http_post import post
from recommender.webhooks.message_queue import forget_sent_viewers

Event = WebhookEndpoint.Event
BATCH = 50  # messages that are read at once
BUDGET = 20.0  # seconds of one round: other tasks want the worker too
BACKOFF = (5, 30, 120, 600, 1_800, 3_600)  # seconds until the next try, after each failure
_RESULTS = {Event.NIGHT: ("version", "better"), Event.IMPORT: ("stored", "duplicates", "rejected")}  # of a job
GONE = 410  # the endpoint's way to say that it wants no more

log = logging.getLogger(__name__)


def deliver(endpoint_id: UUID) -> int:
    """Send what is due to an endpoint, the oldest first, until something fails or the round's time is over.

    Returns how many messages were taken: 0 while another process delivers to it.
    """
    with advisory_lock(f"webhook {endpoint_id}") as acquired:
        return _deliver(endpoint_id) if acquired else 0


def _deliver(endpoint_id: UUID) -> int:
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, enabled=True).first()
    if endpoint is None or (endpoint.retry_at is not None and endpoint.retry_at > timezone.now()):
        return 0
    taken, deadline = 0, time.monotonic() + BUDGET
    while time.monotonic() < deadline:
        due = WebhookMessage.objects.filter(endpoint=endpoint, is_pending=True, due_at__lte=timezone.now())
        messages = list(due.order_by("due_at", "pk")[:BATCH])
        if not messages:
            break
        keys = selectors.viewer_keys([int(message.subject) for message in messages if message.event == Event.VIEWER])
        for message in messages:
            if not _send(endpoint, message, keys):
                return taken
            taken += 1
            if time.monotonic() > deadline:
                break
    forget_sent_viewers(endpoint.pk)
    return taken


def _send(endpoint: WebhookEndpoint, message: WebhookMessage, keys: Mapping[int, Key]) -> bool:
    """Send one message and note what became of it. Returns whether the next may be tried."""
    data = _data(message, keys)
    if data is None:  # the viewer or the job is gone
        message.delete()
        return True
    try:
        status = _post_signed(endpoint, message.event, message.message_id, message.changed_at, data)
    except EndpointError as error:
        _note_failure(endpoint, str(error))
        return False
    if not 200 <= status < 300:
        _note_failure(endpoint, f"it answered {status}", is_final=status == GONE)
        return False
    _note_success(endpoint, message)
    return True


def send_alert(
    endpoints: Iterable[WebhookEndpoint], check_name: str, label: str, text: str, since: datetime, *, is_over: bool
) -> None:
    """Tell endpoints of an alert without Postgres, which keeps messages: once, and a failure is logged."""
    now = timezone.now()
    data = {
        "check": check_name,
        "label": label,
        "state": "ended" if is_over else "raised",
        "detail": text,
        "since": since.isoformat(),
        "ended_at": now.isoformat() if is_over else None,
    }
    for endpoint in endpoints:
        try:
            status = _post_signed(endpoint, Event.ALERT, uuid4(), now, data)
        except EndpointError as error:
            log.warning("A webhook was not told of %s: %s", label, error)
        else:
            if not 200 <= status < 300:
                log.warning("A webhook was not told of %s: it answered %d", label, status)


def _post_signed(
    endpoint: WebhookEndpoint, event: str, identity: UUID, changed_at: datetime, data: Mapping[str, Any]
) -> int:
    """Send one message and return the status of the answer. Raises EndpointError where there is none."""
    body = json.dumps({"type": event, "timestamp": changed_at.isoformat(), "data": data}, ensure_ascii=False)
    now = datetime.now(UTC)
    message_id = f"msg_{identity.hex}"
    headers = {
        "content-type": "application/json",
        "user-agent": "movierec-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(endpoint.secret).sign(message_id, now, body),
    }
    if problem := url_problem(endpoint.url):
        raise EndpointError(problem)
    return post(endpoint.url, body.encode(), headers)


def _data(message: WebhookMessage, keys: Mapping[int, Key]) -> dict[str, Any] | None:
    """Return what a message tells; None where there is nothing to tell of any more."""
    if message.event == Event.VIEWER:
        key = keys.get(int(message.subject))
        return None if key is None else {"user_id": key}
    if message.event == Event.ALERT:
        return _alert_data(message.subject)
    job = Job.objects.filter(pk=message.subject).values("status", "result").first()
    if job is None:
        return None
    data = {"job_id": message.subject, "status": job["status"]}
    names = _RESULTS[Event(message.event)]
    return data | {name: job["result"][name] for name in names if name in job["result"]}


def _alert_data(subject: str) -> dict[str, Any] | None:
    alert = Alert.objects.filter(pk=subject).first()
    if alert is None:
        return None
    return {
        "check": alert.check_name,
        "label": alert.label,
        "state": "raised" if alert.ended_at is None else "ended",
        "detail": alert.detail,
        "since": alert.seen_at.isoformat(),
        "ended_at": alert.ended_at and alert.ended_at.isoformat(),
    }


def _note_success(endpoint: WebhookEndpoint, message: WebhookMessage) -> None:
    """Note that a message was taken. What happened while it was sent is told again, under another id."""
    now = timezone.now()
    rows = WebhookMessage.objects.filter(pk=message.pk)
    if not rows.filter(changed_at=message.changed_at).update(is_pending=False, sent_at=now):
        later = now + timedelta(seconds=settings.WEBHOOK_VIEWER_SECONDS)
        rows.update(sent_at=now, due_at=later, message_id=uuid4())
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failures=0, failing_since=None, retry_at=None, last_error="", last_success_at=now
    )


def _note_failure(endpoint: WebhookEndpoint, reason: str, *, is_final: bool = False) -> None:
    """Note a failure and when the next try is; the endpoint is disabled where it has failed for too long."""
    now = timezone.now()
    seconds = BACKOFF[min(endpoint.failures, len(BACKOFF) - 1)]
    since = endpoint.failing_since or now
    gives_up = is_final or now - since > timedelta(hours=settings.WEBHOOK_GIVE_UP_HOURS)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failures=F("failures") + 1,
        failing_since=since,
        retry_at=now + timedelta(seconds=seconds),
        last_error=reason[:200],
        enabled=not gives_up,
    )
    log.warning("A webhook was not delivered: %s", reason)
    if gives_up:
        WebhookMessage.objects.filter(endpoint=endpoint).delete()
        audit.record(audit.Action.WEBHOOK_STOPPED, str(endpoint.pk), reason)
