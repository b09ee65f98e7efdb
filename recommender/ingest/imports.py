"""Import files that came over HTTP: saved in parts, which a worker imports one after the other.

A part and its rows are one transaction, so an import that was killed goes on where it was. The erasure of a viewer
removes the viewer's rows from pending parts, a merge reassigns them; both lock parts before viewers, as a worker does.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from catalog import services
from catalog.api.fields import viewer_key_in_file
from catalog.exchange.dry_run import DryRun
from catalog.exchange.row_import import Rejection, event_facts, import_rows
from catalog.exchange.row_schemas import RowKind, validate_row
from catalog.exchange.text_blocks import ABSENT, Batch, Row, TextBlock, ValueBlock, rows_of
from catalog.keys import Key, write_key_text
from catalog.plurals import count_noun
from catalog.selectors import may_bring_genres
from catalog.services import MadeRecords
from recommender.ingest import import_records
from recommender.jobs import queue
from recommender.jobs.leases import Lease
from recommender.models import ImportPart, Job
from recommender.serving.concurrency import in_bulk_turns

MAX_ROWS = 200_000  # of one call
MAX_READING_SECONDS = 60  # of a part
FIRST_GENRES = "first_genres"  # parameter of a job: the catalogue had no genre when it came, so it brings them
DRY_RUN = "dry_run"  # parameter of a job: what would become of the rows is wanted, and nothing else
HISTORY = "history"  # what the rows of people's own files are: recommender.ingest.history_files
VIEWER_KINDS = (RowKind.VIEWERS, RowKind.EVENTS, HISTORY)


class TooManyRows(ValueError):
    """Report a file with more than MAX_ROWS rows."""


class ReassignedRows(NamedTuple):
    """Hold what a merge changed in pending imports, so that it can be undone."""

    rows: list[tuple[int, str]]  # primary key of the part, row as JSON
    has_account: bool  # whether a row makes the viewer an account
    age_limit: int | None  # the lowest in them


def save_rows(job: Job, batches: Iterable[Batch]) -> int:
    """Save rows as parts of an import job and return their number. Call it in the transaction that creates the job.

    Raises TooManyRows.
    """
    count, kind = 0, RowKind(job.parameters["of"])
    with connection.cursor() as cursor:  # between two parts it reads, and waits for its turn
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{MAX_READING_SECONDS}s'")
    for number, batch in enumerate(in_bulk_turns(batches)):
        count += len(batch)
        if count > MAX_ROWS:
            raise TooManyRows(f"has more than {MAX_ROWS:,} rows: send it in parts.")
        ImportPart.objects.create(job=job, number=number, rows=_dump(batch))
    if kind is RowKind.MOVIES and may_bring_genres():
        job.parameters = job.parameters | {FIRST_GENRES: True}
    Job.objects.filter(pk=job.pk).update(total=count, parameters=job.parameters)
    return count


def run_import(lease: Lease) -> None:
    """Import the pending parts of a job, and report totals to its lease after each.

    A dry run writes nothing but what would become of the rows.
    """
    kind, parts = RowKind(lease.parameters["of"]), ImportPart.objects.filter(job_id=lease.job_id)
    create_genres = any(lease.parameters.get(name) for name in ("create_genres", FIRST_GENRES))
    pending = list(parts.filter(stored=None).order_by("number").values_list("pk", flat=True))
    if lease.parameters.get(DRY_RUN):
        _run_dry(lease, DryRun(kind, create_genres=create_genres), pending)
        return
    for pk in pending:
        part = _import_part(pk, kind, create_genres)
        lease.result |= _totals(lease.job_id)
        lease.log(f"Part {part.number + 1}: {_summary(part.stored or 0, part.duplicates, part.rejected)}")
        lease.report_progress("rows", sum(lease.result.values()), lease.total)
    lease.result |= _totals(lease.job_id)
    lease.log(f"All {kind}: {_summary(**lease.result)}")


def _run_dry(lease: Lease, dry_run: DryRun, parts: Sequence[int]) -> None:
    """Judge the parts. They stay pending until all are judged: a dry run that was killed begins anew, and an erasure
    or a merge reaches their rows meanwhile."""
    rejections: dict[int, list[Rejection]] = {}
    for pk in parts:
        rejections[pk] = dry_run.add(_load_rows(ImportPart.objects.get(pk=pk)))
        lease.result = dry_run.report.as_json()
        lease.report_progress("rows", dry_run.report.rows, lease.total)
    with transaction.atomic():
        for pk, reasons in rejections.items():
            rejected = len({rejection.line for rejection in reasons})
            ImportPart.objects.filter(pk=pk).update(rows="", stored=0, rejected=rejected, reasons=reasons)
    lease.result = dry_run.report.as_json()
    lease.log("Dry run: nothing was written.")


def _summary(stored: int, duplicates: int, rejected: int) -> str:
    row_count = stored + duplicates + rejected
    return f"{count_noun(row_count, 'row')} read, {stored:,} stored, {duplicates:,} there already, {rejected:,} refused"


def _import_part(pk: int, kind: RowKind, create_genres: bool = False) -> ImportPart:
    with transaction.atomic():
        part = ImportPart.objects.select_for_update().get(pk=pk)
        if part.stored is not None:  # another worker was here, or the import was taken back
            return part
        if kind is not RowKind.EVENTS:
            import_records.lock(part.job_id)
        made = MadeRecords()
        outcome = import_rows(kind, _load(part), create_genres=create_genres, made=made)
        part.rows, part.stored, part.duplicates, part.rejected, part.reasons = "", *outcome[:4]
        import_records.save(part, made)
        part.save()
    return part


def _totals(job_id: Any) -> dict[str, int]:
    """Sum the outcome of all imported parts of a job."""
    sums = {name: Coalesce(Sum(name), 0) for name in ("stored", "duplicates", "rejected")}
    return ImportPart.objects.filter(job_id=job_id).aggregate(**sums)


def rejections_after(job_id: Any, part_number: int) -> tuple[list[list[Any]], int | None]:
    """Return the rejections of the next part that has any, each as [line, field, reason], and the part number to
    continue after (None: no more)."""
    with_rejections = ImportPart.objects.filter(job_id=job_id, number__gt=part_number, rejected__gt=0)
    parts = list(with_rejections.order_by("number")[:2])
    return (parts[0].reasons if parts else []), (parts[0].number if len(parts) > 1 else None)


def pending_rows(viewer: Key) -> Iterator[dict[str, Any]]:
    """Yield a viewer's rows in pending imports, with their values as JSON text: nothing has validated them yet, so
    they may hold what a response cannot."""
    for part in _pending_parts_naming(viewer).iterator(chunk_size=1):
        for row in _load_rows(part):
            if _is_viewer(viewer, row):
                yield {"job_id": str(part.job_id), "line": row.line, "values": json.dumps(row.values)}


def delete_viewer_rows(viewer: Key) -> None:
    """Delete a viewer's rows from pending imports, and the id from what imports made."""
    for part in _pending_parts_naming(viewer).select_for_update(of=("self",)):
        _delete_rows(viewer, part)
    import_records.forget_viewer(viewer)


