"""Merge an anonymous session into an account, and undo that for a day.

A viewer counts as a session as long as everything that was reported about it said so; an account is never merged by
mistake. The ids of what moved are stored, so that an undo gives back exactly that. Erasing either viewer erases them.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from catalog import selectors, services
from catalog.errors import CatalogError, NotASessionError
from catalog.keys import Key, parse_key
from catalog.models import WatchEvent
from catalog.plurals import count_noun
from recommender import audit, cache, experiments, privacy
from recommender.ingest import history_files, imports
from recommender.models import Erasure, Impression, Job, Merge
from recommender.served_lists import storage

UNDO_WINDOW = timedelta(days=1)


class MergeResult(NamedTuple):
    """Hold a merge, None where there was nothing to merge, and whether every later read reflects it (`visible`)."""

    merge: Merge | None
    visible: bool


class UndoResult(NamedTuple):
    """Hold a merge that was undone, whether every later read reflects that (`visible`), and the jobs of files that wait
    again: their messages are to be sent."""

    merge: Merge
    visible: bool
    jobs: Sequence[Job]


class MergeNotFound(CatalogError):
    """Report that no such merge can be undone: it is unknown, too old or erased."""


class LaterMergeExists(CatalogError):
    """Report that the other viewer was merged into a third one since, which has to be undone first."""


def merge(viewer: Key, into: Key, *, allow_accounts: bool) -> MergeResult:
    """Move everything of an anonymous session to another viewer and free the session's key.

    The same merge again returns the first one. Raises NotASessionError where `viewer` is an account, unless
    `allow_accounts`; NotAnAccountError where `into` is a session.
    """
    with transaction.atomic():
        privacy.lock_viewers(viewer, into)
        pending = imports.reassign_viewer_rows(viewer, into)
        viewer_id = privacy.stored_id(viewer)
        has_account_impressions = _impressions_of(viewer_id).filter(is_session=False).exists()
        if not allow_accounts and (pending.has_account or has_account_impressions):
            raise NotASessionError(f"Not all that was said of viewer {viewer} says that it is an anonymous session.")
        last_event = WatchEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        record = services.merge_viewer(
            viewer, into, allow_accounts=allow_accounts, age_limit=pending.age_limit, announce=False
        )
        into_id = record.into_id if isinstance(into, str) else into
        impressions = list(_impressions_of(viewer_id).values_list("pk", flat=True))
        if record.undo_data["viewer"] or impressions or pending.rows:
            undo_data = {"impressions": impressions, "waiting": pending.rows, "last_event": last_event}
            if into_id is None:  # nothing moves but rows of imports that are not done, or impressions
                into_id = services.ensure_viewers([into])[into]
            stored: Merge | None = _store_merge(viewer, into, viewer_id, into_id, record, undo_data)
        else:
            same = _undoable_merges().filter(from_key=str(viewer), into_key=str(into), undone_at=None)
            stored = same.order_by("-merged_at").first()
    visible = stored is None or privacy.delete_lists(viewer_id, viewer)
    versions = selectors.viewer_versions([] if into_id is None else [into_id])
    return MergeResult(stored, cache.try_publish_viewer_versions(versions) and visible)


def _store_merge(
    viewer: Key,
    into: Key,
    viewer_id: int | None,
    into_id: int,
    record: services.MergeRecord,
    undo_data: Mapping[str, Any],
) -> Merge:
    """Move the impressions, erase what else is left of the first viewer, and store what an undo needs."""
    impressions = undo_data["impressions"]
    jobs = Job.objects.filter(parameters__user_histories__has_key=str(viewer_id))
    posted_histories = {str(job.pk): job.parameters["user_histories"][str(viewer_id)] for job in jobs}
    stored = Merge.objects.create(
        from_key=str(viewer),
        into_key=str(into),
        merged_at=timezone.now(),
        events=record.events,
        duplicates=record.duplicates,
        impressions=len(impressions),
        kept={**record.undo_data, **undo_data, "sent": posted_histories},
    )
    if viewer_id is not None:
        Impression.objects.filter(pk__in=impressions).update(viewer_id=into_id)
        experiments.merge_viewers(viewer_id, into_id)
        stored.kept["served_lists"] = [served.hex for served in storage.move_lists(viewer_id, into_id)]
        stored.save(update_fields=["kept"])
        privacy.open_erasure(viewer_id, viewer)
        privacy.delete_from_jobs(viewer_id)
    history_files.forget_viewer(viewer_id, viewer)
    details = f"{count_noun(record.events, 'event')}, {count_noun(len(impressions), 'impression')}"
    audit.record(audit.Action.MERGED, str(stored.pk), details)
    return stored


def undo_merge(merge_id: UUID, *, allow_accounts: bool) -> UndoResult:
    """Give back what a merge had moved. Undoing again returns the same.

    Raises MergeNotFound, LaterMergeExists, and NotASessionError where an account was merged, unless `allow_accounts`.
    """
    keys = _undoable_merges().filter(pk=merge_id).values_list("from_key", "into_key").first()
    if keys is None:
        raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: it is possible for a day.")
    viewers = [viewer for viewer in map(parse_key, keys) if viewer is not None]
    with transaction.atomic():
        privacy.lock_viewers(*viewers)
        stored = _undoable_merges().filter(pk=merge_id).first()  # an erasure may have come between
        if stored is None:
            raise MergeNotFound(f"There is no merge {merge_id} that could still be undone: a viewer of it was erased.")
        deleted, jobs = None, list[Job]()
        if stored.undone_at is None:
            deleted, jobs = _restore_viewers(stored, *viewers, allow_accounts=allow_accounts)
    versions = selectors.viewer_versions(selectors.find_viewers(viewers).values())
    visible = deleted is None or privacy.delete_lists(deleted, viewers[1])
    return UndoResult(stored, cache.try_publish_viewer_versions(versions) and visible, jobs)


def prune_merges() -> int:
    """Delete merges that can no longer be undone. Return their number."""
    return Merge.objects.filter(merged_at__lte=timezone.now() - UNDO_WINDOW).delete()[0]


def _restore_viewers(stored: Merge, viewer: Key, into: Key, *, allow_accounts: bool) -> tuple[int | None, list[Job]]:
    """Give back what the merge had moved. Returns the id of the other viewer, where the merge had created them and they
    are deleted again, and the jobs of files that wait again."""
    undo_data = stored.kept
    if undo_data["viewer"] and not undo_data["viewer"]["is_session"] and not allow_accounts:
        raise NotASessionError(f"Viewer {viewer}, who was merged, is an account, and no anonymous session.")
    later = Merge.objects.filter(from_key=str(into), undone_at=None, merged_at__gte=stored.merged_at).first()
    if later is not None:
        raise LaterMergeExists(f"Viewer {into} was merged into another since: undo merge {later.pk} first.")
    if isinstance(viewer, int):
        Erasure.objects.filter(viewer_id=viewer).delete()
    into_before = privacy.stored_id(into)
    jobs = imports.restore_viewer_rows(undo_data["waiting"], into, undo_data["last_event"])
    record = services.unmerge_viewer(viewer, into, undo_data, announce=False)
    deleted = into_before if undo_data["into"]["is_new"] and record.into_id is None else None
    if deleted is not None:
        privacy.open_erasure(deleted, into)
    viewer_id = viewer if isinstance(viewer, int) else record.viewer_id
    if viewer_id is not None:
        _impressions_of(into_before).filter(pk__in=undo_data["impressions"]).update(viewer_id=viewer_id)
        if into_before is not None:
            storage.move_lists(into_before, viewer_id, map(UUID, undo_data.get("served_lists", ())))
    for job in Job.objects.select_for_update().filter(pk__in=undo_data["sent"]):
        job.parameters["user_histories"][str(viewer_id)] = undo_data["sent"][str(job.pk)]
        job.save(update_fields=["parameters"])
    stored.undone_at, stored.kept = timezone.now(), {}
    stored.save(update_fields=["undone_at", "kept"])
    audit.record(audit.Action.UNMERGED, str(stored.pk))
    return deleted, jobs


def _undoable_merges() -> QuerySet[Merge]:
    return Merge.objects.filter(merged_at__gt=timezone.now() - UNDO_WINDOW)


def _impressions_of(viewer_id: int | None) -> QuerySet[Impression]:
    return Impression.objects.filter(viewer_id=privacy.NOBODY if viewer_id is None else viewer_id)
