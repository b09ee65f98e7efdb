"""A viewer's data: handed out, and erased from every table and every key."""

import json
import shutil
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from catalog.models import Viewer
from recommender import cache, privacy, tasks, training_data
from recommender.jobs import leases, queue
from recommender.models import ApiKey, Erasure, Job
from recommender.training import batch, cleanup, nightly
from recommender.training.options import NightlyOptions
from recommender.training.run_state import TrainingRun
from tests.support.cast import ADA, EMPIRE, JEDI, MORNING, NEMO, STAR_WARS, TOY_STORY
from tests.support.histories import training_histories
from tests.support.viewer_traces import ZOE, event, traces_of

pytestmark = pytest.mark.usefixtures("model")
DATA = f"/users/{ZOE}/data"


@pytest.fixture
def checkpoints():
    folder = settings.CHECKPOINT_DIR
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def fail_in_training(monkeypatch):
    """A night that ends when it has read everything."""

    def full(phase, *_):
        if phase == "training":
            raise OSError("No space left on device")

    monkeypatch.setattr(training_data, "MIN_EVENTS", 1)
    lease = leases.claim(Job.objects.create(kind="nightly", parameters={"preset": "basic"}).pk)
    lease.on_progress = full
    with pytest.raises(OSError, match="No space"), leases.running_lease(lease):
        nightly.run(lease)


def test_it_is_all_handed_out(zoe, site, client_with):
    body = site.get(DATA)

    assert (body["user_id"], body["viewer"]["name"]) == (ZOE, "Zoe")
    assert [(item["movie_id"], item["kind"]) for item in body["events"]] == [
        (str(STAR_WARS), "watch"),
        (str(EMPIRE), "watch"),
        (str(TOY_STORY), "dislike"),
    ]
    assert body["events"][0]["occurred_at"] == MORNING.isoformat()
    assert [(item["movie_id"], item["position"]) for item in body["shown"]] == [(str(JEDI), 3)]
    assert [item["history"] for item in body["sent_histories"]] == [["260", "1196"]]
    assert len(body["stored_list"]) > 20
    assert [(item["about"], item["change"]) for item in body["admin_notes"]] == [("Zoe", "Changed Name.")]
    rows = [(row["line"], json.loads(row["values"])["user_id"]) for row in body["waiting_rows"]]
    assert rows == [(1, ZOE), (1, str(ZOE)), (1, ZOE)], "of three files"
    site.delete(DATA)
    after = site.get(DATA)
    assert (after["admin_notes"], after["waiting_rows"]) == ([], [])
    client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS).get(DATA, expect=403)
    assert site.get("/users/4/data")["viewer"] is None
    assert site.get("/users/2147483648/data")["user_id"] == "2147483648"
    site.get(f"/users/{'x' * 129}/data", expect=404)


def test_nothing_is_left_anywhere(zoe, site, client_with, model, tmp_path):
    kinds = {line.split(":")[0].split()[0] for line in traces_of(ZOE)}
    tables = {f"recommender_{name}" for name in ("impression", "importpart", "job", "batchchunk")}
    assert kinds >= {"catalog_viewer", "catalog_watchevent", "django_admin_log", "redis", *tables}
    client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS).delete(DATA, expect=403)

    body = site.delete(DATA)

    assert (body["events"], body["impressions"], body["jobs"], body["stored_lists"]) == (3, 1, 2, True)
    assert [item["name"] for item in body["trained_before"]] == [model.name]
    assert all("erasure" in line for line in traces_of(ZOE)), traces_of(ZOE)
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD + timedelta(seconds=1)):
        assert tasks.finish_erasures() == 1
    assert traces_of(ZOE) == []
    assert Job.objects.get(pk=zoe).parameters["user_histories"] == {str(ADA): ["260"]}
    assert ZOE not in training_histories(tmp_path).viewers
    assert site.get(f"/recommend?user_id={ZOE}")["is_known_user"] is False
    assert site.delete(DATA)["events"] == 0


def test_data_of_failed_and_killed_trainings_is_deleted(zoe, site, checkpoints, monkeypatch):
    fail_in_training(monkeypatch)
    [shard] = settings.SHARDS_DIR.glob("*.parquet")
    assert f"file: {shard.name}" in traces_of(ZOE)
    data = checkpoints / cleanup.SNAPSHOT_FOLDER
    assert (tasks.delete_stale_checkpoints(), data.exists()) == (0, True), "a training may go on from it"

    site.delete(DATA)

    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD * 2):
        tasks.finish_erasures()
    assert traces_of(ZOE) == []
    assert data.exists()
    running = leases.claim(Job.objects.create(kind="nightly").pk)
    assert tasks.delete_stale_checkpoints() == 0
    queue.cancel(running.job_id)
    assert tasks.delete_stale_checkpoints() == 2
    assert not data.exists()


def test_a_list_that_was_being_made_is_never_served_and_goes(zoe, site):
    stamps, before = cache.read_list_and_versions(ZOE)
    site.delete(DATA)
    cache.store_list(ZOE, before)  # whoever had read the history before

    assert site.get(f"/recommend?user_id={ZOE}")["source"] == "popular"
    site.post("/events", [event(ZOE, NEMO, day=n) for n in range(9)])  # the same person comes back
    assert Viewer.objects.get(pk=ZOE).version > stamps.viewer
    assert site.get(f"/recommend?user_id={ZOE}&top_k=1")["source"] == "model"

    cache.store_list(ZOE, before)
    assert tasks.finish_erasures() == 0  # too soon to be complete, but swept
    assert cache.read_list_and_versions(ZOE)[1] is None


def test_a_batch_at_work_leaves_the_erased_out(zoe, site):
    lease = leases.claim(zoe)
    site.delete(DATA)

    batch.run(lease)  # with the histories that it took over when it began

    assert cache.read_list_and_versions(ADA)[1] is not None
    assert cache.read_list_and_versions(ZOE)[1] is None
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD * 2):
        assert tasks.finish_erasures() == 0  # not while it runs
        assert Erasure.objects.count() == 1
        Job.objects.filter(pk=zoe).update(status="done")
        assert tasks.finish_erasures() == 1


def test_without_redis_it_is_swept_later(zoe, site, monkeypatch):
    def gone(*args):
        raise cache.CacheUnavailable("gone")

    with monkeypatch.context() as away:
        away.setattr(cache, "erase_viewer", gone)
        assert site.delete(DATA)["stored_lists"] is False
        assert tasks.finish_erasures() == 0
    assert cache.read_list_and_versions(ZOE)[1] is not None

    tasks.finish_erasures()
    assert cache.read_list_and_versions(ZOE)[1] is None


def test_an_interrupted_training_begins_anew_without_the_erased(zoe, site, checkpoints, monkeypatch):
    monkeypatch.setattr(training_data, "MIN_EVENTS", 1)
    lease = leases.claim(Job.objects.create(kind="nightly").pk)
    options = NightlyOptions(preset="basic")
    with_zoe = TrainingRun.start(lease, options)
    assert TrainingRun.resume(lease, options) is not None
    site.post("/users/merge", {"from_user_id": 77, "into_user_id": ADA})
    assert TrainingRun.resume(lease, options) is not None
    assert str(lease.job_id) in site.delete(DATA)["in_training"]

    assert TrainingRun.resume(lease, options) is None
    without = TrainingRun.start(lease, options)
    assert without.counts["viewers"] == with_zoe.counts["viewers"] - 1
    assert without.counts["events"] < with_zoe.counts["events"]