def reassign_viewer_rows(viewer: Key, into: Key) -> ReassignedRows:
    """Give a viewer's events in pending imports to another viewer, and delete the rows about the viewer itself: they
    would overwrite the other's name and age limit."""
    changed: list[tuple[int, str]] = []
    valid: list[dict[str, Any]] = []
    has_account = False
    for part in _pending_parts_naming(viewer).select_for_update(of=("self",)).select_related("job"):
        of = part.job.parameters["of"]
        rows = _delete_rows(viewer, part) if of == RowKind.VIEWERS else _reassign_rows(viewer, part, into)
        changed += [(part.pk, json.dumps(row)) for row in rows]
        if of == HISTORY:  # only somebody with an account has brought a file
            has_account |= bool(rows)
        else:
            judged = (validate_row(RowKind(of), row) for row in rows)
            valid += [values for values, problems in judged if not problems]
    import_records.forget_viewer(viewer)
    age_limits = [values["age_limit"] for values in valid if values.get("age_limit") is not None]
    has_account |= any(not values["session"] for values in valid)
    return ReassignedRows(changed, has_account, min(age_limits, default=None))


def restore_viewer_rows(rows: Iterable[tuple[int, str]], into: Key, last_event: int) -> list[Job]:
    """Undo reassign_viewer_rows(). Rows that were imported since are taken from the other viewer (events with an id
    above `last_event`) and imported again for the viewer that they name.

    A person's own file is taken from the other viewer too, and waits again. Returns the jobs of such files: their
    messages are to be sent.
    """
    waiting: list[Job] = []
    by_part: dict[int, list[Row]] = {}
    for pk, row in rows:
        by_part.setdefault(pk, []).append(Row(*json.loads(row)))
    parts = ImportPart.objects.filter(pk__in=by_part).select_for_update(of=("self",)).select_related("job")
    for part in parts.order_by("pk"):
        restored, of = by_part[part.pk], part.job.parameters["of"]
        if part.stored is None:
            lines = {row.line for row in restored}
            others = [row for row in _load_rows(part) if row.line not in lines]
            _save_part_rows(part, sorted([*others, *restored], key=lambda row: row.line))
        elif import_records.TAKEN_BACK_BY in part.job.result:
            continue
        elif of == HISTORY:
            _let_wait(part, restored)
            waiting.append(part.job)
        else:
            kind = RowKind(of)
            if kind is RowKind.EVENTS:
                services.delete_moved_events(into, last_event, event_facts(restored))
            made = MadeRecords()
            import_rows(kind, restored, made=made)
            import_records.save(part, made)
            part.save()
    return waiting


