"""What this app does when the catalogue, or a process's own loop, sends a signal.

What has been committed goes out to Redis. Where that fails nothing is lost: beat publishes the outbox of viewers, and
repairs the epoch and the catalogue version.
"""

import logging
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings

from catalog.limits import DEMO_ID_BASE
from infrastructure import connectivity
from infrastructure.heartbeat import HEARTBEAT_SECONDS
from recommender import cache, maintenance, process_state, record_log, registry
from recommender.experiments import assignment
from recommender.jobs import queue
from recommender.models import Impression, Job, Outcome, ServedList
from recommender.outcomes import new_films

log = logging.getLogger(__name__)


def start_serving(**_: Any) -> None:
    """Start what a web process needs before its first request: monitors of its servers, the watcher, the warm-up."""
    # The read path, which commands and workers need not load.
    from recommender.monitoring import stand_in
    from recommender.serving import warmup

    for breaker in (connectivity.REDIS, connectivity.POSTGRES):
        breaker.on_recovery.append(maintenance.publish_missed_versions)
    connectivity.start_monitors(interactive=True)
    record_log.start_thread()
    warmup.start_in_web_process()
    stand_in.start_in_web_process()


def publish_viewer_versions(versions: dict[int, int], **_: Any) -> None:
    """Publish the versions of viewers whose history, limit or name has changed."""
    cache.try_publish_viewer_versions(versions)


def publish_catalogue_version(version: int, **_: Any) -> None:
    """Publish the catalogue's version after an edit."""
    try:
        cache.publish_catalogue_version(version)
    except cache.CacheUnavailable as error:
        log.warning("Catalogue version %d is not published yet: %s", version, error)


def publish_epoch(epoch: int, **_: Any) -> None:
    """Publish the epoch after an import."""
    try:
        cache.publish_epoch(epoch)
    except cache.CacheUnavailable as error:
        log.warning("Epoch %d is not published yet: %s", epoch, error)


def record_heartbeat(kinds: Iterable[str], process: str, **_: Any) -> None:
    """Record that a process does these kinds of work now."""
    with suppress(cache.CacheUnavailable):  # the health checks say that Redis is gone
        cache.record_heartbeat(kinds, process)


# Monotonic seconds.
_last_web_heartbeat = process_state.Value("receivers: when a web heartbeat was recorded last", float("-inf"))


def record_web_heartbeat() -> None:
    """Record a web process's heartbeat, at most once in HEARTBEAT_SECONDS; called at every tick of its watcher."""
    if time.monotonic() - _last_web_heartbeat.current >= HEARTBEAT_SECONDS:
        _last_web_heartbeat.current = time.monotonic()
        record_heartbeat(("web",), f"web@{socket.gethostname()}")


def refresh_experiments() -> None:
    """Read every few seconds which experiments run, and keep their models in memory; and which new films may get a
    place. Called at every tick of a web process's watcher."""
    assignment.refresh_now_and_then()
    new_films.refresh_open_now_and_then()
    registry.keep(assignment.arm_models() | ({settings.INTERLEAVE_MODEL} - {""}))


_last_erasure = process_state.Value("receivers: the last erasure of a viewer that this process heard of", "")


def forget_erased_viewers() -> None:
    """Take viewers that were erased out of this process's memory; called at every tick of a web process's watcher."""
    with suppress(cache.CacheUnavailable):  # the next tick hears of them
        _last_erasure.current, erased = cache.read_erasures(_last_erasure.current)
        if erased:
            process_state.forget_viewers(erased)


def reject_former_data(data_set: int, **_: Any) -> None:
    """End the jobs that work on the former data and reject its models, inside the transaction that replaces it."""
    pending = Job.objects.filter(
        kind__in=(Job.Kind.NIGHTLY, Job.Kind.BATCH), status__in=(Job.Status.QUEUED, Job.Status.RUNNING)
    )
    for job in pending:
        queue.cancel(job.pk)
    registry.reject_former_data(data_set)
    Impression.objects.filter(movie_id__gt=DEMO_ID_BASE).delete()
    Outcome.objects.all().delete()
    ServedList.objects.all().delete()  # their films' ids mean others by now


def flush_logs(**_: Any) -> None:
    """Send what a web process has not sent to its logs yet, before it ends."""
    record_log.flush_all()
