"""What the parts of an import made, noted so that the import can be taken back: ranges of events, ids of other records.

Locks: a part, then the notes, then what they are about; as an erasure does.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction

from catalog import selectors, services
from catalog.exchange.row_import import batched
from catalog.keys import Key
from catalog.services import MadeRecords, RecordKind
from recommender.models import ImportedRecords, ImportPart

MAX_RECORDS = 1_000  # in one row of notes, which is what is taken back at once
TAKEN_BACK_BY = "taken_back_by"  # in the result of an import: the id of the job that takes it back


def lock(job_id: Any) -> None:
    """Lock the notes of a job before a part of it is imported, which may write to what parts before it made."""
    list(_of_job(job_id).order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def save(part: ImportPart, made: MadeRecords) -> None:
    """Note what a part made, in its transaction. The part itself is not saved."""
    own = _add_events(part, made)
    part.changed += len(made.renewed_events) - own + made.changed
    for kind in RecordKind:
        others = made.written[kind] - made.created[kind]
        part.changed += len(others) - _refresh(part.job_id, kind, others)
        states = services.fingerprints(kind, made.created[kind]) if made.created[kind] else {}
        ImportedRecords.objects.bulk_create(
            ImportedRecords(part=part, kind=kind, ids=ids, states=[states[pk] for pk in ids])
            for ids in batched(states, MAX_RECORDS)
        )


def forget_viewer(viewer: Key) -> None:
    """Delete a viewer who is erased or merged from the notes."""
    viewer_id = viewer if isinstance(viewer, int) else selectors.find_viewer(viewer)
    if viewer_id is not None:
        forget_viewer_id(viewer_id)


def forget_viewer_id(viewer_id: int) -> None:
    """Delete the id of a viewer from the notes."""
    naming = ImportedRecords.objects.filter(kind=RecordKind.VIEWERS, ids__contains=[viewer_id])
    with transaction.atomic():
        for records in naming.select_for_update().order_by("pk"):
            place = records.ids.index(viewer_id)
            del records.ids[place], records.states[place]
            records.save(update_fields=["ids", "states"])


def _of_job(job_id: Any) -> Any:
    return ImportedRecords.objects.filter(part__job_id=job_id)


def _add_events(part: ImportPart, made: MadeRecords) -> int:
    """Note the ranges of events. Returns how many events that went on were the job's own; those are so still."""
    part.event_ranges = [*(part.event_ranges or ()), *made.event_ranges]
    if not made.renewed_events:
        return 0
    noted = ImportPart.objects.filter(job_id=part.job_id).exclude(event_ranges__isnull=True)
    ranges = [one for of_part in noted.values_list("event_ranges", flat=True) for one in of_part or ()]
    own = [now for former, now in made.renewed_events.items() if _contain([*ranges, *part.event_ranges], former)]
    part.event_ranges += [(now, now + 1) for now in own]
    return len(own)


def _contain(ranges: Iterable[Collection[int]], event_id: int) -> bool:
    return any(first <= event_id < below for first, below in ranges)


def _refresh(job_id: Any, kind: RecordKind, ids: Collection[int]) -> int:
    """Note the states anew of records that the job made before and has written to again. Returns how many."""
    refreshed = 0
    for records in _of_job(job_id).filter(kind=kind, ids__overlap=list(ids)) if ids else ():
        states = dict(zip(records.ids, records.states, strict=True))
        now = services.fingerprints(kind, states.keys() & ids)
        records.states = list((states | now).values())
        records.save(update_fields=["states"])
        refreshed += len(now)
    return refreshed
