"""kill -9 of the worker at each step of a night: the next worker ends it, and no wrong list is ever served."""

import os
import signal

import pytest

from catalog.models import Viewer
from recommender import registry, tasks
from recommender.models import BatchChunk, Job, ModelVersion
from tests.support.jobs import assert_lists_are_from, expire_lease, has_ended
from tests.support.killed_worker import KILL_POINTS
from tests.support.tiny_model import clear_caches
from tests.support.workers import start_worker, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _empty_shelves():
    clear_caches()
    yield
    clear_caches()


def night(**environment):
    """A worker that is given time to end the night, or dies in it."""
    worker = start_worker(include="tests.support.killed_worker", **environment)
    try:
        wait_until(lambda: worker.poll() is not None or has_ended(Job.Kind.NIGHTLY), 120)
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    return worker.returncode


@pytest.mark.parametrize("moment", KILL_POINTS)
def test_a_night_whose_worker_is_killed_is_ended_by_the_next(ring, settings, moment):
    settings.API_OPEN = True
    job = Job.objects.create(kind=Job.Kind.NIGHTLY, parameters={"preset": "basic", "epochs": 6})
    tasks.enqueue(job)

    night(MOVIEREC_DIES_AT=moment)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (Job.Status.RUNNING, 1), "killed, and nobody could tell"
    assert_lists_are_from(None if moment != "activation" else ModelVersion.objects.get().name)
    expire_lease(job)
    BatchChunk.objects.update(lease_until=None)
    assert tasks.requeue_lost_jobs() == 1
    night()

    job.refresh_from_db()
    assert (job.status, job.attempts) == (Job.Status.DONE, 2), job.error
    version = ModelVersion.objects.get()
    assert version.status == ModelVersion.Status.ACTIVE, version.reason
    assert registry.ranker(version.name) is not None
    assert len(version.history) == 6
    if moment in ("training", "checkpoint"):
        assert f"Resuming {version.name} from its last checkpoint" in job.log_tail
    assert job.result["viewers"] == Viewer.objects.count()
    assert_lists_are_from(version.name)
    assert not list(registry.folder(".").glob(".*.part")), "nothing half-written is left"
