"""A batch's viewers in chunks, which any number of processes claim one after another.

A process holds a chunk by a lease that it renews after each block; a holder that is gone loses it to the next one. A
list made twice is the same list, so nothing depends on a lease that was lost while a block was on its way.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from catalog import selectors
from catalog.limits import BEFORE_ALL_IDS
from recommender.jobs.leases import LeaseLost
from recommender.models import BatchChunk, Job

CHUNK_SIZE = 512  # viewers: a few seconds of work, which is what a killed process loses
LEASE_DURATION = timedelta(seconds=30)


@dataclass
class ClaimedChunk:
    """A chunk that this process holds."""

    pk: int
    after_viewer_id: int  # exclusive
    through_viewer_id: int  # inclusive
    model: str
    epoch: int
    since: int | None  # unix seconds: only viewers with an event since then; None: all
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    def renew(self) -> None:
        """Renew the lease. Raises LeaseLost where the chunk is another's by now, or its job has ended."""
        if not self._own_row().filter(job__status=Job.Status.RUNNING).update(lease_until=Now() + LEASE_DURATION):
            raise LeaseLost(f"Chunk {self.pk} of a batch was taken by another process, or its job has ended.")

    def finish(self, viewers: int, seconds: float) -> None:
        """Store that so many lists were written in so many seconds."""
        self._own_row().update(holder=None, lease_until=None, viewers=viewers, seconds=seconds)

    def release(self) -> None:
        """Give the chunk back, unfinished."""
        self._own_row().update(holder=None, lease_until=None)

    def _own_row(self) -> QuerySet[BatchChunk]:
        return BatchChunk.objects.filter(pk=self.pk, holder=self.token)


def create(job_id: uuid.UUID, model: str, epoch: int, since: int | None) -> int:
    """Create the job's chunks, in place of those it has. Returns their number."""
    bounds = [BEFORE_ALL_IDS, *selectors.chunk_boundaries(CHUNK_SIZE)]
    with transaction.atomic():
        BatchChunk.objects.filter(job_id=job_id).delete()
        chunks = [
            BatchChunk(
                job_id=job_id, after_viewer_id=after, through_viewer_id=through, model=model, epoch=epoch, since=since
            )
            for after, through in pairwise(bounds)
        ]
        return len(BatchChunk.objects.bulk_create(chunks))


def claim(job_id: uuid.UUID | str) -> ClaimedChunk | None:
    """Claim a chunk that no process works on; None where there is none, or the job is not running."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    with transaction.atomic():
        rows = BatchChunk.objects.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        row = rows.filter(free, job_id=job_id, job__status=Job.Status.RUNNING, viewers=None).first()
        if row is None:
            return None
        chunk = ClaimedChunk(row.pk, row.after_viewer_id, row.through_viewer_id, row.model, row.epoch, row.since)
        row.holder = chunk.token
        row.lease_until = Now() + LEASE_DURATION
        row.save(update_fields=["holder", "lease_until"])
    return chunk


@dataclass
class Progress:
    """How far the chunks of a job have come."""

    unfinished: int
    viewers: int  # lists stored in those that are finished
    seconds: float  # of work in them, over all processes


def progress(job_id: uuid.UUID) -> Progress:
    """Return how far the chunks of a job have come."""
    totals = BatchChunk.objects.filter(job_id=job_id).aggregate(
        unfinished=Count("pk", Q(viewers=None)), viewers=Sum("viewers"), seconds=Sum("seconds")
    )
    return Progress(totals["unfinished"], totals["viewers"] or 0, totals["seconds"] or 0.0)


def delete_all(job_id: uuid.UUID) -> None:
    """Delete the chunks of a job."""
    BatchChunk.objects.filter(job_id=job_id).delete()
