"""Leases of long jobs: claimed, renewed and released, judged by Postgres and its clock.

A job has one holder at a time. A thread of the holder renews the lease and writes the progress with it; a holder that
stops renewing (killed, cut off) loses the job to the next process that claims it.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
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
from infrastructure.logs import redact_exception
from recommender.cache import CacheUnavailable
from recommender.models import Job
from recommender.registry.object_store import ObjectStoreUnavailable

LEASE_DURATION = timedelta(seconds=30)
RENEW_INTERVAL = 2.0  # seconds
MAX_LOG_TAIL = 8_000  # characters
MAX_ATTEMPTS = 5
RETRY_BACKOFF = timedelta(seconds=30)  # after the first failed attempt; doubles with each
# A server is away: the job is tried again.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, CacheUnavailable, ObjectStoreUnavailable)

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """The job is no longer this process's to work on: cancelled, or its lease was lost to another holder."""


class JobCannotRun(Exception):
    """The job cannot do its work, for a reason that the operator can act on; the message says how."""


class Lease:
    """A running job that this process holds.

    The flow writes its progress and its result here; the renewing thread stores them. `on_progress` and `on_log` let a
    command show them as well.
    """

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
        self._is_finished = False
        self._expires_at = time.monotonic() + LEASE_DURATION.total_seconds()
        self._renewer = threading.Thread(target=self._renew_forever, name=f"lease-{job.id}", daemon=True)

    @property
    def log_lines(self) -> list[str]:
        """The lines of the job's log, as many of the last ones as MAX_LOG_TAIL lets stay."""
        return list(self._log_lines)

    def raise_if_lost(self) -> None:
        """Raise LeaseLost when the job was cancelled or its lease could not be renewed."""
        if self._lost.is_set() and not self._is_finished:
            raise LeaseLost(f"Job {self.job_id} was cancelled, or its lease was lost to another worker.")

    def report_progress(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Set the progress, and raise as `raise_if_lost` does. Cheap enough to be called after every step."""
        self.phase, self.done, self.total = phase, done, total
        self.on_progress(phase, done, total)
        self.raise_if_lost()

    def log(self, line: str) -> None:
        """Add a line to the job's log."""
        self.on_log(line)
        self._log_lines.append(line)
        while sum(map(len, self._log_lines)) > MAX_LOG_TAIL:
            self._log_lines.pop(0)

    def save(self) -> bool:
        """Store progress and result and extend the lease, in one statement; False when it is ours no more."""
        return bool(self._own_row().update(lease_until=Now() + LEASE_DURATION, **self._columns()))

    def finish(self, result: Mapping[str, Any]) -> None:
        """End the job as done in the transaction that writes the last of its work: no cancellation comes between the
        two. What is logged afterwards is stored by `release`. Raises LeaseLost."""
        columns = self._columns() | {"result": dict(result)} | ended_columns(Job.Status.DONE)
        if not self._own_row().update(**columns):
            raise LeaseLost(f"Job {self.job_id} was cancelled, or its lease was lost to another worker.")
        self._is_finished = True

    def _own_row(self) -> Any:
        return Job.objects.filter(pk=self.job_id, holder=self._token, status=Job.Status.RUNNING)

    def _columns(self) -> dict[str, Any]:
        columns = {"done": self.done, "total": self.total, "phase": self.phase}
        return columns | {"result": dict(self.result), "log_tail": "\n".join(self.log_lines)}

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
        """Start the thread that renews the lease, until `release`.

        Where the job was made in a transaction that is still open nobody else sees it, and there is nothing to renew.
        """
        if not connection.in_atomic_block:
            self._renewer.start()

    def release(self, **outcome: Any) -> None:
        """Stop renewing and store how the job ended. What cannot be stored now is seen when the lease runs out."""
        self._released.set()
        if self._renewer.is_alive():
            self._renewer.join()
        with suppress(DatabaseError):
            if not connection.in_atomic_block:
                close_old_connections()
            columns = {"holder": None} | self._columns()
            if outcome and not (self._release_finished() or self._own_row().update(**(columns | outcome))):
                log.warning("Job %s was taken from this process before it ended.", self.job_id)

    def _release_finished(self) -> bool:
        """Store what was logged since finish(). False where the job did not finish."""
        if not self._is_finished:
            return False
        finished = Job.objects.filter(pk=self.job_id, holder=self._token, status=Job.Status.DONE)
        return bool(finished.update(holder=None, **self._columns()))


def claim(job_id: uuid.UUID | str) -> Lease | None:
    """Claim a queued job, or a running one whose holder is gone.

    None: it has ended, is held, or another job of its kind is running (it stays queued and is claimed later).
    """
    token = uuid.uuid4()
    free = Q(status=Job.Status.QUEUED) | Q(status=Job.Status.RUNNING, lease_until__lt=Now())
    try:
        with transaction.atomic():
            claimed = Job.objects.filter(free, pk=job_id).update(
                status=Job.Status.RUNNING,
                holder=token,
                lease_until=Now() + LEASE_DURATION,
                attempts=F("attempts") + 1,
                started_at=Coalesce("started_at", Now()),
                error="",
            )
    except IntegrityError:  # one_running_job_a_kind
        claimed = 0
    if not claimed:
        log.debug("Job %s is not claimed now: it has ended, is held, or its kind is busy.", job_id)
        return None
    lease = Lease(Job.objects.get(pk=job_id), token)
    if lease.attempt > 1:
        lease.log(f"Attempt {lease.attempt} of {MAX_ATTEMPTS}: taken up where it stood")
    return lease


@contextmanager
def running_lease(lease: Lease) -> Iterator[Lease]:
    """Renew the lease around the work and store the outcome.

    A job that was taken away stays as it is; one that met an absent server goes back into the queue; any other error
    fails it, is stored, and is raised.
    """
    lease.start_renewing()
    try:
        yield lease
    except LeaseLost as lost:
        log.warning("%s", lost)
        lease.release()
    except TRANSIENT_ERRORS as error:
        lease.release(**_retry_columns(lease, error))
    except KeyboardInterrupt:
        lease.release(**ended_columns(Job.Status.CANCELLED, "Interrupted at the keyboard."))
        raise
    except Exception as error:
        lease.release(**ended_columns(Job.Status.FAILED, _describe(error)))
        raise
    except BaseException:  # the worker is being shut down: the lease runs out and the job is claimed again
        lease.release()
        raise
    else:
        lease.release(**ended_columns(Job.Status.DONE))


def ended_columns(status: Job.Status, error: str = "") -> dict[str, Any]:
    """Return the columns of a job that has ended now."""
    return {"status": status, "error": error, "lease_until": None, "finished_at": Now()}


def _retry_columns(lease: Lease, error: Exception) -> dict[str, Any]:
    """Return the columns of a job that waits for its next attempt; of one that has failed where there is none left."""
    message = f"Attempt {lease.attempt} of {MAX_ATTEMPTS}: {_describe(error)}"
    lease.log(message)
    if lease.attempt >= MAX_ATTEMPTS:
        return ended_columns(Job.Status.FAILED, message)
    lease_until = Now() + RETRY_BACKOFF * 2 ** (lease.attempt - 1)
    return {"status": Job.Status.QUEUED, "error": message, "lease_until": lease_until}


def _describe(error: Exception) -> str:
    """Say what to do where a disk is full, and nothing of anybody's row."""
    message = f"{type(error).__name__}: {error}".strip()
    if not isinstance(error, JobCannotRun):  # whose words are for the operator
        message = redact_exception(message)
    problem = disk_space.storage_problem(error)
    return message if problem is None else f"{problem.message} ({message})"
