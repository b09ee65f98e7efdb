"""Check what waits to be done: jobs, messages, versions to be published, charts to be counted again."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from catalog import selectors
from catalog.plurals import count_noun
from recommender import cache
from recommender.models import Job, WebhookEndpoint
from recommender.monitoring.checks import Check, Status, format_duration
from recommender.serving import metrics

QUEUE_WARN_AFTER, QUEUE_FAIL_AFTER = timedelta(minutes=10), timedelta(hours=1)  # a queued job that no worker claims
MAX_MESSAGES = 500  # of small tasks, whose messages expire
MAX_WAITING = 50_000  # records of a log
RECENT_MINUTES = 10
MAX_UNPUBLISHED = 1_000  # viewers
MAX_CHART_AGE = 1_800.0  # seconds; charts are counted every ten minutes
MAX_JOBS = 1_000
FAILED_WINDOW = timedelta(days=1)


def check_jobs(queue_lengths: Mapping[str, int] | None) -> list[Check]:
    """Check waiting jobs, failed jobs, and the messages in each queue (None without Redis)."""
    return [_check_queue(), _check_failed(), _check_messages(queue_lengths)]


def _check_queue() -> Check:
    jobs = Job.objects.filter(status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).order_by("created_at")
    rows = list(jobs.values_list("status", "kind", "created_at")[:MAX_JOBS])
    running = {kind for status, kind, _ in rows if status == Job.Status.RUNNING}
    queued = [(kind, created_at) for status, kind, created_at in rows if status == Job.Status.QUEUED]
    figures = {"waiting": float(len(queued)), "running": float(len(running)), "age_seconds": 0.0}
    if not queued:
        return Check("queue", "Queue", Status.OK, "empty", "No job waits.", figures=figures)
    kind, created_at = queued[0]
    age = timezone.now() - created_at
    figures["age_seconds"] = round(age.total_seconds())
    detail = f"{count_noun(len(queued), 'job')} waiting; the oldest, a {kind}, has waited this long"
    is_stuck = age > QUEUE_FAIL_AFTER and kind not in running  # behind one of its kind it may wait for hours
    status = Status.FAIL if is_stuck else Status.OK if age < QUEUE_WARN_AFTER else Status.WARN
    remedy = (
        ""
        if status == Status.OK
        else "No worker takes it: ./run manage status says whether worker or trainer is silent. Restart that one."
    )
    return Check("queue", "Queue", status, format_duration(age.total_seconds()), detail, remedy, figures)


def _check_failed() -> Check:
    """Check for failed jobs of the last day, without nightly ones, which have a check of their own."""
    name, label = "jobs_failed", "Failed jobs, last day"
    since = timezone.now() - FAILED_WINDOW
    jobs = Job.objects.filter(status=Job.Status.FAILED, finished_at__gt=since).exclude(kind=Job.Kind.NIGHTLY)
    failures = list(jobs.order_by("-finished_at").values_list("kind", "error")[:MAX_JOBS])
    figures = {"failed": float(len(failures))}
    if not failures:
        return Check(name, label, Status.OK, "none", figures=figures)
    kind, error = failures[0]
    return Check(
        name, label, Status.WARN, f"{len(failures):,}", f"The last ({kind}): {error[:300]}", "See Jobs.", figures
    )


def _check_messages(queue_lengths: Mapping[str, int] | None) -> Check:
    name, label = "messages", "Messages for the workers"
    if queue_lengths is None:
        detail = "Redis, which holds them, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", detail, "Start Redis.")
    figures = {f"{queue}_waiting": float(count) for queue, count in queue_lengths.items()}
    detail = ", ".join(f"{queue} {count:,}" for queue, count in queue_lengths.items())
    status = Status.OK if queue_lengths["light"] < MAX_MESSAGES else Status.WARN
    remedy = "" if status == Status.OK else "The worker is away or too slow: see its log."
    return Check(name, label, status, f"{sum(queue_lengths.values()):,} waiting", detail, remedy, figures)


def check_logs(waiting: Mapping[str, int] | None, minutes: Sequence[Mapping[str, int]]) -> Check:
    """Check whether served lists and outcomes reach their tables, by how many wait in each log (None without Redis) and
    the counters of the last hour by the minute. FAIL where some were lost in the last ten minutes."""
    name, label = "logs", "Log of lists and outcomes"
    if waiting is None:
        detail = "Redis, which holds what waits, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", detail, "Start Redis.")
    hour, recent = metrics.merge_buckets(minutes), metrics.merge_buckets(minutes[-RECENT_MINUTES:])
    dropped, of_late = (sum(counts[f"{log}_dropped"] for log in waiting) for counts in (hour, recent))
    figures = {f"{log}_waiting": float(count) for log, count in waiting.items()} | {"dropped": float(dropped)}
    detail = f"Waiting: {', '.join(f'{log} {count:,}' for log, count in waiting.items())}"
    remedy = (
        "The worker is away or too slow, or Redis was away: start what is red (./run manage status), or add a worker. "
        "Lists are served all the same; what was lost stays lost."
    )
    if dropped:
        status = Status.FAIL if of_late else Status.WARN
        return Check(name, label, status, f"{dropped:,} lost in the last hour", detail, remedy, figures)
    if max(waiting.values()) > MAX_WAITING:
        detail += f"; beyond {settings.LOG_BACKLOG:,} the oldest are lost (MOVIEREC_LOG_BACKLOG)"
        return Check(name, label, Status.WARN, "the worker is behind", detail, remedy, figures)
    return Check(name, label, Status.OK, "stored", detail, figures=figures)


def check_outbox() -> Check:
    """Check how many viewers' versions are committed and not yet published to Redis."""
    count = len(selectors.pending_viewer_versions(MAX_UNPUBLISHED))
    value = count_noun(count, "viewer") + ("" if count < MAX_UNPUBLISHED else " or more")
    status = Status.OK if count < MAX_UNPUBLISHED else Status.WARN
    remedy = "" if status == Status.OK else "Look at Redis and the worker: they publish every five seconds."
    detail = "Redis does not know of their newest events yet" if count else ""
    return Check("outbox", "Waiting to be published", status, value, detail, remedy, {"waiting": float(count)})