def _let_wait(part: ImportPart, rows: Sequence[Row]) -> None:
    """Take back what a person's file made, and let its rows wait for a worker again, without the report."""
    while services.delete_event_ranges(part.event_ranges or ()).events:
        pass
    part.stored, part.event_ranges, part.rows, part.reasons = None, None, json.dumps(rows), []
    part.duplicates = part.rejected = part.changed = 0
    part.save()
    part.job.result = {}
    part.job.save(update_fields=["result"])
    queue.restart(part.job)


def _reassign_rows(viewer: Key, part: ImportPart, into: Key) -> list[Row]:
    """Rewrite the viewer's rows of a part as those of an account. Return them as they were."""
    rows = _load_rows(part)
    originals = [row for row in rows if _is_viewer(viewer, row)]
    reassigned = {}
    for row in originals:
        values = {name: value for name, value in row.values.items() if name != "session"}
        user_id = write_key_text(into) if isinstance(into, str) else into
        reassigned[row.line] = row._replace(values=values | {"user_id": user_id})
    _save_part_rows(part, [reassigned.get(row.line, row) for row in rows])
    return originals


def _delete_rows(viewer: Key, part: ImportPart) -> list[Row]:
    """Delete the viewer's rows from a part. Return them."""
    rows = _load_rows(part)
    _save_part_rows(part, [row for row in rows if not _is_viewer(viewer, row)])
    return [row for row in rows if _is_viewer(viewer, row)]


def _dump(batch: Batch) -> str:
    """Return rows as the text that a part keeps: a list of rows, or the columns of a block."""
    if isinstance(batch, TextBlock):
        return json.dumps({"lines": batch.lines, "columns": batch.columns, "broken": batch.broken})
    if isinstance(batch, ValueBlock):
        values = {name: _dump_values(column) for name, column in batch.columns.items()}
        return json.dumps({"lines": batch.lines, "values": values, "broken": batch.broken})
    return json.dumps(rows_of(batch))


def _dump_values(column: Sequence[Any]) -> tuple[Sequence[Any], Sequence[int]]:
    """Return the values of a column, and the places where there is none; no value where there is none anywhere."""
    if ABSENT not in column:
        return column, ()
    absent = [place for place, value in enumerate(column) if value is ABSENT]
    if len(absent) == len(column):
        return (), ()
    return [None if value is ABSENT else value for value in column], absent


def _load(part: ImportPart) -> Batch:
    loaded = json.loads(part.rows)
    if isinstance(loaded, list):
        return [Row(*row) for row in loaded]
    lines, broken = loaded["lines"], [Row(*row) for row in loaded["broken"]]
    if "columns" in loaded:
        return TextBlock(lines, loaded["columns"], broken)
    return ValueBlock(lines, {name: _load_values(len(lines), *of) for name, of in loaded["values"].items()}, broken)


def _load_values(count: int, values: list[Any], absent: Sequence[int]) -> list[Any]:
    """Undo _dump_values(), of a column of `count` values."""
    if not values:
        return [ABSENT] * count
    for place in absent:
        values[place] = ABSENT
    return values


def _load_rows(part: ImportPart) -> Sequence[Row]:
    return rows_of(_load(part))


def _save_part_rows(part: ImportPart, rows: Sequence[Row]) -> None:
    part.rows = json.dumps(rows)
    part.save(update_fields=["rows"])


def _pending_parts_naming(viewer: Key) -> QuerySet[ImportPart]:
    """Select the pending parts whose text contains the viewer's key, as a cheap first filter."""
    of_viewers = ImportPart.objects.filter(stored=None, job__parameters__of__in=VIEWER_KINDS)
    return of_viewers.filter(rows__contains=json.dumps(str(viewer))[1:-1]).order_by("pk")


def _is_viewer(viewer: Key, row: Row) -> bool:
    """Compare a row's user_id, in any spelling that a file may use for a number."""
    return viewer_key_in_file(row.values.get("user_id")) == viewer
