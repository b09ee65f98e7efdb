"""Journals of imports that commands run: each is a job that has ended, with a part for each step, as the import of a
file over HTTP has them. So it is taken back in the same way."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.services import MadeRecords
from recommender.ingest import import_records
from recommender.models import ImportPart, Job

COUNTS = ("stored", "duplicates", "rejected")


class JobJournal:
    """The job of an import that a command runs; there is none until a step has stored something."""

    def __init__(self, of: str) -> None:
        self._job = Job(
            kind=Job.Kind.IMPORT, status=Job.Status.DONE, parameters={"of": of}, phase="rows", started_at=timezone.now()
        )
        self._part_count = 0
        self._result = dict.fromkeys(COUNTS, 0)

    def write(self, step: Any) -> Any:
        """Run a step, and note what it makes in one transaction with it. Returns what the step does.

        The notes are locked first, as an erasure locks them before what they are about.
        """
        with transaction.atomic():
            if self._part_count:
                import_records.lock(self._job.pk)
            made = MadeRecords()
            result, counts = step(made)
            for name in COUNTS:
                self._result[name] += getattr(counts, name)
            if self._part_count or made.event_ranges or any(made.created.values()) or any(made.written.values()):
                self._note(made, counts)
        return result

    def _note(self, made: MadeRecords, counts: Any) -> None:
        self._job.result = dict(self._result)
        self._job.done = self._job.total = sum(self._result.values())
        self._job.finished_at = timezone.now()
        self._job.save()
        part = ImportPart(job=self._job, number=self._part_count, rows="")
        part.stored, part.duplicates, part.rejected = (getattr(counts, name) for name in COUNTS)
        part.save()
        import_records.save(part, made)
        part.save()
        self._part_count += 1

    def how_to_undo(self) -> str:
        """Return how the import is taken back; nothing where it has made nothing."""
        if not self._part_count:
            return ""
        return (
            f"It is job {self._job.pk}. For {settings.JOBS_KEPT_DAYS} days it can be taken back: on the job's page in "
            f"the admin, or by DELETE /jobs/{self._job.pk}/import."
        )


def open_journal(of: str, **_: Any) -> JobJournal:
    """Return a journal for an import that begins, as the signal of the catalogue asks for one."""
    return JobJournal(of)