def check_webhooks() -> Check:
    """Check whether messages reach the site's webhooks, and whether one was given up."""
    name, label = "webhooks", "Webhooks"
    endpoints = list(WebhookEndpoint.objects.exclude(failing_since=None).order_by("failing_since"))
    figures = {"failing": float(len(endpoints))}
    if not endpoints:
        return Check(name, label, Status.OK, "none fails", figures=figures)
    stopped = sum(not endpoint.enabled for endpoint in endpoints)
    value = f"{len(endpoints)} failing" + (f", {stopped} of them disabled" if stopped else "")
    detail = f"{urlsplit(endpoints[0].url).hostname}: {endpoints[0].last_error}"
    remedy = "See Webhooks: mend the receiver, or delete the webhook."
    return Check(name, label, Status.WARN, value, detail, remedy, figures)


def check_charts() -> Check:
    """Check the age of the popularity chart in Redis."""
    name, label = "charts", "Age of the charts"
    try:
        chart = cache.read_chart("popular")
    except cache.CacheUnavailable:
        detail = "Redis, which holds them, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", detail, "Start Redis.")
    if chart is None:
        detail = "They are counted when somebody asks."
        return Check(name, label, Status.WARN, "none", detail, "See beat and the worker.")
    age = max(0.0, time.time() - chart.made_at)
    figures = {"age_seconds": round(age)}
    if age > MAX_CHART_AGE:
        detail = "They are counted every ten minutes."
        return Check(name, label, Status.WARN, format_duration(age), detail, "See beat and the worker.", figures)
    return Check(name, label, Status.OK, format_duration(age), "Popular and trending", figures=figures)
