import logging
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from movierec.alive import EVERY_SECONDS

log = logging.getLogger(__name__)


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import selectors, services, signals
        from movierec.alive import alive
        from recommender import cache, checks, registry  # noqa: F401  (importing registers the system checks)
        from recommender.roles import make_roles
        from recommender.serving import probe, tally

        signals.viewers_changed.connect(publish_viewers)
        signals.catalogue_changed.connect(publish_catalogue)
        signals.epoch_changed.connect(publish_epoch)
        signals.data_set_replaced.connect(end_former_data)
        cache.on_new_server(services.bump_epoch)
        registry.on_data_set(selectors.data_set)
        registry.on_look(tally.flush)
        registry.on_look(probe.look)
        registry.on_look(web_is_alive)
        alive.connect(keep_sign_of_life)
        post_migrate.connect(make_roles, sender=self)


# What has been committed goes out to Redis. Where that fails nothing is lost: beat publishes the outbox of viewers and
# repairs the two numbers.


def publish_viewers(versions: dict[int, int], **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_viewers(versions)
    except cache.CacheUnavailable as error:
        log.warning("Versions of %d viewers wait in the outbox: %s", len(versions), error)


def publish_catalogue(version: int, **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_catalogue(version)
    except cache.CacheUnavailable as error:
        log.warning("Catalogue version %d is not published yet: %s", version, error)


def keep_sign_of_life(kinds: Iterable[str], process: str, **_: Any) -> None:
    from recommender import cache

    with suppress(cache.CacheUnavailable):  # who judges says that Redis is gone
        cache.tell_alive(kinds, process)


_web_told_at = float("-inf")  # monotonic seconds


def web_is_alive() -> None:
    """At every look of a web process for models, which goes round every second."""
    global _web_told_at
    if time.monotonic() - _web_told_at >= EVERY_SECONDS:
        _web_told_at = time.monotonic()
        keep_sign_of_life(("web",), f"web@{socket.gethostname()}")


def publish_epoch(epoch: int, **_: Any) -> None:
    from recommender import cache

    try:
        cache.publish_epoch(epoch)
    except cache.CacheUnavailable as error:
        log.warning("Epoch %d is not published yet: %s", epoch, error)


def end_former_data(data_set: int, **_: Any) -> None:
    """Inside the transaction that replaces the data: jobs that work on the former data end, and so do its models."""
    from catalog.limits import DEMO_ID_BASE
    from recommender import leases, registry
    from recommender.models import Impression, Job

    at_work = Job.objects.filter(
        kind__in=(Job.Kind.NIGHTLY, Job.Kind.BATCH), status__in=(Job.Status.QUEUED, Job.Status.RUNNING)
    )
    for job in at_work:
        leases.cancel(job.pk)
    registry.end_former(data_set)
    Impression.objects.filter(movie_id__gt=DEMO_ID_BASE).delete()
