"""Files that came over HTTP: kept in parts until a worker brings them in, one part after the other.

A part and its rows are one transaction, so what was killed goes on where it was. Whoever erases a viewer takes the
viewer's rows out of the parts that wait, whoever merges one gives them to the other; both lock parts before viewers
as a worker does.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog.exchange.bring_in import blocks, bring_in
from catalog.exchange.files import Row
from catalog.exchange.rows import Kind, judged
from recommender.leases import Lease
from recommender.models import ImportPart, Job
from recommender.serving.capacity import paced

MAX_ROWS = 200_000  # of one call
OF_VIEWERS = (Kind.VIEWERS, Kind.EVENTS)


class TooManyRows(ValueError):
    """The file has more than MAX_ROWS."""


def keep(job: Job, rows: Iterable[Row]) -> int:
    """Returns how many rows there are. To be called in the transaction that makes the job."""
    count = 0
    for number, block in enumerate(paced(blocks(rows))):
        count += len(block)
        if count > MAX_ROWS:
            raise TooManyRows(f"has more than {MAX_ROWS:,} rows: send it in parts.")
        ImportPart.objects.create(job=job, number=number, rows=json.dumps(block))
    Job.objects.filter(pk=job.pk).update(total=count)
    return count


def run(lease: Lease) -> None:
    kind, parts = Kind(lease.parameters["of"]), ImportPart.objects.filter(job_id=lease.job_id)
    for waiting in list(parts.filter(stored=None).order_by("number").values_list("pk", flat=True)):
        part = _bring_in(waiting, kind)
        lease.result |= _standing(lease.job_id)
        lease.say(f"Part {part.number + 1}: {_told(part.stored, part.duplicates, part.rejected)}")
        lease.progress("rows", sum(lease.result.values()), lease.total)
    lease.result |= _standing(lease.job_id)
    lease.say(f"All {kind}: {_told(**lease.result)}")


def _told(stored: int | None, duplicates: int, rejected: int) -> str:
    stored = stored or 0
    read = stored + duplicates + rejected
    return f"{read:,} rows read, {stored:,} stored, {duplicates:,} there already, {rejected:,} refused"


def _bring_in(pk: int, kind: Kind) -> ImportPart:
    with transaction.atomic():
        part = ImportPart.objects.select_for_update().get(pk=pk)
        outcome = bring_in(kind, _rows(part))
        part.rows, part.stored, part.duplicates, part.rejected, part.reasons = "", *outcome
        part.save()
    return part


def _standing(job_id: Any) -> dict[str, int]:
    named = {name: Coalesce(Sum(name), 0) for name in ("stored", "duplicates", "rejected")}
    return ImportPart.objects.filter(job_id=job_id).aggregate(**named)


def reasons_behind(job_id: Any, number: int) -> tuple[list[list[Any]], int | None]:
    """Line, field and reason of each rejection in the next part that has any, and where to go on; None: nowhere."""
    found = ImportPart.objects.filter(job_id=job_id, number__gt=number, rejected__gt=0).order_by("number")[:2]
    parts = list(found)
    return (parts[0].reasons if parts else []), (parts[0].number if len(parts) > 1 else None)


def waiting(viewer_id: int) -> Iterator[dict[str, Any]]:
    """A viewer's rows in what waits. Their values as JSON: what nobody has judged may be what no answer can hold."""
    for part in _parts_naming(viewer_id).iterator(chunk_size=1):
        for row in _rows(part):
            if _is(viewer_id, row.values.get("user_id")):
                yield {"job_id": str(part.job_id), "line": row.line, "values": json.dumps(row.values)}


def forget(viewer_id: int) -> None:
    """Takes a viewer's rows out of what waits."""
    for part in _parts_naming(viewer_id).select_for_update(of=("self",)):
        _take_out(viewer_id, part)


def pass_on(viewer_id: int, into: int) -> int | None:
    """Events of one viewer that wait become another's. What waits to be said of the first alone is taken out: it would
    overwrite the other's name and age limit. Returns the lowest limit in it."""
    limits: list[int] = []
    for part in _parts_naming(viewer_id).select_for_update(of=("self",)).select_related("job"):
        if part.job.parameters["of"] == Kind.EVENTS:
            _give(viewer_id, part, into)
        else:
            limits += _limits(_take_out(viewer_id, part))
    return min(limits, default=None)


def _give(viewer_id: int, part: ImportPart, into: int) -> None:
    rows = _rows(part)
    for row in rows:
        if _is(viewer_id, row.values.get("user_id")):
            row.values["user_id"] = into
    _keep_rows(part, rows)


def _take_out(viewer_id: int, part: ImportPart) -> list[Row]:
    """The viewer's rows, which the part has no longer."""
    rows = _rows(part)
    _keep_rows(part, [row for row in rows if not _is(viewer_id, row.values.get("user_id"))])
    return [row for row in rows if _is(viewer_id, row.values.get("user_id"))]


def _rows(part: ImportPart) -> list[Row]:
    return [Row(*row) for row in json.loads(part.rows)]


def _keep_rows(part: ImportPart, rows: Sequence[Row]) -> None:
    part.rows = json.dumps(rows)
    part.save(update_fields=["rows"])


def _limits(rows: Iterable[Row]) -> list[int]:
    """The age limits in sound rows of viewers."""
    sound = [values for values, problems in (judged(Kind.VIEWERS, row) for row in rows) if not problems]
    return [values["age_limit"] for values in sound if values.get("age_limit") is not None]


def _parts_naming(viewer_id: int) -> QuerySet[ImportPart]:
    """Those that wait and have this number somewhere."""
    of_viewers = ImportPart.objects.filter(stored=None, job__parameters__of__in=OF_VIEWERS)
    return of_viewers.filter(rows__contains=str(viewer_id)).order_by("pk")


def _is(viewer_id: int, value: Any) -> bool:
    """As a file may write a viewer's number."""
    try:
        return float(value) == viewer_id
    except (TypeError, ValueError):
        return False
