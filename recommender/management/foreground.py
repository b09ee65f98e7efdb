"""Run a job in the foreground of a terminal, under the same lease as in a worker, and show its progress."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recommender import registry
from recommender.jobs import leases, queue
from recommender.jobs.leases import Lease
from recommender.models import Job

LOG_INTERVAL = 5.0  # seconds between progress lines where there is no terminal


def run_job(kind: Job.Kind, parameters: Mapping[str, Any], flow: Callable[[Lease], None], out: OutputWrapper) -> Job:
    """Run a job to its end; one with the same parameters whose process was killed is resumed where it stopped.

    Raises CommandError with the reason when the job does not end well.
    """
    with sigterm_as_interrupt("what was done is kept"):
        try:
            lease = _acquire_lease(kind, dict(parameters), out)
            with _show_progress(lease, out), leases.running_lease(lease):
                flow(lease)
        except (leases.JobCannotRun, registry.ActivationRefused) as reason:
            raise CommandError(str(reason)) from reason
    job = Job.objects.get(pk=lease.job_id)
    if job.status != Job.Status.DONE:
        queue.cancel(job.pk)  # a failed attempt must not run on behind the operator's back
        raise CommandError(f"The job ended as {job.status}: {job.error or 'cancelled from elsewhere'}")
    return job


@contextmanager
def sigterm_as_interrupt(outcome: str) -> Iterator[None]:
    """Let a service manager's SIGTERM end the block as Ctrl-C does; both raise CommandError with OUTCOME.

    So the job ends at once and in order, and leaves no lease that the next start would wait for.
    """
    former_handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted; {outcome}.", returncode=130) from None
    finally:
        signal.signal(signal.SIGTERM, former_handler)


def _acquire_lease(kind: Job.Kind, parameters: dict[str, Any], out: OutputWrapper) -> Lease:
    """Return the lease of a new job, or of one with the same parameters whose process was killed."""
    if (running := Job.objects.filter(kind=kind, status=Job.Status.RUNNING).first()) is not None:
        stale_lease = _take_over_stale(running, out)
        if stale_lease.parameters == parameters:
            return stale_lease
        queue.cancel(running.pk)
    lease = leases.claim(Job.objects.create(kind=kind, parameters=parameters).pk)
    if lease is None:
        raise CommandError(f"Another {kind.label.lower()} job started first; the admin shows it under Jobs.")
    return lease


def _take_over_stale(job: Job, out: OutputWrapper) -> Lease:
    """Wait until the lease of a killed process has run out, and take it. Raises CommandError if it is renewed."""
    lease_until = job.lease_until
    out.write("An earlier run stopped without ending its job; waiting up to half a minute for its lease to run out ...")
    while (lease := leases.claim(job.pk)) is None:
        job.refresh_from_db()
        if job.lease_until != lease_until:
            raise CommandError(
                f"A {job.get_kind_display().lower()} job is running already ({job.phase}, {job.done} of {job.total}). "
                f"Wait for it, or cancel job {job.pk} in the admin."
            )
        time.sleep(leases.RENEW_INTERVAL * 2)
    return lease


@contextmanager
def _show_progress(lease: Lease, out: OutputWrapper) -> Iterator[None]:
    """Show the lease's progress: a bar in a terminal, lines elsewhere."""
    if not out.isatty():
        _write_lines(lease, out)
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def progress(phase: str, done: int, total: int) -> None:
            if bar.tasks[0].description != phase:
                bar.reset(task, description=phase)
            bar.update(task, completed=done, total=total or None)

        lease.on_progress, lease.on_log = progress, lambda line: bar.console.print(line, highlight=False)
        yield


def _write_lines(lease: Lease, out: OutputWrapper) -> None:
    """Write a line of progress now and then, and every line of the log."""
    next_line = {"training": float("inf")}  # by phase, monotonic seconds; training has lines of its own

    def progress(phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if total and now >= next_line.get(phase, 0.0):
            next_line[phase] = now + LOG_INTERVAL
            out.write(f"{phase}: {done:,} of {total:,}")
            out.flush()

    def write_line(text: str) -> None:
        out.write(text)
        out.flush()

    lease.on_progress, lease.on_log = progress, write_line
