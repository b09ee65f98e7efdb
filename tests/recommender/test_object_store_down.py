"""A nightly job whose model store is down: it says so, keeps what it trained, and ends when the store is back."""

import os
import signal

import pytest
from django.test import Client

from recommender import process_state, registry, tasks
from recommender.models import Job, ModelVersion
from recommender.registry import artifacts, object_store
from tests.support.jobs import expire_lease, has_ended
from tests.support.s3_server import S3Server
from tests.support.tiny_model import clear_caches
from tests.support.workers import start_worker, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(tmp_path, settings, monkeypatch):
    server = S3Server(tmp_path)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    settings.MODELS_URL = server.environment["MOVIEREC_MODELS_URL"]
    clear_caches()
    yield server
    clear_caches()
    server.stop()
    process_state.clear()


def test_a_nightly_job_waits_for_the_store_and_does_not_train_again(ring, s3, tmp_path, admin_client):
    job = Job.objects.create(kind=Job.Kind.NIGHTLY, parameters={"preset": "basic", "epochs": 6})
    tasks.enqueue(job)
    log = (tmp_path / "worker.log").open("wb")
    worker = start_worker(output=log, MOVIEREC_LOG_LEVEL="DEBUG", **s3.environment)
    try:
        wait_until(lambda: Job.objects.filter(status=Job.Status.QUEUED, attempts=1).exists(), 120)
        job.refresh_from_db()
        version = ModelVersion.objects.get()
        assert job.error.startswith("Attempt 1 of 5: ObjectStoreUnavailable: The model store s3://films/models")
        assert (
            f"Not uploaded, and kept on this machine: The model store {object_store.settings.MODELS_URL}"
            in job.log_tail
        )
        assert (version.status, artifacts.is_local(version.name)) == (ModelVersion.Status.CANDIDATE, True)
        assert job.error.encode()[:40] in page(admin_client, job)

        s3.start()
        expire_lease(job)
        assert tasks.requeue_lost_jobs() == 1
        wait_until(lambda: has_ended(Job.Kind.NIGHTLY), 120)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        log.close()

    job.refresh_from_db()
    assert (job.status, job.attempts, registry.active_name()) == (Job.Status.DONE, 2, version.name), job.error
    assert object_store.version_names() == {version.name}
    for message in ("Attempt 1 of 5: ObjectStoreUnavailable", "Attempt 2 of 5", f"Uploaded {version.name}"):
        assert message in job.log_tail
    assert job.log_tail.count("Epoch 6 | NDCG") == 1, "trained once"
    log = (tmp_path / "worker.log").read_text()
    assert "recommender.tasks.nightly" in log
    assert s3.secret not in log
    assert s3.key not in log


def page(client: Client, job: Job) -> bytes:
    return client.get(f"/admin/recommender/job/{job.pk}/change/").content
