"""Celery tasks: a nightly job with a real worker, from the command to the answer, and what the small tasks repair."""

import json
import os
import re
import signal

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client

from catalog.models import Revision, Viewer
from catalog.services import bump_epoch
from movierec.celery import app
from recommender import cache, tasks
from recommender.jobs import leases, queue
from recommender.models import Job, ModelVersion
from tests.support.cast import ADA
from tests.support.jobs import expire_lease, has_ended
from tests.support.tiny_model import clear_caches
from tests.support.workers import RING, start_worker, wait_until


@pytest.fixture(autouse=True)
def _empty_caches():
    clear_caches()
    yield
    clear_caches()


@pytest.mark.slow
def test_a_nightly_job_from_the_command_to_the_answer(worker, ring, settings):
    settings.API_OPEN = True
    call_command("nightly", "--enqueue", "--preset", "brief", "--epochs", "8")  # the name of `basic` in version 1.0

    wait_until(lambda: has_ended(Job.Kind.NIGHTLY), 120)

    job = Job.objects.get()
    assert job.status == Job.Status.DONE, job.error
    assert re.search(r"^Epoch 1 \| Step \d+ \| Loss: \d\.\d{4} \| Avg: \d\.\d{4}$", job.log_tail, re.M)
    version = ModelVersion.objects.get()
    assert version.status == ModelVersion.Status.ACTIVE, version.reason
    assert version.metrics["ndcg10"] > version.metrics["baselines"]["popularity"]["ndcg10"]
    assert job.result["viewers"] == Viewer.objects.count()
    answers = [(viewer, home_feed(viewer)) for viewer in Viewer.objects.all()[:20]]
    assert {(body["source"], body["model_version"]) for _, body in answers} == {("cache", version.name)}
    right = 0
    for viewer, body in answers:
        watched = list(viewer.events.order_by("occurred_at").values_list("movie_id", flat=True))
        listed = [int(item["movie_id"]) for item in body["recommendations"]]
        assert not set(listed) & set(watched)
        right += RING[(RING.index(watched[-1]) + 1) % len(RING)] in listed[:3]
    assert right >= 12, "the model has learnt what comes next"


@pytest.mark.slow
def test_the_next_worker_resumes_the_training_of_one_that_was_killed(ring):
    call_command("nightly", "--enqueue", "--preset", "basic", "--epochs", "30")
    killed = start_worker()
    try:
        wait_until(lambda: Job.objects.filter(phase="training", done__gt=20).exists(), 120)
    finally:
        kill(killed)
    job = Job.objects.get()
    assert job.status == Job.Status.RUNNING, "nobody could tell"
    expire_lease(job)

    assert tasks.requeue_lost_jobs() == 1
    follower = start_worker()
    try:
        wait_until(lambda: has_ended(Job.Kind.NIGHTLY), 120)
    finally:
        kill(follower)

    job.refresh_from_db()
    assert (job.status, job.attempts) == (Job.Status.DONE, 2), job.error
    assert f"Resuming {job.result['version']} from its last checkpoint" in job.log_tail
    assert len(ModelVersion.objects.get().history) == 30


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def home_feed(viewer):
    return json.loads(Client().get(f"/recommend?user_id={viewer.pk}&top_k=5").content)


def test_two_beats_make_one_nightly_job(transactional_db):
    assert tasks.enqueue_nightly() == str(Job.objects.get().pk)
    assert tasks.enqueue_nightly() is None
    Job.objects.update(status=Job.Status.DONE)
    assert tasks.enqueue_nightly() is None, "the other beat's message, read behind a short night"
    assert queue.create_unless_pending(Job.Kind.NIGHTLY) is not None, "who asks for one gets it"


def test_the_outbox_is_published_and_cleared(cast):
    caches["lists"].clear()
    cache.fill_reserved_viewer_versions(cache.reserve_viewer_versions([ADA]), {ADA: 1})
    assert Viewer.objects.filter(publish_pending=True).exists()

    assert tasks.flush_outbox() == Viewer.objects.count()

    assert not Viewer.objects.filter(publish_pending=True).exists()
    assert cache.read_list_and_versions(ADA)[0].viewer == Viewer.objects.get(pk=ADA).version


