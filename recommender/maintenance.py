"""What keeps Redis in step with Postgres where publishing failed or Redis was emptied; beat calls it."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from catalog import selectors, services
from infrastructure import connectivity
from recommender import audit, cache, merging, registry
from recommender.cache import CacheUnavailable, Versions
from recommender.models import Impression, Job
from recommender.serving.current_versions import ANONYMOUS, UNKNOWN

log = logging.getLogger(__name__)

OUTBOX_BATCH = 5_000  # viewers
PRUNE_BATCH = 10_000  # rows deleted at a time, so that no lock is held for long


def flush_outbox() -> int:
    """Publishes the versions of the viewers in the outbox. Returns how many."""
    published = 0
    while versions := selectors.pending_viewer_versions(OUTBOX_BATCH):
        try:
            cache.publish_viewer_versions(versions)
        except CacheUnavailable:
            break  # they stay in the outbox
        cleared = services.mark_published(versions)
        published += cleared
        if not cleared:  # all are being written to right now
            break
    return published


def publish_missed_versions() -> None:
    """Before a server that was away is used again: a frozen Redis still has the versions from before, by which lists
    would be valid that are not. Where Postgres is away too every answer says `degraded`, and its return makes up for
    it."""
    try:
        flush_outbox()
    except DatabaseError as error:
        if not connectivity.POSTGRES.is_down:
            raise
        log.warning("Versions wait in the outbox: %s", error)
    finally:
        close_old_connections()


def repair_versions() -> dict[str, Any]:
    """Puts the epoch, the catalogue version and the pointer to the active model back to what Postgres says."""
    try:
        mark = cache.reserve_missing_versions(
            ANONYMOUS, UNKNOWN._replace(viewer=ANONYMOUS, model="")
        )  # the model's is published below
        catalogue, epoch = selectors.catalogue_and_epoch()
        cache.fill_reserved_versions(mark, ANONYMOUS, Versions(None, epoch, catalogue, None))
        model = registry.repair_pointer()
    except CacheUnavailable as error:
        return {"published": False, "why": str(error)}
    return {"published": True, "epoch": epoch, "catalogue": catalogue, "model": model}


def prune() -> dict[str, Any]:
    """What is past its keep goes: finished jobs, impressions, merges that can no longer be undone, folders of old
    models. Viewing histories never do."""
    now = timezone.now()
    jobs = Job.objects.filter(finished_at__lt=now - timedelta(days=settings.JOBS_KEPT_DAYS))
    shown = Impression.objects.filter(occurred_at__lt=now - timedelta(days=settings.IMPRESSIONS_KEPT_DAYS))
    told: dict[str, Any] = {"jobs": jobs.delete()[1].get("recommender.Job", 0), "impressions": 0}
    told["merges"] = merging.prune_merges()
    while gone := Impression.objects.filter(pk__in=shown.values("pk")[:PRUNE_BATCH]).delete()[0]:
        told["impressions"] += gone
    told["audit_entries"] = audit.prune()
    return told | {"models": registry.prune(settings.MODELS_KEPT)}
