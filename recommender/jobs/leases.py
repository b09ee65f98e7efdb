"""Who may work on what: one holder at a time, judged by Postgres and its clock.

A short task takes an advisory lock, which Postgres drops with the connection. A long job takes a lease on its row: a
thread renews it and writes the progress with it, and a holder that stops renewing (killed, cut off) loses the job to
whoever is next.
"""

import logging
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from infrastructure import disk_space
from infrastructure.logs import redact_row_values
from recommender import audit
from recommender.actors import actor
from recommender.cache import CacheUnavailable
from recommender.models import Job
from recommender.registry.object_store import ObjectStoreUnavailable

LEASE_DURATION = timedelta(seconds=30)
RENEW_INTERVAL = 2.0
MAX_LOG_TAIL = 8_000  # characters
MAX_ATTEMPTS = 5
RETRY_BACKOFF = timedelta(seconds=30)  # after the first failed attempt; doubles with each
RESEND_AFTER = timedelta(minutes=5)  # a queued job's message is sent again when nobody has taken it for this long
# A server is away: the job is tried again.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, CacheUnavailable, ObjectStoreUnavailable)

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The job is no longer this process's to work on: cancelled, or its lease was lost to another holder."""


class JobCannotRun(Exception):
    """The job cannot do its work, for a reason that the operator can act on; the message says how."""


@contextmanager
def advisory_lock(name: str, *, wait: bool = False) -> Iterator[bool]:
    """Whether this process is the one that may do `name` now, on any machine. With `wait` it waits for its turn."""
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            mine = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


class Lease:
    """A running job in the hands of this process. The flow writes its progress and its result here; the renewing
    thread stores them. `on_progress` and `on_line` let a command show them as well."""

    def __init__(self, job: Job, token: uuid.UUID) -> None:
        self.job_id, self.kind, self.parameters = job.id, Job.Kind(job.kind), dict(job.parameters)
        self.attempt = job.attempts
        self.result: dict[str, Any] = dict(job.result)  # survives a lost lease: what the next holder resumes from
        self.done, self.total, self.phase = job.done, job.total, job.phase
        self.on_progress: Callable[[str, int, int], None] = lambda phase, done, total: None
        self.on_log: Callable[[str], None] = lambda line: log.info("%s", line)
        self._token = token
        self._log_lines: list[str] = job.log_tail.splitlines()
        self._released = threading.Event()
        self._lost = threading.Event()
        self._expires_at = time.monotonic() + LEASE_DURATION.total_seconds()
        self._renewer = threading.Thread(target=self._renew_forever, name=f"lease-{job.id}", daemon=True)

    def raise_if_lost(self) -> None:
        """Raises Stopped when the job was cancelled or its lease could not be kept."""
        if self._lost.is_set():
            raise LeaseLost(f"Job {self.job_id} was cancelled, or its lease was lost to another worker.")

    def report_progress(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Raises Stopped as `check` does. Cheap enough to be called after every step."""
        self.phase, self.done, self.total = phase, done, total
        self.on_progress(phase, done, total)
        self.raise_if_lost()

    def log(self, line: str) -> None:
        """A line of the job's log."""
        self.on_log(line)
        self._log_lines.append(line)
        while sum(map(len, self._log_lines)) > MAX_LOG_TAIL:
            self._log_lines.pop(0)

    def save(self) -> bool:
        """Stores progress and result and extends the lease, in one statement; False when the job is ours no more."""
        return bool(self._mine().update(lease_until=Now() + LEASE_DURATION, **self._state()))

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job_id, holder=self._token, status=Job.Status.RUNNING)

    def _state(self) -> dict[str, Any]:
        state = {"done": self.done, "total": self.total, "phase": self.phase}
        return state | {"result": dict(self.result), "log_tail": "\n".join(list(self._log_lines))}

    def _renew_forever(self) -> None:
        while not self._released.wait(RENEW_INTERVAL) and not self._lost.is_set():
            try:
                if self.save():
                    self._expires_at = time.monotonic() + LEASE_DURATION.total_seconds()
                else:
                    self._lost.set()
            except DatabaseError as error:  # Postgres restarts: the lease is ours until it runs out
                log.warning("The lease of job %s was not renewed: %s", self.job_id, error)
                if time.monotonic() > self._expires_at:
                    self._lost.set()
                close_old_connections()
        connection.close()

    def start_renewing(self) -> None:
        self._renewer.start()

    def release(self, **outcome: Any) -> None:
        """Stops renewing and stores how the job ended. What cannot be stored now is seen when the lease runs out."""
        self._released.set()
        self._renewer.join()
        with suppress(DatabaseError):
            close_old_connections()
            if outcome and not self._mine().update(holder=None, **(self._state() | outcome)):
                log.warning("Job %s was taken from this process before it ended.", self.job_id)