def test_repair_restores_the_versions_that_an_emptied_redis_lost(model):
    bump_epoch()
    caches["lists"].clear()

    tasks.repair_versions()

    truth = Revision.objects.get()
    assert cache.read_list_and_versions(ADA)[0][:3] == (model.name, truth.epoch, truth.catalogue)


def a_job(kind=Job.Kind.BATCH, **fields):
    return Job.objects.create(kind=kind, **fields)


def test_a_job_has_one_holder_and_one_of_its_kind_runs_at_a_time(transactional_db):
    first, second = a_job(), a_job()
    assert leases.claim(first.pk) is not None
    assert leases.claim(first.pk) is None
    assert leases.claim(second.pk) is None
    assert leases.claim(a_job(Job.Kind.NIGHTLY).pk) is not None


def test_a_dead_holder_loses_its_job_and_stops_if_it_was_only_asleep(transactional_db):
    job = a_job()
    asleep = leases.claim(job.pk)
    asleep.result["behind"] = 512
    asleep.save()
    expire_lease(job)

    assert [lost.pk for lost in queue.requeue_lost()] == [job.pk]
    awake = leases.claim(job.pk)

    assert awake.result == {"behind": 512}
    assert awake.attempt == 2
    assert not asleep.save()


def test_a_message_lost_with_redis_is_sent_again(transactional_db):
    job = a_job()
    assert queue.requeue_lost() == []
    Job.objects.update(created_at="2024-01-01T00:00Z")
    assert [lost.pk for lost in queue.requeue_lost()] == [job.pk]
    assert queue.requeue_lost() == [], "not at every beat"


def test_a_job_that_kills_its_workers_fails_after_the_last_attempt(transactional_db):
    job = a_job(attempts=leases.MAX_ATTEMPTS - 1)
    leases.claim(job.pk)
    expire_lease(job)

    assert queue.requeue_lost() == []

    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert "Given up" in job.error


def test_a_cancelled_job_stops_at_its_next_step(transactional_db, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_INTERVAL", 0.05)
    job = a_job()
    lease = leases.claim(job.pk)
    steps = 0
    with leases.running_lease(lease):
        while True:
            lease.report_progress("lists", steps, 100)
            steps += 1
            if steps == 3:
                assert queue.cancel(job.pk)
            if steps > 3:
                lease._lost.wait(5)
    job.refresh_from_db()
    assert (job.status, steps) == (Job.Status.CANCELLED, 4)


@pytest.mark.parametrize(
    ("error", "status"), [(cache.CacheUnavailable("Redis is away"), "queued"), (RuntimeError("a bug"), "failed")]
)
def test_a_job_is_tried_again_after_an_absent_server_and_not_after_a_bug(transactional_db, error, status):
    job = a_job()
    try:
        with leases.running_lease(leases.claim(job.pk)):
            raise error
    except RuntimeError:
        pass
    job.refresh_from_db()
    assert (job.status, str(error) in job.error) == (status, True)


def test_tasks_keep_the_names_that_schedules_and_waiting_messages_have():
    ours = {name.removeprefix("recommender.tasks.") for name in app.tasks if name.startswith("recommender.tasks.")}
    assert ours == {
        *(
            "start_night",
            "start_first_night",
            "nightly",
            "batch",
            "bring_in",
            "batch_chunk",
            "publish_pending",
            "repair",
        ),
        *("finish_erasures", "clear_checkpoints", "tidy", "guard_active_model", "requeue_lost_jobs", "refresh_charts"),
        *("send_webhooks", "deliver_webhook", "refresh_ratings", "count_watches", "read_texts", "take_back"),
        *("store_served_lists", "sum_up_outcomes", "watch_system", "watch_experiments"),
    }
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} | set(settings.CELERY_TASK_ROUTES)
    assert scheduled <= set(app.tasks)
