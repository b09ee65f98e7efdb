"""Taking an import back as a whole, in a job of its own: block by block, so that one that was killed goes on.

A block and the note of it are one transaction. What something else has changed or used since stays, and is counted; a
later request tries again what stayed.
"""

import logging
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog import services
from catalog.errors import CatalogError
from catalog.keys import Key
from catalog.plurals import count_noun
from catalog.services import RecordKind
from recommender import audit, cache
from recommender.cache import CacheUnavailable
from recommender.ingest.import_journals import NOT_RECORDED
from recommender.ingest.import_records import TAKEN_BACK_BY
from recommender.ingest.imports import DRY_RUN
from recommender.jobs import queue
from recommender.jobs.leases import Lease
from recommender.models import ImportedRecords, ImportPart, Impression, Job, ModelVersion

UNENDED = (Job.Status.QUEUED, Job.Status.RUNNING)
_NOUNS = {
    "events": ("event", ""),
    "viewers": ("viewer", ""),
    "movies": ("film", ""),
    "credits": ("credit", ""),
    "people": ("person", "people"),
    "genres": ("genre", ""),
    "tags": ("tag", ""),
}

log = logging.getLogger(__name__)


class CannotTakeBack(CatalogError):
    """Report that an import cannot be taken back. `code`: for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(job: Job) -> None:
    """Raise CannotTakeBack where it is not known what the import made, or it made nothing."""
    if job.parameters.get(DRY_RUN):
        raise CannotTakeBack("dry_run", "It was a dry run, which wrote nothing: there is nothing to take back.")
    if reason := job.result.get(NOT_RECORDED):
        raise CannotTakeBack("import_not_recorded", reason)
    if ImportPart.objects.filter(job=job, stored__gt=0, event_ranges__isnull=True).exists():
        raise CannotTakeBack(
            "import_not_recorded",
            "It ran under a version that did not note what an import makes, so it cannot be taken back. Delete its "
            "events and films one by one, or restore a backup.",
        )


def request_undo(import_id: UUID | str) -> tuple[Job, bool]:
    """Return the job that takes an import back, and whether its message is to be sent; an import that has not ended is
    cancelled.

    There is one for each import. One that has ended begins again where it failed, was cancelled, or left something.
    Raises Job.DoesNotExist and CannotTakeBack.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=import_id, kind=Job.Kind.IMPORT)
        check(job)
        undo = undo_of(job)
        if undo is not None and (undo.status in UNENDED or (undo.status == Job.Status.DONE and not _left(job.pk))):
            return undo, False
        if job.status in UNENDED:
            queue.cancel(job.pk)
        if undo is None:
            parameters = {"import": str(job.pk), "of": job.parameters["of"]}
            undo = Job.objects.create(kind=Job.Kind.IMPORT_UNDO, parameters=parameters)
            Job.objects.filter(pk=job.pk).update(result=job.result | {TAKEN_BACK_BY: str(undo.pk)})
        else:
            queue.restart(undo)
        rows = count_noun(_sum(_parts(job.pk), "stored"), "row")
        audit.record(audit.Action.IMPORT_UNDONE, str(job.pk), f"{rows} of {job.parameters['of']}")
    return undo, True


def undo_of(job: Job) -> Job | None:
    """Return the job that takes an import back; None where nobody asked for it."""
    return Job.objects.filter(kind=Job.Kind.IMPORT_UNDO, parameters__contains={"import": str(job.pk)}).first()


def imports_in_work() -> list[str]:
    """Return the ids of imports that are being taken back."""
    undos = Job.objects.filter(kind=Job.Kind.IMPORT_UNDO, status__in=UNENDED)
    return [parameters["import"] for parameters in undos.values_list("parameters", flat=True)]


def made_counts(import_id: UUID | str) -> dict[str, int]:
    """Return how many events and other records of each kind are noted as made by an import, those taken back left out.

    Kinds of which there are none are left out.
    """
    ranges = _parts(import_id).exclude(event_ranges__isnull=True).values_list("event_ranges", flat=True)
    events = sum(below - first for of_part in ranges for first, below in of_part or ())
    counts = {"events": events} | _left(import_id)
    return {kind: count for kind, count in counts.items() if count}


