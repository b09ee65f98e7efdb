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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from recommender.models import Job

LEASE = timedelta(seconds=30)
RENEW_SECONDS = 2.0
LOG_TAIL = 8_000  # characters

log = logging.getLogger(__name__)


class Stopped(Exception):
    """The job is no longer this process's to work on: cancelled, or its lease was lost to another holder."""


@contextmanager
def only_one(name: str, *, wait: bool = False) -> Iterator[bool]:
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
    """A running job in the hands of this process. The flow writes its progress here and calls `check` between steps."""

    def __init__(self, job: Job, token: uuid.UUID) -> None:
        self.job_id, self.kind, self.parameters = job.id, Job.Kind(job.kind), job.parameters
        self.attempt = job.attempts
        self.result: dict[str, Any] = dict(job.result)
        self.done, self.total, self.phase = job.done, job.total, job.phase
        self._token = token
        self._lines: list[str] = job.log_tail.splitlines()
        self._over = threading.Event()  # the holder has ended
        self._lost = threading.Event()
        self._good_until = time.monotonic() + LEASE.total_seconds()
        self._renewer = threading.Thread(target=self._renew_forever, name=f"lease-{job.id}", daemon=True)

    def check(self) -> None:
        """Raises Stopped when the job was cancelled or its lease could not be kept."""
        if self._lost.is_set():
            raise Stopped(f"Job {self.job_id} was cancelled, or its lease was lost to another worker.")

    def progress(self, phase: str, done: int = 0, total: int = 0) -> None:
        """In memory; the renewing thread writes it. Raises Stopped as `check` does."""
        self.phase, self.done, self.total = phase, done, total
        self.check()

    def say(self, line: str) -> None:
        log.info("%s", line)
        self._lines.append(line)
        while sum(map(len, self._lines)) > LOG_TAIL:
            self._lines.pop(0)

    def renew(self) -> bool:
        """Writes progress and extends the lease in one statement; False when the job is no longer ours."""
        return bool(self._mine().update(lease_until=Now() + LEASE, **self._state()))

    def _mine(self) -> Any:
        return Job.objects.filter(pk=self.job_id, holder=self._token, status=Job.Status.RUNNING)

    def _state(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "total": self.total,
            "phase": self.phase,
            "result": self.result,
            "log_tail": "\n".join(self._lines),
        }

    def _renew_forever(self) -> None:
        while not self._over.wait(RENEW_SECONDS) and not self._lost.is_set():
            try:
                if self.renew():
                    self._good_until = time.monotonic() + LEASE.total_seconds()
                else:
                    self._lost.set()
            except DatabaseError as error:  # Postgres restarts: the lease is ours until it runs out
                log.warning("Lease of job %s not renewed: %s", self.job_id, error)
                if time.monotonic() > self._good_until:
                    self._lost.set()
            finally:
                close_old_connections()
        connection.close()

    def _end(self, status: Job.Status, error: str = "") -> None:
        self._over.set()
        self._renewer.join()
        ended = self._mine().update(
            status=status, error=error, holder=None, lease_until=None, finished_at=Now(), **self._state()
        )
        if not ended:
            log.warning("Job %s was taken from this process before it ended.", self.job_id)


def acquire(job_id: uuid.UUID | str) -> Lease | None:
    """The lease of a queued job, or of a running one whose holder is gone. None: it is done, held, or another job of
    its kind is running (it stays queued and is taken up later)."""
    token = uuid.uuid4()
    free = Q(status=Job.Status.QUEUED) | Q(status=Job.Status.RUNNING, lease_until__lt=Now())
    try:
        with transaction.atomic():
            taken = Job.objects.filter(free, pk=job_id).update(
                status=Job.Status.RUNNING,
                holder=token,
                lease_until=Now() + LEASE,
                attempts=F("attempts") + 1,
                started_at=Coalesce("started_at", Now()),
                error="",
            )
    except IntegrityError:  # one_running_job_a_kind
        taken = 0
    if not taken:
        log.info("Job %s is not to be run now: done, held by another worker, or its kind is busy.", job_id)
        return None
    return Lease(Job.objects.get(pk=job_id), token)


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Keeps the lease alive around the work and ends the job with its outcome. A job stopped from outside is left as
    it was found; an error fails it, with the error on its page, and is raised."""
    lease._renewer.start()
    try:
        yield lease
    except Stopped as stop:
        lease._over.set()
        lease.say(str(stop))
    except KeyboardInterrupt:
        lease._end(Job.Status.CANCELLED, "Interrupted at the keyboard.")
        raise
    except BaseException as error:
        lease._end(Job.Status.FAILED, f"{type(error).__name__}: {error}")
        raise
    else:
        lease._end(Job.Status.DONE)
