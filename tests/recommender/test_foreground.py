"""A job in a terminal: it runs under a lease, a signal ends it in order, and the command says how it ended."""

import io
import os
import signal
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.core.management.base import OutputWrapper
from django.db.models.functions import Now

from recommender.jobs import leases
from recommender.jobs.leases import JobCannotRun
from recommender.management.foreground import run_job
from recommender.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def out():
    return OutputWrapper(io.StringIO())


def test_a_signal_ends_a_job_at_once_and_the_next_one_runs(out):
    handler = signal.getsignal(signal.SIGTERM)

    def flow(lease):
        lease.report_progress("half", 1, 2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    with pytest.raises(CommandError, match="Interrupted; what was done is kept") as interruption:
        run_job(Job.Kind.BATCH, {}, flow, out)
    assert interruption.value.returncode == 130
    job = Job.objects.get()
    assert (job.status, job.error, job.lease_until) == ("cancelled", "Interrupted at the keyboard.", None)

    done = run_job(Job.Kind.BATCH, {}, lambda lease: lease.report_progress("whole", 2, 2), out)

    assert (done.status, done.phase, done.done) == ("done", "whole", 2)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert out._out.getvalue() == "half: 1 of 2\nwhole: 2 of 2\n"


def test_a_job_of_a_killed_process_is_resumed(out, monkeypatch):
    job = Job.objects.create(kind=Job.Kind.BATCH, parameters={"top_k": 50})
    leases.claim(job.pk)
    Job.objects.update(lease_until=Now() - timedelta(seconds=1), result={"filled": 7})
    seen = {}

    done = run_job(Job.Kind.BATCH, {"top_k": 50}, lambda lease: seen.update(lease.result), out)

    assert (done.pk, done.status, seen) == (job.pk, "done", {"filled": 7})


def test_a_job_that_another_process_renews_is_left_alone(out, monkeypatch):
    job = Job.objects.create(kind=Job.Kind.BATCH, parameters={})
    leases.claim(job.pk)
    monkeypatch.setattr(leases, "RENEW_INTERVAL", 0.0)

    def renew(seconds):
        Job.objects.update(lease_until=Now() + timedelta(seconds=30))

    monkeypatch.setattr(time, "sleep", renew)
    with pytest.raises(CommandError, match=f"job is running already.*cancel job {job.pk}"):
        run_job(Job.Kind.BATCH, {}, lambda lease: pytest.fail("the job has two holders"), out)


def test_a_job_that_cannot_run_says_why(out):
    def flow(lease):
        raise JobCannotRun("There is no model yet.")

    with pytest.raises(CommandError, match=r"There is no model yet\."):
        run_job(Job.Kind.BATCH, {}, flow, out)
    assert Job.objects.get().status == "failed"