def claim(job_id: uuid.UUID | str) -> Lease | None:
    """The lease of a queued job, or of a running one whose holder is gone. None: it has ended, is held, or another job
    of its kind is running (it stays queued and is taken up later)."""
    token = uuid.uuid4()
    free = Q(status=Job.Status.QUEUED) | Q(status=Job.Status.RUNNING, lease_until__lt=Now())
    try:
        with transaction.atomic():
            taken = Job.objects.filter(free, pk=job_id).update(
                status=Job.Status.RUNNING,
                holder=token,
                lease_until=Now() + LEASE_DURATION,
                attempts=F("attempts") + 1,
                started_at=Coalesce("started_at", Now()),
                error="",
            )
    except IntegrityError:  # one_running_job_a_kind
        taken = 0
    if not taken:
        log.debug("Job %s is not taken up now: it has ended, is held, or its kind is busy.", job_id)
        return None
    lease = Lease(Job.objects.get(pk=job_id), token)
    if lease.attempt > 1:
        lease.log(f"Attempt {lease.attempt} of {MAX_ATTEMPTS}: taken up where it stood")
    return lease


@contextmanager
def running_lease(lease: Lease) -> Iterator[Lease]:
    """Keeps the lease alive around the work and stores the outcome. A job that was taken away stays as it was found;
    one that met an absent server goes back into the queue; any other error fails it, is stored, and is raised."""
    lease.start_renewing()
    try:
        yield lease
    except LeaseLost as stop:
        log.warning("%s", stop)
        lease.release()
    except TRANSIENT_ERRORS as error:
        lease.release(**_retry(lease, error))
    except KeyboardInterrupt:
        lease.release(**_ended(Job.Status.CANCELLED, "Interrupted at the keyboard."))
        raise
    except Exception as error:
        lease.release(**_ended(Job.Status.FAILED, _describe(error)))
        raise
    except BaseException:  # the worker is being shut down: the lease runs out and the job is taken up again
        lease.release()
        raise
    else:
        lease.release(**_ended(Job.Status.DONE))


def _ended(status: Job.Status, error: str = "") -> dict[str, Any]:
    return {"status": status, "error": error, "lease_until": None, "finished_at": Now()}


def _describe(error: Exception) -> str:
    """For whoever may read the job: what to do where something is full, and nobody's row."""
    words = redact_row_values(f"{type(error).__name__}: {error}").strip()
    trouble = disk_space.storage_problem(error)
    return words if trouble is None else f"{trouble.message} ({words})"


def _retry(lease: Lease, error: Exception) -> dict[str, Any]:
    words = f"Attempt {lease.attempt} of {MAX_ATTEMPTS}: {_describe(error)}"
    lease.log(words)
    if lease.attempt >= MAX_ATTEMPTS:
        return _ended(Job.Status.FAILED, words)
    return {
        "status": Job.Status.QUEUED,
        "error": words,
        "lease_until": Now() + RETRY_BACKOFF * 2 ** (lease.attempt - 1),
    }


def cancel(job_id: uuid.UUID | str) -> bool:
    """Ends a job that has not ended; its holder stops at its next step. False: it had ended already."""
    unended = Job.objects.filter(pk=job_id, status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    with transaction.atomic():
        ended = unended.update(holder=None, cancelled_by=actor(), **_ended(Job.Status.CANCELLED))
        if ended:
            audit.record(audit.Action.CANCELLED, str(job_id))
    return bool(ended)


def create_unless_pending(kind: Job.Kind, min_interval: timedelta | None = None) -> Job | None:
    """A new job, unless one of its kind is waiting or running, or was made less than `apart` ago: two beats, or a night
    longer than a day."""
    there = Q(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    if min_interval is not None:
        there |= Q(created_at__gt=Now() - min_interval)
    with advisory_lock(f"new {kind}", wait=True):
        return None if Job.objects.filter(there, kind=kind).exists() else Job.objects.create(kind=kind)


def requeue_lost() -> list[Job]:
    """Jobs whose message must be sent again: their holder is gone, their message was lost with Redis, or their
    back-off is over. Gives up on a job whose holders died again and again."""
    due = Q(lease_until__lt=Now()) | Q(lease_until=None, created_at__lt=Now() - RESEND_AFTER)
    lost = Job.objects.filter(due, status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    words = f"Given up: {MAX_ATTEMPTS} workers took this job and did not end it. Their logs say what killed them."
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(holder=None, **_ended(Job.Status.FAILED, words))
    taken = [job.pk for job in lost if lost.filter(pk=job.pk).update(**_waiting())]
    return list(Job.objects.filter(pk__in=taken))


def _waiting() -> dict[str, Any]:
    return {"status": Job.Status.QUEUED, "holder": None, "lease_until": Now() + RESEND_AFTER}