def run_undo(lease: Lease) -> None:
    """Take an import back: its events first, then the records that only it made and nothing uses."""
    import_id = lease.parameters["import"]
    _end_parts(import_id)
    done, total = 0, sum(made_counts(import_id).values())
    lease.report_progress("events", done, total)
    for pk in list(_parts(import_id).exclude(event_ranges=[]).order_by("number").values_list("pk", flat=True)):
        done += _delete_events(pk)
        lease.result = _result(import_id)
        lease.report_progress("events", done, total)
    for kind in RecordKind:
        for pk in list(_records(import_id).filter(kind=kind).order_by("pk").values_list("pk", flat=True)):
            done += _delete_records(pk, kind)
            lease.result = _result(import_id)
            lease.report_progress(kind, done, total)
    lease.result = _result(import_id) | {"left": _left(import_id)}
    lease.log(f"Deleted: {_text(lease.result['deleted'])}.")
    lease.log(f"Left, as something else uses them or has changed them: {_text(lease.result['left'])}.")


def _end_parts(import_id: str) -> None:
    """Wait for the part that a worker may be at, and let it import no other."""
    with transaction.atomic():
        waiting = _parts(import_id).filter(stored=None).order_by("pk").select_for_update()
        _parts(import_id).filter(pk__in=[part.pk for part in waiting]).update(rows="", stored=0, event_ranges=[])


def _delete_events(pk: int) -> int:
    """Delete the events of a part. Returns how many it had made."""
    while True:
        with transaction.atomic():
            part = ImportPart.objects.select_for_update().get(pk=pk)
            deleted = services.delete_event_ranges(part.event_ranges or ()).events
            part.events_deleted += deleted
            count = sum(below - first for first, below in part.event_ranges or ())
            if not deleted:  # and no merge gave any to somebody who was not looked at
                part.event_ranges = []
            part.save(update_fields=["events_deleted", "event_ranges"])
        if not deleted:
            return count


def _delete_records(pk: int, kind: RecordKind) -> int:
    """Delete what is noted in a row, as far as nothing else uses it. Returns how many records were looked at."""
    with transaction.atomic():
        records = ImportedRecords.objects.select_for_update().get(pk=pk)
        states = dict(zip(records.ids, records.states, strict=True))
        in_use: Collection[int] = ()
        if kind is RecordKind.VIEWERS:
            in_use = set(Impression.objects.filter(viewer_id__in=states).values_list("viewer_id", flat=True))
        outcome = services.delete_unused(kind, states, in_use)
        records.deleted += len(outcome.deleted)
        records.ids = sorted(outcome.left)
        records.states = [states[one] for one in records.ids]
        records.save(update_fields=["deleted", "ids", "states"])
    _delete_lists(outcome.viewers)
    return len(states)


def _delete_lists(viewers: Mapping[int, Key]) -> None:
    """Delete what Redis has of viewers who are gone; none of it is valid any more, and all of it expires in a day."""
    if not viewers:
        return
    keys = [key for key in viewers.values() if isinstance(key, str)]
    try:
        cache.erase_viewers(viewers, list(ModelVersion.objects.values_list("name", flat=True)), keys)
    except CacheUnavailable as error:
        log.warning("Lists of viewers who were taken back expire by themselves: %s", error)


def _parts(import_id: UUID | str) -> QuerySet[ImportPart]:
    return ImportPart.objects.filter(job_id=import_id)


def _records(import_id: UUID | str) -> QuerySet[ImportedRecords]:
    return ImportedRecords.objects.filter(part__job_id=import_id).exclude(ids=[])


def _sum(rows: QuerySet[Any], name: str) -> int:
    return int(rows.aggregate(total=Coalesce(Sum(name), 0))["total"])


def _result(import_id: str) -> dict[str, Any]:
    every = ImportedRecords.objects.filter(part__job_id=import_id)
    deleted = {"events": _sum(_parts(import_id), "events_deleted")}
    deleted |= {str(kind): _sum(every.filter(kind=kind), "deleted") for kind in RecordKind}
    return {"import_id": import_id, "deleted": deleted, "changed": _sum(_parts(import_id), "changed")}


def _left(import_id: UUID | str) -> dict[str, int]:
    """Return how many records of each kind are noted still; kinds of which there are none are left out."""
    counts: dict[str, int] = {}
    for kind, ids in _records(import_id).values_list("kind", "ids"):
        counts[kind] = counts.get(kind, 0) + len(ids)
    return {str(kind): counts[kind] for kind in RecordKind if kind in counts}


def count_texts(counts: Mapping[str, int]) -> list[str]:
    """Return counts of events and other records with their nouns; kinds of which there are none are left out."""
    return [count_noun(count, *_NOUNS[kind]) for kind, count in counts.items() if count]


def _text(counts: Mapping[str, int]) -> str:
    return ", ".join(count_texts(counts)) or "nothing"
