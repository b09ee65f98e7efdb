"""What waits to be done: jobs, messages, versions to be published, charts to be counted again."""

import time
from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from catalog import selectors
from catalog.plurals import count_noun
from recommender import cache
from recommender.models import Job
from recommender.monitoring.checks import Check, Status, format_duration

QUEUE_WARN_AFTER, QUEUE_FAIL_AFTER = timedelta(minutes=10), timedelta(hours=1)  # a queued job that nobody takes up
MAX_MESSAGES = 500  # of small tasks, whose messages expire
MAX_UNPUBLISHED = 1_000  # who wait to be published
MAX_CHART_AGE = 1_800.0  # seconds; they are counted every ten minutes
MAX_JOBS = 1_000
FAILED_WINDOW = timedelta(days=1)


def check_jobs(queue_lengths: Mapping[str, int] | None) -> list[Check]:
    """`waiting`: messages of each queue; None without Redis."""
    return [_check_queue(), _check_failed(), _check_messages(queue_lengths)]


def _check_queue() -> Check:
    rows = Job.objects.filter(status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).order_by("created_at")
    found = list(rows.values_list("status", "kind", "created_at")[:MAX_JOBS])
    running = {kind for status, kind, _ in found if status == Job.Status.RUNNING}
    queued = [(kind, at) for status, kind, at in found if status == Job.Status.QUEUED]
    figures = {"waiting": float(len(queued)), "running": float(len(running)), "age_seconds": 0.0}
    if not queued:
        return Check("queue", "Queue", Status.OK, "empty", "No job waits.", figures=figures)
    kind, since = queued[0]
    age = timezone.now() - since
    figures["age_seconds"] = round(age.total_seconds())
    words = f"{count_noun(len(queued), 'job')} waiting; the oldest, a {kind}, has waited this long"
    stuck = age > QUEUE_FAIL_AFTER and kind not in running  # behind one of its kind it may wait for hours
    state = Status.FAIL if stuck else Status.OK if age < QUEUE_WARN_AFTER else Status.WARN
    remedy = "" if state == Status.OK else "No worker takes it: look at worker, trainer and their logs."
    return Check("queue", "Queue", state, format_duration(age.total_seconds()), words, remedy, figures)


def _check_failed() -> Check:
    since = timezone.now() - FAILED_WINDOW
    rows = Job.objects.filter(status=Job.Status.FAILED, finished_at__gt=since).exclude(kind=Job.Kind.NIGHTLY)
    found = list(rows.order_by("-finished_at").values_list("kind", "error")[:MAX_JOBS])
    figures = {"failed": float(len(found))}
    if not found:
        return Check("jobs_failed", "Failed jobs, last day", Status.OK, "none", figures=figures)
    words = f"The last ({found[0][0]}): {found[0][1][:300]}"
    return Check("jobs_failed", "Failed jobs, last day", Status.WARN, f"{len(found):,}", words, "See Jobs.", figures)


def _check_messages(waiting: Mapping[str, int] | None) -> Check:
    name, label = "messages", "Messages for the workers"
    if waiting is None:
        return Check(
            name, label, Status.UNKNOWN, "unknown", "Redis, which holds them, does not answer.", "Start Redis."
        )
    figures = {f"{queue}_waiting": float(count) for queue, count in waiting.items()}
    words = ", ".join(f"{queue} {count:,}" for queue, count in waiting.items())
    state = Status.OK if waiting["light"] < MAX_MESSAGES else Status.WARN
    remedy = "" if state == Status.OK else "The worker is away or too slow: see its log."
    return Check(name, label, state, f"{sum(waiting.values()):,} waiting", words, remedy, figures)


def check_outbox() -> Check:
    waiting = len(selectors.pending_viewer_versions(MAX_UNPUBLISHED))
    value = count_noun(waiting, "viewer") + ("" if waiting < MAX_UNPUBLISHED else " or more")
    state = Status.OK if waiting < MAX_UNPUBLISHED else Status.WARN
    remedy = "" if state == Status.OK else "Look at Redis and the worker: they publish every five seconds."
    words = "Redis does not know of their newest events yet" if waiting else ""
    return Check("outbox", "Waiting to be published", state, value, words, remedy, {"waiting": float(waiting)})


def check_charts() -> Check:
    name, label = "charts", "Age of the charts"
    try:
        found = cache.read_chart("popular")
    except cache.CacheUnavailable:
        return Check(
            name, label, Status.UNKNOWN, "unknown", "Redis, which holds them, does not answer.", "Start Redis."
        )
    if found is None:
        return Check(
            name, label, Status.WARN, "none", "They are counted when somebody asks.", "See beat and the worker."
        )
    age = max(0.0, time.time() - found.made_at)
    figures = {"age_seconds": round(age)}
    if age > MAX_CHART_AGE:
        words = "They are counted every ten minutes."
        return Check(name, label, Status.WARN, format_duration(age), words, "See beat and the worker.", figures)
    return Check(name, label, Status.OK, format_duration(age), "Popular and trending", figures=figures)
