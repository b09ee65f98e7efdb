"""The processes of a worker when its broker goes."""

import os
import signal

import pytest

from recommender import tasks
from recommender.models import Job
from tests.support import servers
from tests.support.cast import ADA, MATRIX
from tests.support.workers import start_worker, wait_until

pytestmark = pytest.mark.slow


def test_a_worker_whose_child_is_ending_connects_to_its_broker_again(model, transactional_db):
    def have_a_job_done():
        job = Job.objects.create(kind=Job.Kind.BATCH, parameters={"user_histories": {str(ADA): [str(MATRIX)]}})
        tasks.enqueue(job)
        done = Job.objects.filter(pk=job.pk, status=Job.Status.DONE)
        wait_until(lambda: done.exists() or worker.poll() is not None, 90)

    worker = start_worker(include="tests.support.slow_end")
    try:
        have_a_job_done()
        servers.VALKEY.stop()
        servers.VALKEY.start()
        have_a_job_done()
        assert worker.poll() is None, "the worker ended"
    finally:
        servers.VALKEY.start()
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
