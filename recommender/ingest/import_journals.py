"""Journals of imports that commands run: each is a job under a lease, with a part for each step.

So it is seen, cancelled and taken back as an import over HTTP is.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from catalog.errors import CatalogError
from catalog.plurals import count_noun
from catalog.services import MadeRecords
from recommender.ingest import import_records
from recommender.jobs import leases, queue
from recommender.jobs.leases import LEASE_DURATION, JobCannotRun, Lease, LeaseLost
from recommender.models import ImportPart, Job

COMMAND = "command"  # parameter of a job: the command that does the work itself
NOT_RECORDED = "not_recorded"  # in the result: why it is not known what the import made
PRINTED = "The command printed what was wrong, which may quote a row: it is not kept here."
COUNTS = ("stored", "duplicates", "rejected")
MAX_EVENTS_OF_PART = 100_000  # which are deleted at once when the import is taken back


class JobJournal:
    """The running job of an import that a command runs."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._lease.result = dict.fromkeys(COUNTS, 0)
        self._part_count = 0
        self._has_made = False

    def write(self, step: Any, *, is_last: bool = False) -> Any:
        """Run a step, and note what it makes in one transaction with it. Returns what the step does.

        With the last one the job has ended as well, so that it is never cancelled with everything written.
        Its part is there before, so that who takes the import back waits for the step. The notes are locked first, as
        an erasure locks them before what they are about. Raises LeaseLost where the import was cancelled, with nothing
        of the step written.
        """
        job_id = self._lease.job_id
        waiting = ImportPart.objects.create(job_id=job_id, number=self._part_count, rows="")
        self._part_count += 1
        with transaction.atomic():
            part = ImportPart.objects.select_for_update().get(pk=waiting.pk)
            if part.stored is not None or not _running(job_id).exists():
                raise LeaseLost(f"Job {job_id} was cancelled.")
            import_records.lock(job_id)
            made = MadeRecords()
            result, counts = step(made)
            part.stored, part.duplicates, part.rejected = (getattr(counts, name) for name in COUNTS)
            self._note(part, made)
            if not _running(job_id).select_for_update().exists():
                raise LeaseLost(f"Job {job_id} was cancelled.")
            totals = {name: self._lease.result[name] + getattr(counts, name) for name in COUNTS}
            result_of_job = self._lease.result | totals | ({NOT_RECORDED: made.unrecorded} if made.unrecorded else {})
            if is_last:
                self._lease.finish(result_of_job)
        self._lease.result = result_of_job
        rows = sum(self._lease.result[name] for name in COUNTS)
        self._lease.report_progress("rows", rows, rows)
        return result

    def _note(self, part: ImportPart, made: MadeRecords) -> None:
        """Note what a step made; many events in further parts, as a part is what is taken back at once."""
        if made.unrecorded:
            part.save()
            self._has_made = True
            return
        made.event_ranges, *others = _in_blocks(made.event_ranges, MAX_EVENTS_OF_PART) or [[]]
        import_records.save(part, made)
        part.save()
        for ranges in others:
            ImportPart.objects.create(
                job_id=part.job_id, number=self._part_count, rows="", stored=0, event_ranges=ranges
            )
            self._part_count += 1
        self._has_made |= bool(made.event_ranges or any(made.created.values()) or any(made.written.values()))
        self._has_made |= bool(made.changed)

    def report_progress(self, what: str, done: int, expected: int | None) -> None:
        """Set how far the job is. Raises LeaseLost where it was cancelled."""
        self._lease.report_progress(what, done, max(done, expected or 0))

    def log(self, line: str) -> None:
        """Add a line to the job's log."""
        self._lease.log(line)

    def how_to_undo(self) -> str:
        """Return how the import is taken back, or why it cannot be; nothing where it has made nothing."""
        if not self._has_made:
            return ""
        if reason := self._lease.result.get(NOT_RECORDED):
            return f"It is job {self._lease.job_id}. {reason}"
        kept = count_noun(settings.JOBS_KEPT_DAYS, "day")
        return (
            f"It is job {self._lease.job_id}. For {kept} it can be taken back: on the job's "
            f"page in the admin, or by DELETE /jobs/{self._lease.job_id}/import."
        )


@contextmanager
def open_journal(of: str, command: str, **_: Any) -> Iterator[JobJournal]:
    """Run the block as a job of its own, beside those of the workers, as the signal of the catalogue asks.

    Raises CatalogError where the job did not end well: it was cancelled, or a server was away.
    """
    token = uuid.uuid4()
    job = Job.objects.create(
        kind=Job.Kind.IMPORT,
        status=Job.Status.RUNNING,
        parameters={"of": of, COMMAND: command},
        holder=token,
        lease_until=Now() + LEASE_DURATION,
        started_at=Now(),
    )
    lease = Lease(Job.objects.get(pk=job.pk), token)
    lease.on_log = lambda line: None  # the command prints it
    try:
        with leases.running_lease(lease):
            try:
                yield JobJournal(lease)
            except CatalogError as error:
                raise JobCannotRun(PRINTED) from error
    except JobCannotRun as failure:
        if isinstance(failure.__cause__, CatalogError):
            raise failure.__cause__ from None
        raise
    ended = Job.objects.get(pk=job.pk)
    if ended.status != Job.Status.DONE:
        queue.cancel(job.pk)  # no worker can go on with it
        raise CatalogError(f"The job ended as {ended.status}: {ended.error or 'cancelled from elsewhere'}.")


def refuse_lost(parameters: dict[str, Any]) -> None:
    """Raise JobCannotRun for the import of a command: its process is gone, and no worker has its file."""
    if command := parameters.get(COMMAND):
        raise JobCannotRun(
            f"The process of {command} ended before its import did. What its job lists as made is stored: start the "
            "command again, which takes up what is missing, or take the import back."
        )


def _running(job_id: uuid.UUID) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, status=Job.Status.RUNNING)


def _in_blocks(ranges: Sequence[tuple[int, int]], size: int) -> list[list[tuple[int, int]]]:
    """Return the ranges of ids in blocks of at most `size` ids; a longer range is parted."""
    blocks: list[list[tuple[int, int]]] = []
    room = 0
    for first, below in ranges:
        while first < below:
            if not room:
                blocks.append([])
                room = size
            end = min(below, first + room)
            blocks[-1].append((first, end))
            room -= end - first
            first = end
    return blocks
