"""kill -9 of the worker at each step of a night: the next worker ends it, and no wrong list is ever served."""

import json
import os
import signal

import pytest
from django.test import Client

from catalog.models import Viewer
from recommender import cache, maintenance, registry, tasks
from recommender.models import Chunk, Job, ModelVersion
from tests.recommender.test_tasks import expire_lease, wait_for_job
from tests.support.killed_worker import KILL_POINTS
from tests.support.tiny_model import clear_caches
from tests.support.workers import ring, start_worker, wait_until  # noqa: F401

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
        wait_until(lambda: worker.poll() is not None or wait_for_job(Job.Kind.NIGHTLY), 120)
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    return worker.returncode


@pytest.mark.parametrize("moment", KILL_POINTS)
def test_a_night_whose_worker_is_killed_is_ended_by_the_next(ring, settings, moment):  # noqa: F811
    settings.API_OPEN = True
    job = Job.objects.create(kind=Job.Kind.NIGHTLY, parameters={"preset": "brief", "epochs": 6})
    tasks.enqueue(job)

    night(MOVIEREC_DIES_AT=moment)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (Job.Status.RUNNING, 1), "killed, and nobody could tell"
    is_served(None if moment != "activation" else ModelVersion.objects.get().name)
    expire_lease(job)
    Chunk.objects.update(lease_until=None)
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
    is_served(version.name)
    assert not list(registry.folder(".").glob(".*.part")), "nothing half-written is left"


def is_served(model):
    """What viewers get now, after what beat does every few seconds: no film they saw, from this model alone."""
    wait_until(
        lambda: maintenance.repair_versions() and cache.read_list_and_versions(1)[0].model == model, 10
    )  # a dead process's lock goes with it
    for viewer in Viewer.objects.all()[:5]:
        body = json.loads(Client().get(f"/recommend?user_id={viewer.pk}&top_k=5").content)
        assert body["model_version"] == model
        seen = set(viewer.events.values_list("movie_id", flat=True))
        assert not seen & {int(one["movie_id"]) for one in body["recommendations"]}
        assert cache.read_list_and_versions(viewer.pk)[0].model == model
