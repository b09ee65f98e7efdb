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
from catalog.exchange.bring_in import batched, event_facts, import_rows
from catalog.exchange.files import Row
from catalog.exchange.rows import RowKind, validate_row
from recommender.leases import Lease
from recommender.models import ImportPart, Job
from recommender.serving.capacity import paced

MAX_ROWS = 200_000  # of one call
OF_VIEWERS = (RowKind.VIEWERS, RowKind.EVENTS)


class TooManyRows(ValueError):
    """The file has more than MAX_ROWS."""


def keep(job: Job, rows: Iterable[Row]) -> int:
    """Returns how many rows there are. To be called in the transaction that makes the job."""
    count = 0
    for number, block in enumerate(paced(batched(rows))):
        count += len(block)
        if count > MAX_ROWS:
            raise TooManyRows(f"has more than {MAX_ROWS:,} rows: send it in parts.")
        ImportPart.objects.create(job=job, number=number, rows=json.dumps(block))
    Job.objects.filter(pk=job.pk).update(total=count)
    return count


def run(lease: Lease) -> None:
    kind, parts = RowKind(lease.parameters["of"]), ImportPart.objects.filter(job_id=lease.job_id)
    for waiting in list(parts.filter(stored=None).order_by("number").values_list("pk", flat=True)):
        part = _bring_in(waiting, kind)
        lease.result |= _standing(lease.job_id)
        lease.log(f"Part {part.number + 1}: {_told(part.stored, part.duplicates, part.rejected)}")
        lease.report_progress("rows", sum(lease.result.values()), lease.total)
    lease.result |= _standing(lease.job_id)
    lease.log(f"All {kind}: {_told(**lease.result)}")


def _told(stored: int | None, duplicates: int, rejected: int) -> str:
    stored = stored or 0
    read = stored + duplicates + rejected
    return f"{read:,} rows read, {stored:,} stored, {duplicates:,} there already, {rejected:,} refused"


def _bring_in(pk: int, kind: RowKind) -> ImportPart:
    with transaction.atomic():
        part = ImportPart.objects.select_for_update().get(pk=pk)
        outcome = import_rows(kind, _rows(part))
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


class Passed(NamedTuple):
    """What waited of a viewer. `rows`: part and row (as JSON) of each; `accounts`: whether one of them makes the viewer
    an account; the lowest age limit in them."""

    rows: list[tuple[int, str]]
    accounts: bool
    age_limit: int | None


def pass_on(viewer_id: int, into: int) -> Passed:
    """Events of one viewer that wait become another's. What waits to be said of the first alone is taken out: it would
    overwrite the other's name and age limit."""
    kept: list[tuple[int, str]] = []
    sound: list[dict[str, Any]] = []
    for part in _parts_naming(viewer_id).select_for_update(of=("self",)).select_related("job"):
        kind = RowKind(part.job.parameters["of"])
        own = _give(viewer_id, part, into) if kind is RowKind.EVENTS else _take_out(viewer_id, part)
        kept += [(part.pk, json.dumps(row)) for row in own]
        sound += [values for values, problems in (validate_row(kind, row) for row in own) if not problems]
    limits = [values["age_limit"] for values in sound if values.get("age_limit") is not None]
    return Passed(kept, any(not values["session"] for values in sound), min(limits, default=None))


def give_back(rows: Iterable[tuple[int, str]], into: int, last_event: int) -> None:
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
            others = [row for row in _rows(part) if row.line not in lines]
            _keep_rows(part, sorted([*others, *own], key=lambda row: row.line))
        else:
            if kind is RowKind.EVENTS:
                services.delete_moved_events(into, last_event, event_facts(own))
            import_rows(kind, own)


def _give(viewer_id: int, part: ImportPart, into: int) -> list[Row]:
    """The viewer's rows as they were; the part has them as an account's."""
    rows = _rows(part)
    own = [row for row in rows if _is(viewer_id, row.values.get("user_id"))]
    given = {row.line: row._replace(values=_without_session(row.values) | {"user_id": into}) for row in own}
    _keep_rows(part, [given.get(row.line, row) for row in rows])
    return own


def _without_session(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "session"}


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
