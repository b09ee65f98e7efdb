"""Keep Redis in step with Postgres, and prune what is past its retention. Beat's schedule calls these functions."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from catalog import selectors, services
from infrastructure import connectivity
from recommender import audit, cache, merging, registry, webhooks
from recommender.cache import CacheUnavailable, Versions
from recommender.ingest import import_undo
from recommender.models import Alert, Impression, Job
from recommender.served_lists import storage
from recommender.serving.current_versions import ANONYMOUS, UNKNOWN

log = logging.getLogger(__name__)

OUTBOX_BATCH = 5_000  # viewers
PRUNE_BATCH = 10_000  # rows deleted at a time, so that no lock is held for long


def flush_outbox() -> int:
    """Publish the versions of the viewers in the outbox to Redis. Return the number of viewers."""
    published = 0
    while versions := selectors.pending_viewer_versions(OUTBOX_BATCH):
        try:
            cache.publish_viewer_versions(versions)
        except CacheUnavailable:
            break  # they stay in the outbox
        webhooks.queue_viewers(versions)
        cleared = services.mark_published(versions)
        published += cleared
        if not cleared:  # all are being written to right now
            break
    return published


def publish_missed_versions() -> None:
    """Publish the outbox before a server that was away is used again.

    A Redis that was frozen still has the versions from before, by which outdated lists would count as current. Where
    Postgres is away too, every answer says `degraded`, and this is called again when Postgres returns.
    """
    try:
        flush_outbox()
    except DatabaseError as error:
        if not connectivity.POSTGRES.is_down:
            raise
        log.warning("Versions wait in the outbox: %s", error)
    finally:
        close_old_connections()


def repair_versions() -> dict[str, Any]:
    """Set the epoch, the catalogue version and the pointer to the active model in Redis to what Postgres says."""
    try:
        missing = UNKNOWN._replace(viewer=ANONYMOUS, model="")  # repair_pointer() publishes the model's below
        token = cache.reserve_missing_versions(ANONYMOUS, missing)
        catalogue, epoch = selectors.catalogue_and_epoch()
        cache.fill_reserved_versions(token, ANONYMOUS, Versions(None, epoch, catalogue, None))
        model = registry.repair_pointer()
    except CacheUnavailable as error:
        return {"published": False, "why": str(error)}
    return {"published": True, "epoch": epoch, "catalogue": catalogue, "model": model}


def prune() -> dict[str, Any]:
    """Delete finished jobs, impressions, merges, served lists, audit entries and model folders that are past their
    retention.

    Viewing histories are never deleted. Returns counts by kind.
    """
    now = timezone.now()
    ended = Job.objects.filter(finished_at__lt=now - timedelta(days=settings.JOBS_KEPT_DAYS))
    jobs = ended.exclude(pk__in=import_undo.imports_in_work())
    impressions = Impression.objects.filter(occurred_at__lt=now - timedelta(days=settings.IMPRESSIONS_KEPT_DAYS))
    counts: dict[str, Any] = {"jobs": jobs.delete()[1].get("recommender.Job", 0), "impressions": 0}
    counts["merges"] = merging.prune_merges()
    while deleted := Impression.objects.filter(pk__in=impressions.values("pk")[:PRUNE_BATCH]).delete()[0]:
        counts["impressions"] += deleted
    counts["audit_entries"] = audit.prune()
    counts["served_list_days"] = storage.prune()
    Alert.objects.filter(ended_at__lt=now - timedelta(days=settings.JOBS_KEPT_DAYS)).delete()
    webhooks.prune()
    return counts | {"models": registry.prune(settings.MODELS_KEPT)}
