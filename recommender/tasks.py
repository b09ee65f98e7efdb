"""The Celery tasks: each takes its lock or its lease, calls one flow and returns counts.

Their registered names are kept in schedules and in messages that wait, so they stay when a function is renamed.
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
from recommender import maintenance, privacy, webhooks
from recommender.experiments import watch
from recommender.ingest import history_files, import_journals, import_undo, imports
from recommender.jobs import leases, queue
from recommender.locks import advisory_lock
from recommender.models import BatchChunk, Erasure, Job
from recommender.monitoring import alerts, rollback_guard, system_health
from recommender.movies import popularity_counts, text_vectors
from recommender.outcomes import collection, new_films, sums
from recommender.serving.candidates import charts
from recommender.serving.home.preparation import prepare_pages
from recommender.serving.replay import counterfactual
from recommender.training import batch, cleanup, first_nightly

WEBHOOK_MESSAGE_TTL = 30  # seconds: the next round sends another
HELPER_MESSAGE_TTL = 3_600  # seconds
MIN_NIGHTLY_INTERVAL = timedelta(minutes=30)  # between two nightly jobs of the schedule

log = logging.getLogger(__name__)


def enqueue(job: Job) -> None:
    """Send the job's id to its queue, after the transaction that made it.

    A message that is lost, or finds no Redis, is sent again by `requeue_lost_jobs`.
    """
    tasks: dict[str, Any] = {
        Job.Kind.NIGHTLY: run_nightly,
        Job.Kind.BATCH: run_batch,
        Job.Kind.IMPORT: run_import,
        Job.Kind.IMPORT_UNDO: run_import_undo,
    }

    def send() -> None:
        if REDIS.is_down:
            log.warning("The message of job %s is sent when Redis is back", job.pk)
        else:
            tasks[job.kind].delay(str(job.pk))

    transaction.on_commit(send, robust=True)


def _run_job(job_id: str, flow: Callable[[leases.Lease], None]) -> dict[str, Any]:
    """Run a job's flow under its lease. The result stands in the worker's log, so it has no viewer's id."""
    lease = leases.claim(job_id)
    if lease is None:
        return {"job": job_id, "taken": False}
    with leases.running_lease(lease):
        flow(lease)
    personal = ("failed_users", *history_files.PERSONAL)
    result = {name: value for name, value in lease.result.items() if name not in personal}
    return {"job": job_id, "taken": True, **result}


def _enqueue_if_created(job: Job | None) -> str | None:
    if job is None:
        return None
    enqueue(job)
    return str(job.pk)


@shared_task(name="recommender.tasks.start_night")
def enqueue_nightly() -> str | None:
    """Enqueue a nightly job, as the schedule asks; once where there are two beats or a clock was set back.

    A task of the light queue: behind a nightly job that runs, the second message would be read when that has ended, and
    nothing would tell that it is the same night's.
    """
    return _enqueue_if_created(queue.create_unless_pending(Job.Kind.NIGHTLY, min_interval=MIN_NIGHTLY_INTERVAL))


@shared_task(name="recommender.tasks.start_first_night")
def enqueue_first_nightly() -> str | None:
    """Enqueue a site's first nightly job as soon as there is enough to train on, and not at 03:30."""
    return _enqueue_if_created(queue.create_unless_pending(Job.Kind.NIGHTLY) if first_nightly.is_due() else None)


@shared_task(name="recommender.tasks.nightly")
def run_nightly(job_id: str) -> dict[str, Any]:
    """Run a nightly job: train, evaluate, fill lists, activate."""
    # It imports torch, which only the trainer's worker needs.
    from recommender.training import nightly

    run = partial(
        nightly.run,
        request_helpers=request_batch_helpers,
        prepare_pages=prepare_pages,
        estimate=counterfactual.gate_evidence,
    )
    return _run_job(job_id, run)


@shared_task(name="recommender.tasks.batch")
def run_batch(job_id: str) -> dict[str, Any]:
    """Run a batch job: lists for all viewers."""
    return _run_job(job_id, partial(batch.run, request_helpers=request_batch_helpers, prepare_pages=prepare_pages))


@shared_task(name="recommender.tasks.bring_in")
def run_import(job_id: str) -> dict[str, Any]:
    """Run an import job: the rows of files that came over HTTP."""
    return _run_job(job_id, _import_rows)


def _import_rows(lease: leases.Lease) -> None:
    import_journals.refuse_lost(lease.parameters)
    run = history_files.run_import if lease.parameters["of"] == imports.HISTORY else imports.run_import
    run(lease)


@shared_task(name="recommender.tasks.take_back")
def run_import_undo(job_id: str) -> dict[str, Any]:
    """Run a job that takes an import back."""
    return _run_job(job_id, import_undo.run_undo)


def enqueue_import_undo(import_id: UUID) -> Job:
    """Have an import taken back. Returns the job; errors as of import_undo.request_undo()."""
    with transaction.atomic():
        job, is_to_be_sent = import_undo.request_undo(import_id)
        if is_to_be_sent:
            enqueue(job)
    return job


def request_batch_helpers(job_id: UUID, count: int) -> None:
    """Send a message for each chunk, which any worker of the queue may take, here or on another machine.

    They come too late where this process is as fast alone; a lost one changes nothing.
    """
    try:
        for _ in range(count):
            process_batch_chunk.apply_async((str(job_id),), expires=HELPER_MESSAGE_TTL, retry=False)
    except (OperationalError, RedisError) as error:  # gone, or full
        log.warning("The batch goes on without the help of other workers: %s", error)


@shared_task(name="recommender.tasks.batch_chunk")
def process_batch_chunk(job_id: str) -> bool:
    """Process one chunk of a batch. One a message, so that other tasks get their turn."""
    return batch.process_one_chunk(job_id)


