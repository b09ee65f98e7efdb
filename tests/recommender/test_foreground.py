"""A job in a terminal: it runs under a lease, and a signal ends it in order."""

import os
import signal
import time

import pytest
from django.core.management import CommandError
from django.core.management.base import OutputWrapper

from recommender.management.foreground import run_job
from recommender.models import Job


@pytest.mark.django_db(transaction=True)
def test_a_signal_ends_a_job_at_once_and_the_next_one_runs(tmp_path):
    out = OutputWrapper((tmp_path / "out").open("w"))
    handler = signal.getsignal(signal.SIGTERM)

    def flow(lease):
        lease.progress("half", 1, 2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    with pytest.raises(CommandError, match="Interrupted; what was done is kept") as ended:
        run_job(Job.Kind.BATCH, {}, flow, out)
    assert ended.value.returncode == 130
    job = Job.objects.get()
    assert (job.status, job.error, job.lease_until) == ("cancelled", "Interrupted at the keyboard.", None)

    done = run_job(Job.Kind.BATCH, {}, lambda lease: lease.report_progress("whole", 2, 2), out)

    assert (done.status, done.phase, done.done) == ("done", "whole", 2)
    assert signal.getsignal(signal.SIGTERM) is handler
    out.close()
    assert (tmp_path / "out").read_text() == "half: 1 of 2\nwhole: 2 of 2\n"
