"""A viewer's data: handed out, and erased from every table and every key."""

import json
import shutil
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from catalog import selectors
from catalog.models import Viewer
from recommender import cache, privacy, tasks, training_data
from recommender.jobs import leases, queue
from recommender.models import ApiKey, Chunk, Erasure, Job
from recommender.training import batch, nightly, snapshot
from tests.recommender.api.test_imports_exports import JSONL, json_lines
from tests.support.cast import ADA, EMPIRE, JEDI, MORNING, NEMO, STAR_WARS, TOY_STORY
from tests.support.forms import submit

pytestmark = pytest.mark.usefixtures("model")
ZOE = 1_987_654_321  # a number that stands nowhere by chance
DATA = f"/users/{ZOE}/data"


def event(viewer, movie, kind="watch", day=0, **more):
    moment = (MORNING + timedelta(days=day)).isoformat()
    return {"user_id": viewer, "movie_id": str(movie), "kind": kind, "occurred_at": moment, **more}


def traces_of(viewer):
    """Every row of every table, every key and value in Redis, and every file, that has this number in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t WHERE t::text LIKE %s", [f"%{viewer}%"])
            found += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    path = caches["lists"].client.get_client().connection_pool.connection_kwargs["path"]
    for number in range(16):
        with Redis(unix_socket_path=path, db=number) as redis:
            for key in redis.scan_iter(count=1000):
                dump = redis.dump(key) or b""
                if str(viewer).encode() in key + dump:
                    found.append(f"redis {number}: {key.decode()}")
    return found + [f"file: {path.name}" for path in own_files() if in_file(viewer, path)]


def own_files():
    """Of the state folder, without the database's: its tables are read above, and it keeps what it deleted a while."""
    files = [path for path in settings.STATE_DIR.rglob("*") if path.is_file()]
    return [path for path in files if path.relative_to(settings.STATE_DIR).parts[0] != "postgres"]


def in_file(viewer, path):
    """Written out, or as a column of a snapshot."""
    content = path.read_bytes()
    return str(viewer).encode() in content or viewer.to_bytes(4, "little") in content


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
    lease = leases.claim(Job.objects.create(kind="nightly", parameters={"preset": "brief"}).pk)
    lease.on_progress = full
    with pytest.raises(OSError, match="No space"), leases.running_lease(lease):
        nightly.run(lease)


@pytest.fixture
def zoe(site, admin_client):
    """A viewer who has left traces wherever there can be any."""
    films = [(STAR_WARS, "watch"), (EMPIRE, "watch"), (TOY_STORY, "dislike")]
    site.post("/events", [event(ZOE, film, kind, day) for day, (film, kind) in enumerate(films)])
    site.post("/events", event(ZOE, JEDI, "impression", recommendation_id="r-1", position=3))
    site.get(f"/recommend?user_id={ZOE}")  # stores a list
    site.get(f"/home?user_id={ZOE}")
    submit(admin_client, reverse("admin:catalog_viewer_change", args=[ZOE]), {"name": "Zoe"})
    sent = {"user_histories": {str(ZOE): ["260", "1196"], str(ADA): ["260"]}}
    job = site.post("/batch/recommend/cache", sent, expect=202)["job_id"]
    file = {"user_id": ZOE, "name": "half a character: \ud800"}, {"user_id": ADA, "name": "Ada"}
    site.post("/imports/viewers", json_lines(*file), content_type=JSONL, expect=202)
    former = Job.objects.create(kind="batch", status="cancelled", result={"failed_users": [ZOE, 7]})
    Chunk.objects.create(job=former, behind=7, upto=ZOE, model="tiny", epoch=1)
    return job


