"""A batch's viewers in chunks, which any number of processes take one after another.

Who takes a chunk holds it by a lease that each block renews; a holder that is gone loses it to whoever is next. A list
made twice is the same list, so nothing depends on a lease that was lost while a block was on its way.
"""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from catalog import selectors
from recommender.jobs.leases import LeaseLost
from recommender.models import Chunk, Job

CHUNK_SIZE = 512  # viewers: a few seconds of work, which is what a killed process loses
LEASE_DURATION = timedelta(seconds=30)


@dataclass
class ClaimedChunk:
    """A chunk in the hands of this process."""

    pk: int
    after_viewer_id: int  # viewers' ids: above this
    through_viewer_id: int  # and to this
    model: str
    epoch: int
    since: int | None  # unix seconds: viewers with an event since; None: all
    token: uuid.UUID = field(default_factory=uuid.uuid4)

    def renew(self) -> None:
        """Renews the lease. Raises Stopped where the chunk is another's by now, or its job has ended."""
        if not self._mine().filter(job__status=Job.Status.RUNNING).update(lease_until=Now() + LEASE_DURATION):
            raise LeaseLost(f"Chunk {self.pk} of a batch was taken by another process, or its job has ended.")

    def finish(self, viewers: int, seconds: float) -> None:
        self._mine().update(holder=None, lease_until=None, viewers=viewers, seconds=seconds)

    def release(self) -> None:
        self._mine().update(holder=None, lease_until=None)

    def _mine(self) -> QuerySet[Chunk]:
        return Chunk.objects.filter(pk=self.pk, holder=self.token)


def create(job_id: uuid.UUID, model: str, epoch: int, since: int | None) -> int:
    """The job's chunks anew. Returns their number."""
    bounds = [0, *selectors.chunk_boundaries(CHUNK_SIZE)]
    with transaction.atomic():
        Chunk.objects.filter(job_id=job_id).delete()
        made = [
            Chunk(job_id=job_id, behind=behind, upto=upto, model=model, epoch=epoch, since=since)
            for behind, upto in pairwise(bounds)
        ]
        return len(Chunk.objects.bulk_create(made))


def claim(job_id: uuid.UUID | str) -> ClaimedChunk | None:
    """A chunk that nobody works on; None where there is none, or the job is not running."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    with transaction.atomic():
        chunks = Chunk.objects.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        found = chunks.filter(free, job_id=job_id, job__status=Job.Status.RUNNING, viewers=None).first()
        if found is None:
            return None
        taken = ClaimedChunk(found.pk, found.behind, found.upto, found.model, found.epoch, found.since)
        found.holder = taken.token
        found.lease_until = Now() + LEASE_DURATION
        found.save(update_fields=["holder", "lease_until"])
    return taken


@dataclass
class Progress:
    """How far the chunks of a job have come."""

    unfinished: int
    viewers: int  # lists stored in those that are finished
    seconds: float  # of work in them, over all processes


def progress(job_id: uuid.UUID) -> Progress:
    chunks = Chunk.objects.filter(job_id=job_id)
    told = chunks.aggregate(open=Count("pk", Q(viewers=None)), viewers=Sum("viewers"), seconds=Sum("seconds"))
    return Progress(told["open"], told["viewers"] or 0, told["seconds"] or 0.0)


def delete_all(job_id: uuid.UUID) -> None:
    Chunk.objects.filter(job_id=job_id).delete()
