"""People's own files: a short one is stored at once, a long one by a worker. Each is an import that can be taken back.

A long file waits as one part, whose rows name the viewer, so erasures and merges reach it as they reach rows of events.
What its report says of films belongs to the viewer, and goes with them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import selectors
from catalog.api.fields import viewer_key_in_file
from catalog.exchange.history.importing import HistoryReport, match_rows, store_history
from catalog.exchange.history.reading import FileReport, History
from catalog.exchange.history.rows import HistorySource, dump_row, load_row
from catalog.exchange.text_blocks import Row
from catalog.keys import Key, write_key_text
from catalog.plurals import count_noun
from catalog.services import MadeRecords
from recommender.ingest import import_records
from recommender.ingest.imports import DRY_RUN, HISTORY
from recommender.jobs.leases import Lease
from recommender.models import ImportPart, Job

MAX_ROWS_AT_ONCE = 2_000  # of films; a longer file takes seconds
MAX_UNMATCHED_SHOWN = 1_000  # in the result of a job; /jobs/{id}/rejected has all of them
OF_VIEWER = "of_viewer"  # in the result: the viewer's id, or a key of its own that is nobody's yet
PERSONAL = (OF_VIEWER, "unmatched", "files")  # parts of the result that go with the viewer

_Report = dict[str, Any]


def is_long(history: History) -> bool:
    """Return whether a worker is to store it."""
    return len(history.rows) > MAX_ROWS_AT_ONCE


def store_now(viewer: Key, history: History) -> tuple[HistoryReport, Job]:
    """Store a file, and return its report and the job by which it can be taken back, which has ended."""
    matches = match_rows(history.rows)
    with transaction.atomic():
        now = timezone.now()
        job = Job.objects.create(
            kind=Job.Kind.IMPORT,
            status=Job.Status.DONE,
            parameters={"of": HISTORY},
            phase="events",
            done=len(history.rows),
            total=len(history.rows),
            started_at=now,
            finished_at=now,
        )
        part, made = ImportPart.objects.create(job=job, number=0, rows="", stored=0), MadeRecords()
        report = store_history(viewer, history, matches, made=made)
        job.result = _finish(part, viewer, report, made)
        job.save(update_fields=["result"])
    return report, job


def save_rows(job: Job, viewer: Key, history: History) -> int:
    """Save the rows of a long file as the part of a job, and return their number. Call it in the transaction that
    creates the job."""
    user_id = _user_id(viewer)
    head = {
        "source": history.source,
        "other_rows": history.other_rows,
        "files": [file._asdict() for file in history.files],
    }
    rows = [Row(0, {"user_id": user_id, "head": head}, "")]
    rows += [Row(n, {"user_id": user_id, "row": dump_row(row)}, "") for n, row in enumerate(history.rows, 1)]
    ImportPart.objects.create(job=job, number=0, rows=json.dumps(rows))
    job.total = len(history.rows)
    job.save(update_fields=["total"])
    return len(history.rows)


def _user_id(viewer: Key) -> str | int:
    """Return a viewer's key as a row has it."""
    return write_key_text(viewer) if isinstance(viewer, str) else viewer


def is_file_of(job: Job, viewer: Key) -> bool:
    """Return whether a job reads a file of this viewer's own, or takes one back. After an erasure or a merge it is
    nobody's."""
    if job.kind == Job.Kind.IMPORT_UNDO:
        taken_back = Job.objects.filter(pk=job.parameters["import"]).first()
        return taken_back is not None and is_file_of(taken_back, viewer)
    if job.kind != Job.Kind.IMPORT or job.parameters.get("of") != HISTORY:
        return False
    if OF_VIEWER in job.result:
        return job.result[OF_VIEWER] in _ids_and_keys(viewer)
    head = f'[[0, {{"user_id": {json.dumps(_user_id(viewer))}, '  # how the rows begin
    return ImportPart.objects.filter(job=job, rows__startswith=head).exists()


def _ids_and_keys(viewer: Key) -> list[Key]:
    """Return what a report may name the viewer by."""
    if isinstance(viewer, int):
        return [viewer]
    viewer_id = selectors.find_viewer(viewer)
    return [viewer] if viewer_id is None else [viewer_id, viewer]