def test_it_is_all_handed_out(zoe, site, client_with):
    body = site.get(DATA)

    assert (body["user_id"], body["viewer"]["name"]) == (ZOE, "Zoe")
    assert [(one["movie_id"], one["kind"]) for one in body["events"]] == [
        (str(STAR_WARS), "watch"),
        (str(EMPIRE), "watch"),
        (str(TOY_STORY), "dislike"),
    ]
    assert body["events"][0]["occurred_at"] == MORNING.isoformat()
    assert [(one["movie_id"], one["position"]) for one in body["shown"]] == [(str(JEDI), 3)]
    assert [one["history"] for one in body["sent_histories"]] == [["260", "1196"]]
    assert len(body["stored_list"]) > 20
    assert [(one["about"], one["change"]) for one in body["admin_notes"]] == [("Zoe", "Changed Name.")]
    [row] = body["waiting_rows"]
    assert (row["line"], json.loads(row["values"])["user_id"]) == (1, ZOE)
    site.delete(DATA)
    after = site.get(DATA)
    assert (after["admin_notes"], after["waiting_rows"]) == ([], [])
    client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS).get(DATA, expect=403)
    assert site.get("/users/4/data")["viewer"] is None
    site.get("/users/2147483648/data", expect=404)


def test_nothing_is_left_anywhere(zoe, site, client_with, model, tmp_path):
    kinds = {line.split(":")[0].split()[0] for line in traces_of(ZOE)}
    tables = {f"recommender_{name}" for name in ("impression", "importpart", "job", "chunk")}
    assert kinds >= {"catalog_viewer", "catalog_watchevent", "django_admin_log", "redis", *tables}
    client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS).delete(DATA, expect=403)

    body = site.delete(DATA)

    assert (body["events"], body["impressions"], body["jobs"], body["stored_lists"]) == (3, 1, 2, True)
    assert [one["name"] for one in body["trained_before"]] == [model.name]
    assert all("erasure" in line for line in traces_of(ZOE)), traces_of(ZOE)
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD + timedelta(seconds=1)):
        assert tasks.finish_erasures() == 1
    assert traces_of(ZOE) == []
    assert Job.objects.get(pk=zoe).parameters["user_histories"] == {str(ADA): ["260"]}
    assert ZOE not in snapshot.take_snapshot(tmp_path).histories.viewers
    assert site.get(f"/recommend?user_id={ZOE}")["is_known_user"] is False
    assert site.delete(DATA)["events"] == 0


def test_what_failed_and_killed_trainings_had_read_is_deleted(zoe, site, checkpoints, monkeypatch):
    fail_in_training(monkeypatch)
    killed = checkpoints / "events-killed"
    killed.mkdir()
    selectors.export_events(killed / "events.csv")
    assert {"file: snapshot.npz", "file: events.csv"} <= set(traces_of(ZOE))
    assert (tasks.clear_checkpoints(), killed.exists()) == (1, False)
    assert (checkpoints / "snapshot.npz").exists(), "a training may go on from it"

    site.delete(DATA)

    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD * 2):
        tasks.finish_erasures()
    assert traces_of(ZOE) == ["file: snapshot.npz"]
    running = leases.claim(Job.objects.create(kind="nightly").pk)
    assert tasks.clear_checkpoints() == 0
    queue.cancel(running.job_id)
    assert tasks.clear_checkpoints() == 2
    assert traces_of(ZOE) == []


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
    options = nightly.NightlyOptions(preset="brief")
    nightly.TrainingRun.start(lease, options)
    assert nightly.TrainingRun.resume(lease, options) is not None
    assert ZOE in snapshot.Snapshot.load(checkpoints / "snapshot.npz").histories.viewers
    site.post("/users/merge", {"from_user_id": 77, "into_user_id": ADA})
    assert nightly.TrainingRun.resume(lease, options) is not None
    assert str(lease.job_id) in site.delete(DATA)["in_training"]

    assert nightly.TrainingRun.resume(lease, options) is None
    nightly.TrainingRun.start(lease, options)
    assert ZOE not in snapshot.Snapshot.load(checkpoints / "snapshot.npz").histories.viewers
