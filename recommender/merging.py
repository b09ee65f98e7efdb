"""An anonymous session's doings taken over by an account, and given back for a day.

A viewer is a session while everything that was said of it said so: nobody else's account can be taken for one. What
moved is kept, by ids, so that undoing gives back exactly that; erasing either viewer erases it.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from catalog import selectors, services
from catalog.errors import CatalogError, NotASessionError
from catalog.models import WatchEvent
from catalog.plurals import count_noun
from recommender import audit, cache, privacy
from recommender.cache import CacheUnavailable
from recommender.ingest import imports
from recommender.models import Erasure, Impression, Job, Merge

UNDO_WINDOW = timedelta(days=1)


class MergeResult(NamedTuple):
    """`merge` is None where there was nothing to merge. `visible`: every later read knows of it."""

    merge: Merge | None
    visible: bool


class UndoResult(NamedTuple):
    merge: Merge
    visible: bool


class MergeNotFound(CatalogError):
    """None that can still be undone."""


class LaterMergeExists(CatalogError):
    """The other viewer was merged as well since."""


def merge(viewer_id: int, into: int, *, allow_accounts: bool) -> MergeResult:
    """Folds what an anonymous session did into a viewer; the session's own number is free again. The same merge again
    is answered as the first one. Raises NotASessionError where it is an account, unless `even_accounts`, and
    NotAnAccountError where the other viewer is a session."""
    with transaction.atomic():
        privacy.lock_viewers(viewer_id, into)
        waiting = imports.reassign_viewer_rows(viewer_id, into)
        if not allow_accounts and (waiting.has_account or _impressions_of(viewer_id).filter(is_session=False).exists()):
            raise NotASessionError(f"Not all that was said of viewer {viewer_id} says that it is an anonymous session.")
        last = WatchEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        merged = services.merge_viewer(viewer_id, into, allow_accounts=allow_accounts, age_limit=waiting.age_limit)
        shown = list(_impressions_of(viewer_id).values_list("pk", flat=True))
        if merged.undo_data["viewer"] or shown or waiting.rows:
            Impression.objects.filter(pk__in=shown).update(viewer_id=into)
            more = {
                "impressions": shown,
                "waiting": waiting.rows,
                "sent": _posted_histories(viewer_id),
                "last_event": last,
            }
            made = Merge.objects.create(
                from_viewer_id=viewer_id,
                into_viewer_id=into,
                merged_at=timezone.now(),
                events=merged.events,
                duplicates=merged.duplicates,
                impressions=len(shown),
                kept={**merged.undo_data, **more},
            )
            privacy.open_erasure(viewer_id)
            privacy.delete_from_jobs(viewer_id)
            moved = f"{count_noun(merged.events, 'event')}, {count_noun(len(shown), 'impression')}"
            audit.record(audit.Action.MERGED, str(made.pk), moved)
            done: Merge | None = made
        else:
            same = _undoable_merges().filter(from_viewer_id=viewer_id, into_viewer_id=into, undone_at=None)
            done = same.order_by("-merged_at").first()
    visible = done is None or privacy.delete_lists(viewer_id)
    return MergeResult(done, visible and _published(selectors.viewer_versions([into])))


def undo_merge(merge_id: UUID, *, allow_accounts: bool) -> UndoResult:
    """Gives back what a merge had moved. Again is answered as the first time. Raises NoSuchMerge, MergedFurther, and
    NotASessionError where an account was merged, unless `even_accounts`."""
    viewers = _undoable_merges().filter(pk=merge_id).values_list("from_viewer_id", "into_viewer_id").first()
    if viewers is None:
        raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: it is possible for a day.")
    viewer_id, into = viewers
    with transaction.atomic():
        privacy.lock_viewers(viewer_id, into)
        done = _undoable_merges().filter(pk=merge_id).first()  # an erasure may have come between
        if done is None:
            raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: a viewer of it was erased.")
        if done.undone_at is None:
            _restore_viewers(done, allow_accounts)
    versions = selectors.viewer_versions([viewer_id, into])
    visible = into in versions or privacy.delete_lists(into)
    return UndoResult(done, visible and _published(versions))


def prune_merges() -> int:
    """Deletes what is kept of merges that can no longer be undone. Returns how many."""
    return Merge.objects.filter(merged_at__lte=timezone.now() - UNDO_WINDOW).delete()[0]


def _restore_viewers(done: Merge, allow_accounts: bool) -> None:
    viewer_id, into, kept = done.from_viewer_id, done.into_viewer_id, done.kept
    if kept["viewer"] and not kept["viewer"]["is_session"] and not allow_accounts:
        raise NotASessionError(f"Viewer {viewer_id}, who was merged, is an account, and no anonymous session.")
    further = Merge.objects.filter(from_viewer_id=into, undone_at=None, merged_at__gte=done.merged_at).first()
    if further is not None:
        raise LaterMergeExists(f"Viewer {into} was merged into another since: undo merge {further.pk} first.")
    Erasure.objects.filter(viewer_id=viewer_id).delete()
    imports.restore_viewer_rows(kept["waiting"], into, kept["last_event"])
    versions = services.unmerge_viewer(viewer_id, into, kept)
    if kept["into"]["is_new"] and into not in versions:
        privacy.open_erasure(into)
    _impressions_of(into).filter(pk__in=kept["impressions"]).update(viewer_id=viewer_id)
    for job in Job.objects.select_for_update().filter(pk__in=kept["sent"]):
        job.parameters["user_histories"][str(viewer_id)] = kept["sent"][str(job.pk)]
        job.save(update_fields=["parameters"])
    done.undone_at, done.kept = timezone.now(), {}
    done.save(update_fields=["undone_at", "kept"])
    audit.record(audit.Action.UNMERGED, str(done.pk))


def _undoable_merges() -> QuerySet[Merge]:
    return Merge.objects.filter(merged_at__gt=timezone.now() - UNDO_WINDOW)


def _impressions_of(viewer_id: int) -> QuerySet[Impression]:
    return Impression.objects.filter(viewer_id=viewer_id)


def _posted_histories(viewer_id: int) -> dict[str, list[str]]:
    """Histories that came with batches, by job."""
    jobs = Job.objects.filter(parameters__user_histories__has_key=str(viewer_id))
    return {str(job.pk): job.parameters["user_histories"][str(viewer_id)] for job in jobs}


def _published(versions: dict[int, int]) -> bool:
    try:
        cache.publish_viewer_versions(versions)
    except CacheUnavailable:
        return False  # the outbox holds them
    return True