def run_import(lease: Lease) -> None:
    """Match the rows of a job's file and store its events; a dry run reports what would be stored.

    The search for films holds no lock. A file whose viewer was erased or merged meanwhile is looked at again.
    """
    is_dry_run = bool(lease.parameters.get(DRY_RUN))
    while (waiting := ImportPart.objects.filter(job_id=lease.job_id, stored=None).first()) is not None:
        viewer, history = _load(waiting)
        matches = match_rows(history.rows, lambda done, total: lease.report_progress("films", done, total))
        lease.report_progress("events", 0, len(history.rows))
        with transaction.atomic():
            part = ImportPart.objects.select_for_update().get(pk=waiting.pk)
            if part.stored is not None or part.rows != waiting.rows:
                continue
            made = MadeRecords()
            report = None
            if viewer is not None:
                report = store_history(viewer, history, matches, dry_run=is_dry_run, made=made)
            result = _finish(part, viewer, report, MadeRecords() if is_dry_run else made)
            lease.finish(lease.result | result)  # its only part
        lease.result |= result
        lease.report_progress("events", lease.total, lease.total)
        lease.log(
            f"{count_noun(result['stored'], 'event')} stored, {result['duplicates']:,} there already, "
            f"{count_noun(result['rejected'], 'row')} unmatched"
        )


def _load(part: ImportPart) -> tuple[Key | None, History]:
    """Return the viewer and the file of a part; no viewer and no row where the viewer was erased."""
    rows = [Row(*row) for row in json.loads(part.rows)]
    head: Mapping[str, Any] = next((row.values["head"] for row in rows if "head" in row.values), {})
    files = [FileReport(**{**file, "source": _source(file["source"])}) for file in head.get("files", ())]
    read = [load_row(row.values["row"]) for row in rows if "row" in row.values]
    source = _source(head.get("source")) or HistorySource.LETTERBOXD
    viewer = viewer_key_in_file(rows[0].values["user_id"]) if rows else None
    return viewer, History(source, read, head.get("other_rows", 0), files)


def _source(name: str | None) -> HistorySource | None:
    return HistorySource(name) if name else None


def _finish(part: ImportPart, viewer: Key | None, report: HistoryReport | None, made: MadeRecords) -> _Report:
    """Note what a file made, drop its rows, and return the report as JSON."""
    part.rows = ""
    part.stored, part.duplicates, part.rejected = 0, 0, 0
    if report is None or viewer is None:
        import_records.save(part, made)
        part.save()
        return {"stored": 0, "duplicates": 0, "rejected": 0}
    if not report.dry_run:
        part.stored, part.duplicates = report.stored, report.duplicates
    part.rejected = len(report.unmatched)
    part.reasons = [
        [row.line, "", f"{row.file and row.file + ': '}{row.title}{f' ({row.year})' if row.year else ''}: {row.reason}"]
        for row in report.unmatched
    ]
    import_records.save(part, made)
    part.save()
    return {
        OF_VIEWER: _ids_and_keys(viewer)[0],
        **report_body(report),
        "rejected": part.rejected,
        "unmatched": [row._asdict() for row in report.unmatched[:MAX_UNMATCHED_SHOWN]],
    }


def report_body(report: HistoryReport) -> _Report:
    """Return a report as the JSON of the API."""
    files = [file._asdict() | {"source": file.source or ""} for file in report.files]
    return report._asdict() | {"unmatched": [row._asdict() for row in report.unmatched], "files": files}


def reports_of(viewer: Key) -> Iterator[dict[str, Any]]:
    """Yield what is stored of a viewer's files, the first one first: the report as JSON, and every unmatched row."""
    jobs = Job.objects.filter(**{f"result__{OF_VIEWER}__in": _ids_and_keys(viewer)}).order_by("created_at", "pk")
    for job in jobs.prefetch_related("parts"):
        report = {name: value for name, value in job.result.items() if name not in (OF_VIEWER, "unmatched")}
        yield {
            "job_id": str(job.pk),
            "imported_at": job.finished_at or job.created_at,
            "report": json.dumps(report, ensure_ascii=False),
            "unmatched": [
                {"line": line, "reason": reason} for part in job.parts.all() for line, _, reason in part.reasons
            ],
        }


def forget_viewer(viewer_id: int | None, viewer: Key | None) -> int:
    """Delete what the reports of a viewer's files say of films. Returns the number of jobs."""
    names = [name for name in (viewer_id, viewer) if name is not None]
    jobs = list(Job.objects.select_for_update().filter(**{f"result__{OF_VIEWER}__in": names}))
    for job in jobs:
        job.result = {name: value for name, value in job.result.items() if name not in PERSONAL}
        job.save(update_fields=["result"])
        ImportPart.objects.filter(job=job).update(reasons=[], rejected=0)
    return len(jobs)
