"""Celery's door: each task takes its lock or its lease, calls one flow and returns counts.

The flows are imported inside, so that whoever only enqueues (the web half) loads no torch.
"""

import logging
import socket
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from infrastructure.connectivity import REDIS
from infrastructure.signals import process_alive
from recommender.jobs import leases, queue
from recommender.locks import advisory_lock
from recommender.models import Chunk, Job

HELP_SECONDS = 3_600
NIGHTS_APART = timedelta(minutes=30)  # from one being ordered by the schedule to the next

log = logging.getLogger(__name__)


def enqueue(job: Job) -> None:
    """Sends the job's id to its queue after the transaction that made it. A message that is lost, or finds no Redis, is
    sent again."""
    task: Any = {Job.Kind.NIGHTLY: nightly, Job.Kind.BATCH: batch, Job.Kind.IMPORT: bring_in}[Job.Kind(job.kind)]

    def send() -> None:
        if REDIS.is_down:
            log.warning("The message of job %s is sent when Redis is back", job.pk)
        else:
            task.delay(str(job.pk))

    transaction.on_commit(send, robust=True)


def _work(job_id: str, flow: Callable[[leases.Lease], None]) -> dict[str, Any]:
    """What it returns stands in the worker's log: no viewer's id."""
    lease = leases.claim(job_id)
    if lease is None:
        return {"job": job_id, "taken": False}
    with leases.running_lease(lease):
        flow(lease)
    told = {name: value for name, value in lease.result.items() if name != "failed_users"}
    return {"job": job_id, "taken": True, **told}


@shared_task
def start_night() -> str | None:
    """What beat's schedule asks for, twice where there are two beats or its clock was set back. A light task: behind a
    night that runs, the second message would be read when that has ended, and there would be nothing to tell by."""
    job = queue.create_unless_pending(Job.Kind.NIGHTLY, min_interval=NIGHTS_APART)
    if job is None:
        return None
    enqueue(job)
    return str(job.pk)


@shared_task
def start_first_night() -> str | None:
    """The first night of a site comes as soon as there is enough to learn from, and not at 03:30."""
    from recommender.training import first_nightly

    job = queue.create_unless_pending(Job.Kind.NIGHTLY) if first_nightly.is_due() else None
    if job is None:
        return None
    enqueue(job)
    return str(job.pk)


@shared_task
def nightly(job_id: str) -> dict[str, Any]:
    from recommender.training import nightly as run

    return _work(job_id, partial(run.run, request_helpers=call_for_help))


@shared_task
def batch(job_id: str) -> dict[str, Any]:
    from recommender.training import batch

    return _work(job_id, partial(batch.run, request_helpers=call_for_help))


@shared_task
def bring_in(job_id: str) -> dict[str, Any]:
    from recommender.ingest import imports

    return _work(job_id, imports.run_import)


def call_for_help(job_id: UUID, wanted: int) -> None:
    """A message for each chunk, which any worker of the queue may take, here or on another machine. They come too late
    where this process is as fast alone, and a lost one is missed by nobody."""
    try:
        for _ in range(wanted):
            batch_chunk.apply_async((str(job_id),), expires=HELP_SECONDS, retry=False)
    except (OperationalError, RedisError) as error:  # gone, or full
        log.warning("The batch goes on without the help of other workers: %s", error)


@shared_task
def batch_chunk(job_id: str) -> bool:
    """One chunk a message, so that other tasks get their turn."""
    from recommender.training import batch

    return batch.process_one_chunk(job_id)


@shared_task
def publish_pending() -> int:
    from recommender import maintenance

    with advisory_lock("publish_pending") as mine:
        return maintenance.flush_outbox() if mine else 0


@shared_task
def repair() -> dict[str, Any]:
    from recommender import maintenance as upkeep

    told = upkeep.repair_versions()
    process_alive.send_robust(sender=repair, kinds=("repair",), process=f"tasks@{socket.gethostname()}")  # end to end
    return told


@shared_task
def finish_erasures() -> int:
    from recommender import privacy

    with advisory_lock("finish_erasures") as mine:
        return privacy.finish_erasures() if mine else 0


@shared_task
def clear_checkpoints() -> int:
    """On the trainer's queue: the folder may be of its machine alone."""
    from recommender.training import cleanup

    return cleanup.delete_stale_files()


@shared_task
def tidy() -> dict[str, Any]:
    from recommender import maintenance as upkeep

    with advisory_lock("tidy") as mine:
        return upkeep.prune() if mine else {}


@shared_task
def guard_active_model() -> str:
    from recommender.monitoring import rollback_guard

    with advisory_lock("guard_active_model") as mine:
        return rollback_guard.rollback_if_faulty() if mine else ""


@shared_task
def requeue_lost_jobs() -> int:
    Chunk.objects.exclude(job__status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).delete()
    jobs = queue.requeue_lost()
    for job in jobs:
        enqueue(job)
    return len(jobs)


@shared_task
def refresh_charts() -> dict[str, int]:
    from recommender.serving.candidates import charts

    with advisory_lock("refresh_charts") as mine:
        return charts.refresh() if mine else {}
