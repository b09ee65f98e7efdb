"""Troubles of a night on real workers: after each of them no wrong list is served, no event is lost, the run ends or is
taken up again, and its page in the admin says what happened. What kills a worker is in test_killed."""

import html
import os
import shutil
import signal
import time

import pytest
from django.core.cache import caches
from django.db import connections
from django.test import Client

from catalog.models import Viewer, WatchEvent
from catalog.services import NewEvent, record_events
from movierec.celery import app
from recommender import maintenance, registry, tasks
from recommender.jobs import batch_chunks, leases
from recommender.models import Job, ModelVersion
from recommender.registry import artifacts
from recommender.training import batch
from tests.support import servers
from tests.support.cast import ADA, BEN, CLEO, DAN, MORNING
from tests.support.jobs import assert_lists_are_from, has_ended, run_nightly, stored_list
from tests.support.jobs import new_lease as in_this_process
from tests.support.tiny_model import TINY_MODEL, clear_caches
from tests.support.workers import RING, start_worker, wait_until

pytestmark = pytest.mark.slow
Status = ModelVersion.Status


@pytest.fixture(autouse=True)
def _empty_shelves(settings):
    settings.API_OPEN = True
    app.control.purge()
    clear_caches()
    yield
    app.control.purge()
    clear_caches()
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)


@pytest.fixture
def worker():
    """Starts workers, each with a trouble of its own."""
    running = []

    def start(trouble="", **more):
        running.append(start_worker(include="tests.support.faulty_worker", MOVIEREC_TROUBLE=trouble, **more))
        return running[-1]

    yield start
    for process in running:
        stop(process)


def stop(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def order(kind=Job.Kind.NIGHTLY, **parameters):
    if kind == Job.Kind.NIGHTLY:
        parameters = {"preset": "basic", "epochs": 6, "warm": False} | parameters
    job = Job.objects.create(kind=kind, parameters=parameters)
    tasks.enqueue(job)
    return job


def beats_until(what, seconds=180):
    """What beat does every few seconds, until then."""

    def beat():
        maintenance.flush_outbox()
        maintenance.repair_versions()
        tasks.requeue_lost_jobs()
        return what()

    wait_until(beat, seconds)


def page(job):
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    client = Client()
    client.force_login(users.filter(username="op").first() or users.create_superuser("op", password="op"))
    return html.unescape(client.get(f"/admin/recommender/job/{job.pk}/change/").content.decode())


def test_a_disk_that_is_full_fails_the_night_and_is_not_left_fuller(ring, worker):
    job = order()
    full = worker("full disk")
    wait_until(lambda: has_ended(Job.Kind.NIGHTLY), 120)
    stop(full)

    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert "File too large" in job.error
    assert job.error in page(job)
    assert not ModelVersion.objects.exists()
    assert not list(artifacts.folder(".").glob(".*.part"))
    assert_lists_are_from(None)
    again = order(resume=True)
    worker()
    wait_until(lambda: Job.objects.get(pk=again.pk).status == Job.Status.DONE, 120)
    again.refresh_from_db()
    assert "from its last checkpoint" in again.log_tail, "room was made, and the training is not lost"
    assert_lists_are_from(registry.active_name())


@pytest.mark.parametrize(
    ("poison", "told"),
    [
        ("nan", "Scores are finite"),
        ("constant", "Better than the most popular films"),
        ("popular", "Not worse than counting which film follows which"),
    ],
)
def test_a_poisoned_candidate_stays_one(ring, worker, poison, told):
    good = run_nightly(in_this_process(epochs=8, lists=True))
    job = order(epochs=1)
    worker(poison)
    wait_until(lambda: Job.objects.get(pk=job.pk).status not in (Job.Status.QUEUED, Job.Status.RUNNING), 120)

    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error
    version = ModelVersion.objects.get(name=job.result["version"])
    assert (version.status, registry.active_name()) == (Status.CANDIDATE, good.name)
    assert told in [one["name"] for one in version.metrics["gate"]["checks"] if not one["passed"]]
    assert f"{version.name} stays a candidate: {version.reason}" in page(job)
    assert_lists_are_from(good.name)


def test_a_worker_with_older_code_than_the_model_leaves_it_alone(model, worker, monkeypatch):
    monkeypatch.setattr(batch_chunks, "CHUNK_SIZE", 1)
    maintenance.repair_versions()
    night, lists = order(), order(Job.Kind.BATCH)
    worker("older code")
    wait_until(lambda: has_ended(Job.Kind.NIGHTLY) and has_ended(Job.Kind.BATCH), 120)

    for job, told in (
        (night, "deploy the newer code"),
        (lists, f"Model {TINY_MODEL} cannot be loaded on this machine"),
    ):
        job.refresh_from_db()
        assert (job.status, told in job.error, job.error in page(job)) == (Job.Status.FAILED, True, True), job.error
    assert [(one.name, one.status) for one in ModelVersion.objects.all()] == [(TINY_MODEL, Status.ACTIVE)]
    own = leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk)
    batch.run(own, tasks.request_batch_helpers)
    assert own.result["viewers"] == 4, "what it could not do others do"
    assert all(stored_list(viewer).model == TINY_MODEL for viewer in (ADA, BEN, CLEO, DAN))


