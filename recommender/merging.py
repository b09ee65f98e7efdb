"""Merge an anonymous session into an account, and undo that for a day.

A viewer counts as a session as long as everything that was reported about it said so; an account is never merged by
mistake. The ids of what moved are stored, so that an undo gives back exactly that. Erasing either viewer erases them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from catalog import selectors, services
from catalog.errors import CatalogError, NotASessionError
from catalog.models import WatchEvent
from catalog.plurals import count_noun
from recommender import audit, cache, privacy
from recommender.ingest import imports
from recommender.models import Erasure, Impression, Job, Merge

UNDO_WINDOW = timedelta(days=1)


class MergeResult(NamedTuple):
    """Hold a merge, None where there was nothing to merge, and whether every later read reflects it (`visible`)."""

    merge: Merge | None
    visible: bool


class UndoResult(NamedTuple):
    """Hold a merge that was undone, and whether every later read reflects that (`visible`)."""

    merge: Merge
    visible: bool


class MergeNotFound(CatalogError):
    """Report that no such merge can be undone: it is unknown, too old or erased."""


class LaterMergeExists(CatalogError):
    """Report that the other viewer was merged into a third one since, which has to be undone first."""


def merge(viewer_id: int, into: int, *, allow_accounts: bool) -> MergeResult:
    """Move everything of an anonymous session to another viewer and free the session's number.

    The same merge again returns the first one. Raises NotASessionError where `viewer_id` is an account, unless
    `allow_accounts`; NotAnAccountError where `into` is a session.
    """
    with transaction.atomic():
        privacy.lock_viewers(viewer_id, into)
        pending = imports.reassign_viewer_rows(viewer_id, into)
        has_account_impressions = _impressions_of(viewer_id).filter(is_session=False).exists()
        if not allow_accounts and (pending.has_account or has_account_impressions):
            raise NotASessionError(f"Not all that was said of viewer {viewer_id} says that it is an anonymous session.")
        last_event = WatchEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        record = services.merge_viewer(
            viewer_id, into, allow_accounts=allow_accounts, age_limit=pending.age_limit, announce=False
        )
        impressions = list(_impressions_of(viewer_id).values_list("pk", flat=True))
        if record.undo_data["viewer"] or impressions or pending.rows:
            undo_data = {"impressions": impressions, "waiting": pending.rows, "last_event": last_event}
            stored: Merge | None = _store_merge(viewer_id, into, record, undo_data)
        else:
            same = _undoable_merges().filter(from_viewer_id=viewer_id, into_viewer_id=into, undone_at=None)
            stored = same.order_by("-merged_at").first()
    visible = stored is None or privacy.delete_lists(viewer_id)
    return MergeResult(stored, cache.try_publish_viewer_versions(selectors.viewer_versions([into])) and visible)


def _store_merge(viewer_id: int, into: int, record: services.MergeRecord, undo_data: Mapping[str, Any]) -> Merge:
    """Move the impressions, erase what else is left of the first viewer, and store what an undo needs."""
    impressions = undo_data["impressions"]
    jobs = Job.objects.filter(parameters__user_histories__has_key=str(viewer_id))
    posted_histories = {str(job.pk): job.parameters["user_histories"][str(viewer_id)] for job in jobs}
    stored = Merge.objects.create(
        from_viewer_id=viewer_id,
        into_viewer_id=into,
        merged_at=timezone.now(),
        events=record.events,
        duplicates=record.duplicates,
        impressions=len(impressions),
        kept={**record.undo_data, **undo_data, "sent": posted_histories},
    )
    Impression.objects.filter(pk__in=impressions).update(viewer_id=into)
    privacy.open_erasure(viewer_id)
    privacy.delete_from_jobs(viewer_id)
    details = f"{count_noun(record.events, 'event')}, {count_noun(len(impressions), 'impression')}"
    audit.record(audit.Action.MERGED, str(stored.pk), details)
    return stored


def undo_merge(merge_id: UUID, *, allow_accounts: bool) -> UndoResult:
    """Give back what a merge had moved. Undoing again returns the same.

    Raises MergeNotFound, LaterMergeExists, and NotASessionError where an account was merged, unless `allow_accounts`.
    """
    viewers = _undoable_merges().filter(pk=merge_id).values_list("from_viewer_id", "into_viewer_id").first()
    if viewers is None:
        raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: it is possible for a day.")
    viewer_id, into = viewers
    with transaction.atomic():
        privacy.lock_viewers(viewer_id, into)
        stored = _undoable_merges().filter(pk=merge_id).first()  # an erasure may have come between
        if stored is None:
            raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: a viewer of it was erased.")
        if stored.undone_at is None:
            _restore_viewers(stored, allow_accounts)
    versions = selectors.viewer_versions([viewer_id, into])
    visible = into in versions or privacy.delete_lists(into)
    return UndoResult(stored, cache.try_publish_viewer_versions(versions) and visible)


def prune_merges() -> int:
    """Delete merges that can no longer be undone. Return their number."""
    return Merge.objects.filter(merged_at__lte=timezone.now() - UNDO_WINDOW).delete()[0]


def _restore_viewers(stored: Merge, allow_accounts: bool) -> None:
    viewer_id, into, undo_data = stored.from_viewer_id, stored.into_viewer_id, stored.kept
    if undo_data["viewer"] and not undo_data["viewer"]["is_session"] and not allow_accounts:
        raise NotASessionError(f"Viewer {viewer_id}, who was merged, is an account, and no anonymous session.")
    later = Merge.objects.filter(from_viewer_id=into, undone_at=None, merged_at__gte=stored.merged_at).first()
    if later is not None:
        raise LaterMergeExists(f"Viewer {into} was merged into another since: undo merge {later.pk} first.")
    Erasure.objects.filter(viewer_id=viewer_id).delete()
    imports.restore_viewer_rows(undo_data["waiting"], into, undo_data["last_event"])
    versions = services.unmerge_viewer(viewer_id, into, undo_data, announce=False)
    if undo_data["into"]["is_new"] and into not in versions:
        privacy.open_erasure(into)
    _impressions_of(into).filter(pk__in=undo_data["impressions"]).update(viewer_id=viewer_id)
    for job in Job.objects.select_for_update().filter(pk__in=undo_data["sent"]):
        job.parameters["user_histories"][str(viewer_id)] = undo_data["sent"][str(job.pk)]
        job.save(update_fields=["parameters"])
    stored.undone_at, stored.kept = timezone.now(), {}
    stored.save(update_fields=["undone_at", "kept"])
    audit.record(audit.Action.UNMERGED, str(stored.pk))


def _undoable_merges() -> QuerySet[Merge]:
    return Merge.objects.filter(merged_at__gt=timezone.now() - UNDO_WINDOW)


def _impressions_of(viewer_id: int) -> QuerySet[Impression]:
    return Impression.objects.filter(viewer_id=viewer_id)
