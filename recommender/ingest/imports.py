"""Files that came over HTTP: kept in parts until a worker brings them in, one part after the other.

A part and its rows are one transaction, so what was killed goes on where it was. Whoever erases a viewer takes the
viewer's rows out of the parts that wait, whoever merges one gives them to the other; both lock parts before viewers
as a worker does.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog import services
from catalog.exchange.row_files import Row
from catalog.exchange.row_import import batched, event_facts, import_rows
from catalog.exchange.row_schemas import RowKind, validate_row
from recommender.jobs.leases import Lease
from recommender.models import ImportPart, Job
from recommender.serving.concurrency import in_bulk_turns

MAX_ROWS = 200_000  # of one call
VIEWER_KINDS = (RowKind.VIEWERS, RowKind.EVENTS)


class TooManyRows(ValueError):
    """The file has more than MAX_ROWS."""


def save_rows(job: Job, rows: Iterable[Row]) -> int:
    """Returns how many rows there are. To be called in the transaction that makes the job."""
    count = 0
    for number, block in enumerate(in_bulk_turns(batched(rows))):
        count += len(block)
        if count > MAX_ROWS:
            raise TooManyRows(f"has more than {MAX_ROWS:,} rows: send it in parts.")
        ImportPart.objects.create(job=job, number=number, rows=json.dumps(block))
    Job.objects.filter(pk=job.pk).update(total=count)
    return count


def run_import(lease: Lease) -> None:
    kind, parts = RowKind(lease.parameters["of"]), ImportPart.objects.filter(job_id=lease.job_id)
    for waiting in list(parts.filter(stored=None).order_by("number").values_list("pk", flat=True)):
        part = _import_part(waiting, kind)
        lease.result |= _totals(lease.job_id)
        lease.log(f"Part {part.number + 1}: {_summary(part.stored, part.duplicates, part.rejected)}")
        lease.report_progress("rows", sum(lease.result.values()), lease.total)
    lease.result |= _totals(lease.job_id)
    lease.log(f"All {kind}: {_summary(**lease.result)}")


def _summary(stored: int | None, duplicates: int, rejected: int) -> str:
    stored = stored or 0
    read = stored + duplicates + rejected
    return f"{read:,} rows read, {stored:,} stored, {duplicates:,} there already, {rejected:,} refused"


def _import_part(pk: int, kind: RowKind) -> ImportPart:
    with transaction.atomic():
        part = ImportPart.objects.select_for_update().get(pk=pk)
        outcome = import_rows(kind, _load_rows(part))
        part.rows, part.stored, part.duplicates, part.rejected, part.reasons = "", *outcome
        part.save()
    return part


def _totals(job_id: Any) -> dict[str, int]:
    named = {name: Coalesce(Sum(name), 0) for name in ("stored", "duplicates", "rejected")}
    return ImportPart.objects.filter(job_id=job_id).aggregate(**named)


def rejections_after(job_id: Any, part_number: int) -> tuple[list[list[Any]], int | None]:
    """Line, field and reason of each rejection in the next part that has any, and where to go on; None: nowhere."""
    found = ImportPart.objects.filter(job_id=job_id, number__gt=part_number, rejected__gt=0).order_by("number")[:2]
    parts = list(found)
    return (parts[0].reasons if parts else []), (parts[0].number if len(parts) > 1 else None)


def pending_rows(viewer_id: int) -> Iterator[dict[str, Any]]:
    """A viewer's rows in what waits. Their values as JSON: what nobody has judged may be what no answer can hold."""
    for part in _pending_parts_naming(viewer_id).iterator(chunk_size=1):
        for row in _load_rows(part):
            if _is_viewer(viewer_id, row.values.get("user_id")):
                yield {"job_id": str(part.job_id), "line": row.line, "values": json.dumps(row.values)}


def delete_viewer_rows(viewer_id: int) -> None:
    """Takes a viewer's rows out of what waits."""
    for part in _pending_parts_naming(viewer_id).select_for_update(of=("self",)):
        _delete_rows(viewer_id, part)


