import logging
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from infrastructure.heartbeat import HEARTBEAT_SECONDS

log = logging.getLogger(__name__)


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import selectors, services, signals
        from infrastructure.signals import process_alive, web_process_started
        from recommender import cache, checks, registry  # noqa: F401  (importing registers the system checks)
        from recommender.monitoring import probe
        from recommender.serving import metrics
        from recommender.staff_roles import sync_staff_groups

        signals.viewers_changed.connect(publish_viewer_versions)
        signals.catalogue_changed.connect(publish_catalogue_version)
        signals.epoch_changed.connect(publish_epoch)
        signals.data_set_replaced.connect(reject_former_data)
        cache.set_epoch_bumper(services.bump_epoch)
        registry.set_data_set_reader(selectors.data_set)
        registry.on_tick(metrics.flush)
        registry.on_tick(probe.probe_next_viewer)
        registry.on_tick(record_web_heartbeat)
        process_alive.connect(record_heartbeat)
        web_process_started.connect(start_serving)
        post_migrate.connect(sync_staff_groups, sender=self)


# What has been committed goes out to Redis. Where that fails nothing is lost: beat publishes the outbox of viewers and
# repairs the two numbers.


def publish_viewer_versions(versions: dict[int, int], **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_viewer_versions(versions)
    except cache.CacheUnavailable as error:
        log.warning("Versions of %d viewers wait in the outbox: %s", len(versions), error)


def publish_catalogue_version(version: int, **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_catalogue_version(version)
    except cache.CacheUnavailable as error:
        log.warning("Catalogue version %d is not published yet: %s", version, error)


def start_serving(**_: Any) -> None:
    """Start what a web process needs before its first request: monitors of its servers, the watcher, the warm-up."""
    from recommender.serving import warmup  # the read path, which commands and workers need not load

    warmup.start_in_web_process()


def record_heartbeat(kinds: Iterable[str], process: str, **_: Any) -> None:
    from recommender import cache

    with suppress(cache.CacheUnavailable):  # who judges says that Redis is gone
        cache.record_heartbeat(kinds, process)


_last_web_heartbeat = float("-inf")  # monotonic seconds


def record_web_heartbeat() -> None:
    """At every look of a web process for models, which goes round every second."""
    global _last_web_heartbeat
    if time.monotonic() - _last_web_heartbeat >= HEARTBEAT_SECONDS:
        _last_web_heartbeat = time.monotonic()
        record_heartbeat(("web",), f"web@{socket.gethostname()}")


def publish_epoch(epoch: int, **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_epoch(epoch)
    except cache.CacheUnavailable as error:
        log.warning("Epoch %d is not published yet: %s", epoch, error)


def reject_former_data(data_set: int, **_: Any) -> None:
    """Inside the transaction that replaces the data: jobs that work on the former data end, and so do its models."""
    from catalog.limits import DEMO_ID_BASE
    from recommender import registry
    from recommender.jobs import leases
    from recommender.models import Impression, Job

    at_work = Job.objects.filter(
        kind__in=(Job.Kind.NIGHTLY, Job.Kind.BATCH), status__in=(Job.Status.QUEUED, Job.Status.RUNNING)
    )
    for job in at_work:
        leases.cancel(job.pk)
    registry.reject_former_data(data_set)
    Impression.objects.filter(movie_id__gt=DEMO_ID_BASE).delete()