@shared_task(name="recommender.tasks.publish_pending")
def flush_outbox() -> int:
    """Publish the versions of viewers that wait in the outbox."""
    with advisory_lock("publish_pending") as acquired:
        return maintenance.flush_outbox() if acquired else 0


@shared_task(name="recommender.tasks.repair")
def repair_versions() -> dict[str, Any]:
    """Write the epoch, the catalogue version and the pointer to the active model to Redis as Postgres has them."""
    result = maintenance.repair_versions()
    # Beat, broker, worker, Redis and Postgres have worked together: the heartbeat of the whole chain.
    process_alive.send_robust(sender=repair_versions, kinds=("repair",), process=f"tasks@{socket.gethostname()}")
    return result


@shared_task(name="recommender.tasks.send_webhooks")
def send_webhooks() -> int:
    """Note the jobs that ended, and have each webhook that is due delivered. Returns how many endpoints are due."""
    with advisory_lock("send_webhooks") as acquired:
        endpoints = webhooks.queue_jobs_and_find_due() if acquired else []
    for endpoint in endpoints:
        deliver_webhook.apply_async((str(endpoint),), expires=WEBHOOK_MESSAGE_TTL)
    return len(endpoints)


@shared_task(name="recommender.tasks.deliver_webhook")
def deliver_webhook(endpoint_id: str) -> int:
    """Deliver what one webhook waits for. Returns how many messages were taken."""
    return webhooks.deliver(UUID(endpoint_id))


@shared_task(name="recommender.tasks.store_served_lists")
def store_served_lists() -> int:
    """Store the lists that clients got since the last time, then what came of any. Returns the number of lists."""
    with advisory_lock("store_served_lists") as acquired:
        return collection.store_logs() if acquired else 0


@shared_task(name="recommender.tasks.sum_up_outcomes")
def sum_up_outcomes(days: int = 2) -> int:
    """Sum up what came of the lists of the newest days, and what is known of new films. Returns how many days have
    lists."""
    with advisory_lock("sum_up_outcomes") as acquired:
        if not acquired:
            return 0
        summed = sums.refresh_sums(days)
        new_films.refresh_new_films()
        return summed


@shared_task(name="recommender.tasks.watch_experiments")
def watch_experiments() -> int:
    """Stop experiments whose last day is over, and arms that guards speak against. Returns how many were stopped."""
    with advisory_lock("watch_experiments") as acquired:
        return watch.watch_experiments() if acquired else 0


@shared_task(name="recommender.tasks.finish_erasures")
def finish_erasures() -> int:
    """Sweep erased viewers out of Redis again, until nothing that had read them before can still be at work, and what
    waits in the logs of them is stored and deleted too."""
    with advisory_lock("finish_erasures") as acquired:
        if not acquired or not Erasure.objects.exists():
            return 0
        store_served_lists()
        return privacy.finish_erasures()


@shared_task(name="recommender.tasks.clear_checkpoints")
def delete_stale_checkpoints() -> int:
    """Delete what failed trainings left. On the trainer's queue: the folder may be of its machine alone."""
    return cleanup.delete_stale_files()


@shared_task(name="recommender.tasks.tidy")
def prune() -> dict[str, Any]:
    """Delete what is kept for a time only: finished jobs, impressions, merges, folders of old models."""
    with advisory_lock("tidy") as acquired:
        return maintenance.prune() if acquired else {}


@shared_task(name="recommender.tasks.watch_system")
def watch_system() -> int:
    """Tell the operator what turned bad, or good again. Returns how many alerts were told."""
    with advisory_lock("watch_system") as acquired:
        if not acquired:
            return 0
        told = alerts.watch(system_health.check_system())
    process_alive.send_robust(sender=watch_system, kinds=(alerts.ROUNDS,), process=f"tasks@{socket.gethostname()}")
    return len(told)


@shared_task(name="recommender.tasks.guard_active_model")
def guard_active_model() -> str:
    """Roll back an active model that answers badly. Returns why, or an empty text."""
    with advisory_lock("guard_active_model") as acquired:
        return rollback_guard.rollback_if_faulty() if acquired else ""


@shared_task(name="recommender.tasks.requeue_lost_jobs")
def requeue_lost_jobs() -> int:
    """Enqueue jobs again whose holder or whose message is gone. Returns how many."""
    BatchChunk.objects.exclude(job__status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).delete()
    jobs = queue.requeue_lost()
    for job in jobs:
        enqueue(job)
    return len(jobs)


@shared_task(name="recommender.tasks.count_watches")
def count_watches() -> dict[str, int]:
    """Count what is popular now, for the lists of all processes."""
    with advisory_lock("count_watches") as acquired:
        return {"movies": popularity_counts.refresh()} if acquired else {}


@shared_task(name="recommender.tasks.read_texts")
def read_texts() -> dict[str, int]:
    """Compute what overviews and tags say of movies, for `similar` in all processes."""
    with advisory_lock("read_texts") as acquired:
        return {"movies": text_vectors.refresh()} if acquired else {}


@shared_task(name="recommender.tasks.refresh_charts")
def refresh_charts() -> dict[str, int]:
    """Compute the charts (popular, trending) and store them for all processes."""
    with advisory_lock("refresh_charts") as acquired:
        return charts.refresh() if acquired else {}


@shared_task(name="recommender.tasks.refresh_ratings")
def refresh_ratings() -> int:
    """Count how movies are rated, where there are too many events for doing it with the charts."""
    with advisory_lock("refresh_ratings") as acquired:
        return charts.refresh_ratings() if acquired else 0