class ReassignedRows(NamedTuple):
    """What waited of a viewer. `rows`: part and row (as JSON) of each; `accounts`: whether one of them makes the viewer
    an account; the lowest age limit in them."""

    rows: list[tuple[int, str]]
    has_account: bool
    age_limit: int | None


def reassign_viewer_rows(viewer_id: int, into: int) -> ReassignedRows:
    """Events of one viewer that wait become another's. What waits to be said of the first alone is taken out: it would
    overwrite the other's name and age limit."""
    kept: list[tuple[int, str]] = []
    sound: list[dict[str, Any]] = []
    for part in _pending_parts_naming(viewer_id).select_for_update(of=("self",)).select_related("job"):
        kind = RowKind(part.job.parameters["of"])
        own = _reassign_rows(viewer_id, part, into) if kind is RowKind.EVENTS else _delete_rows(viewer_id, part)
        kept += [(part.pk, json.dumps(row)) for row in own]
        sound += [values for values, problems in (validate_row(kind, row) for row in own) if not problems]
    limits = [values["age_limit"] for values in sound if values.get("age_limit") is not None]
    return ReassignedRows(kept, any(not values["session"] for values in sound), min(limits, default=None))


def restore_viewer_rows(rows: Iterable[tuple[int, str]], into: int, last_event: int) -> None:
    """Undoes pass_on(). What was brought in since is taken from the other viewer (events above `last_event`) and
    brought in as it was meant."""
    by_part: dict[int, list[Row]] = {}
    for pk, row in rows:
        by_part.setdefault(pk, []).append(Row(*json.loads(row)))
    parts = ImportPart.objects.filter(pk__in=by_part).select_for_update(of=("self",)).select_related("job")
    for part in parts.order_by("pk"):
        own, kind = by_part[part.pk], RowKind(part.job.parameters["of"])
        if part.stored is None:
            lines = {row.line for row in own}
            others = [row for row in _load_rows(part) if row.line not in lines]
            _save_part_rows(part, sorted([*others, *own], key=lambda row: row.line))
        else:
            if kind is RowKind.EVENTS:
                services.delete_moved_events(into, last_event, event_facts(own))
            import_rows(kind, own)


def _reassign_rows(viewer_id: int, part: ImportPart, into: int) -> list[Row]:
    """The viewer's rows as they were; the part has them as an account's."""
    rows = _load_rows(part)
    own = [row for row in rows if _is_viewer(viewer_id, row.values.get("user_id"))]
    given = {row.line: row._replace(values=_without_session(row.values) | {"user_id": into}) for row in own}
    _save_part_rows(part, [given.get(row.line, row) for row in rows])
    return own


def _without_session(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "session"}


def _delete_rows(viewer_id: int, part: ImportPart) -> list[Row]:
    """The viewer's rows, which the part has no longer."""
    rows = _load_rows(part)
    _save_part_rows(part, [row for row in rows if not _is_viewer(viewer_id, row.values.get("user_id"))])
    return [row for row in rows if _is_viewer(viewer_id, row.values.get("user_id"))]


def _load_rows(part: ImportPart) -> list[Row]:
    return [Row(*row) for row in json.loads(part.rows)]


def _save_part_rows(part: ImportPart, rows: Sequence[Row]) -> None:
    part.rows = json.dumps(rows)
    part.save(update_fields=["rows"])


def _pending_parts_naming(viewer_id: int) -> QuerySet[ImportPart]:
    """Those that wait and have this number somewhere."""
    of_viewers = ImportPart.objects.filter(stored=None, job__parameters__of__in=VIEWER_KINDS)
    return of_viewers.filter(rows__contains=str(viewer_id)).order_by("pk")


def _is_viewer(viewer_id: int, value: Any) -> bool:
    """As a file may write a viewer's number."""
    try:
        return float(value) == viewer_id
    except (TypeError, ValueError):
        return False