def test_redis_emptied_and_restarted_in_the_middle_of_a_batch(ring, worker):
    good = run_nightly(in_this_process(epochs=8))
    maintenance.repair_versions()
    job = order(Job.Kind.BATCH)
    worker("slow")
    try:
        wait_until(lambda: Job.objects.get(pk=job.pk).done >= 16, 90)
        first = Viewer.objects.order_by("pk").first()
        watch_next(first)
        caches["lists"].client.get_client().flushall()
        watch_next(first)
        beats_until(lambda: Job.objects.get(pk=job.pk).done >= 48, 90)
        servers.VALKEY.stop()
        watch_next(first)
        time.sleep(2)
    finally:
        servers.VALKEY.start()
    beats_until(lambda: Job.objects.get(pk=job.pk).status == Job.Status.DONE)

    job.refresh_from_db()
    assert job.result["viewers"] == Viewer.objects.count()
    assert f"{Viewer.objects.count()} lists" in page(job)
    assert first.events.count() == 13, "ten of before, three of meanwhile"
    assert_lists_are_from(good.name)


def watch_next(viewer):
    """An event of just now, of a film that the viewer has not seen."""
    seen = set(viewer.events.values_list("movie_id", flat=True))
    film = next(film for film in RING if film not in seen)
    record_events([NewEvent(viewer.pk, film, WatchEvent.Kind.WATCH, MORNING)])


def test_postgres_restarted_in_the_middle_of_a_night(ring, worker):
    job = order()
    worker("slow")
    wait_until(lambda: Job.objects.filter(phase="training", done__gt=2).exists(), 90)
    restart_postgres()
    beats_until(lambda: Job.objects.filter(phase="lists", done__gt=8).exists())
    viewer = Viewer.objects.order_by("pk").last()
    watch_next(viewer)
    restart_postgres()
    beats_until(lambda: has_ended(Job.Kind.NIGHTLY))

    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error
    assert job.attempts <= 3
    assert all(f"Attempt {n} of 5" in page(job) for n in range(2, job.attempts + 1))
    version = ModelVersion.objects.get()
    assert (version.status, len(version.history)) == (Status.ACTIVE, 6), version.reason
    assert f"{version.name} is active" in page(job)
    assert viewer.events.count() == 11
    assert_lists_are_from(version.name)


def restart_postgres():
    try:
        servers.POSTGRES.stop()
        time.sleep(1)
    finally:
        servers.POSTGRES.start()
        connections.close_all()


def test_two_nights_at_once_whose_messages_come_again_while_they_run(ring, worker, tmp_path):
    """A training longer than the broker's patience: each message is delivered a second time, to whoever is free."""
    with (tmp_path / "log").open("wb") as log:
        jobs = [order(epochs=30), order(epochs=3)]
        for _ in range(2):
            worker("impatient broker", output=log)
        beats_until(lambda: Job.objects.filter(status=Job.Status.DONE).exists(), 300)
    Job.objects.filter(status=Job.Status.QUEUED).update(created_at="2024-01-01T00:00Z", lease_until=None)
    beats_until(lambda: Job.objects.filter(status=Job.Status.DONE).count() == 2, 300)

    told = (tmp_path / "log").read_text()
    for job in jobs:
        job.refresh_from_db()
        assert job.attempts == 1
        epochs = job.parameters["epochs"]
        assert job.log_tail.count(f"Epoch {epochs} | NDCG@10") == 1, "trained once"
        assert f"Epoch {epochs} | NDCG@10" in page(job)
    longest = told.count(f"'job': '{jobs[0].pk}', 'taken': False")
    assert longest >= 1, "the message came again, and was turned away"
    first, second = sorted(jobs, key=lambda job: job.started_at)
    assert first.finished_at <= second.started_at, "one after the other"
    assert ModelVersion.objects.count() == 2
    assert_lists_are_from(registry.active_name())
