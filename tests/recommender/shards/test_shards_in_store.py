"""The shards beside the models in the store: another machine goes on from them, erasures reach them, a store that fails
costs reading alone.

Each on a folder that machines share and, among the long tests, on a real S3 server.
"""

import os
import signal
import zlib
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from s3fs import S3FileSystem

from catalog import selectors, services
from catalog.services import record_events
from recommender import privacy, process_state
from recommender.models import Erasure
from recommender.registry import object_store
from recommender.shards import store as shard_store
from recommender.shards.export import update_shards
from recommender.shards.files import read_versions
from recommender.shards.manifest import MANIFEST_FILE, Manifest
from recommender.shards.store import FOLDER, forget_viewers_in_store
from tests.support.cast import MORNING, NEMO, watch_event
from tests.support.shards import FIRST, assert_as_in_postgres, files_of, read_all
from tests.support.workers import wait_until

GONE = FIRST + 13
pytestmark = pytest.mark.usefixtures("many")


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def store(request, settings, monkeypatch, tmp_path):
    settings.MODELS_URL = str(tmp_path / "store")
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").environment.items():
            monkeypatch.setenv(name, value)
        settings.MODELS_URL = "s3://films/models"
    _forget_sessions()
    wait_until(_answers, 60)
    with object_store.open_store() as (files, root):
        if files.exists(f"{root}/{FOLDER}"):
            files.rm(f"{root}/{FOLDER}", recursive=True)
    yield settings.MODELS_URL
    _forget_sessions()


@pytest.fixture
def read(monkeypatch):
    """The viewers whose events are read from Postgres."""
    found = []
    histories = selectors.histories
    monkeypatch.setattr(selectors, "histories", lambda ids: found.extend(ids) or histories(ids))
    return found


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path):
    """The folder of a machine that has nothing yet."""
    return tmp_path / "there"


def stored():
    """The names of the files in the store, and its manifest."""
    with object_store.open_store() as (files, root):
        names = {path.rsplit("/", 1)[-1] for path in files.ls(f"{root}/{FOLDER}", detail=False)}
        return names - {MANIFEST_FILE}, Manifest.from_json(files.cat_file(f"{root}/{FOLDER}/{MANIFEST_FILE}"))


def put(file, content):
    with object_store.open_store() as (files, root):
        files.pipe_file(f"{root}/{FOLDER}/{file}", content)


def viewers_in_store(folder):
    """All viewers of the store's files, as another machine copies them."""
    names, manifest = stored()
    folder.mkdir()
    shard_store.fetch(folder, manifest.source, pytest.fail)
    assert {path.name for path in folder.glob("*.parquet")} == names
    return {viewer for shard in manifest.shards for viewer in read_versions(folder, shard)[0].tolist()}


def test_a_trainer_with_an_empty_disk_reads_only_who_changed(store, here, there, read):
    first = update_shards(here, tell=pytest.fail)
    assert stored() == (files_of(first), first)
    record_events([watch_event(FIRST + 20, NEMO, MORNING + timedelta(days=9))])
    read.clear()

    second = update_shards(there, tell=pytest.fail)

    assert read == [FIRST + 20]
    assert stored() == (files_of(second), second), "and what is no longer named is gone"
    assert_as_in_postgres(read_all(there, second))
    read.clear()
    assert files_of(update_shards(here, tell=pytest.fail)) == files_of(second)
    assert read == [], "the first machine takes up what the second one wrote"


def test_an_erasure_leaves_nothing_of_the_viewer_in_the_store(store, here, there):
    update_shards(here)
    services.erase_viewer(GONE)
    assert forget_viewers_in_store([GONE])
    left = viewers_in_store(there)
    assert GONE not in left
    assert len(left) > 30
    assert forget_viewers_in_store([GONE, FIRST - 1]), "who is in no shard changes nothing"


def test_the_sweep_of_erasures_reaches_a_store_whose_shards_another_machine_wrote(store, here, there, settings):
    update_shards(here)
    settings.SHARDS_DIR = there  # this machine has none of its own
    privacy.erase_viewer(GONE)
    assert Erasure.objects.filter(viewer_id=GONE).exists()
    privacy.finish_erasures()
    assert GONE not in viewers_in_store(there)


def test_while_an_export_runs_anywhere_an_erasure_is_not_done(store, here):
    update_shards(here)
    other = connection.copy()  # as another process has
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [zlib.crc32(shard_store.LOCK.encode())])
    assert not forget_viewers_in_store([GONE])
    other.close()
    wait_until(lambda: forget_viewers_in_store([GONE]), 60)


@pytest.mark.parametrize("damage", ["cut", "missing", "half a manifest", "another database's"])
def test_what_is_damaged_in_the_store_is_read_from_postgres(store, here, there, read, damage):
    manifest = update_shards(here)
    file = manifest.shards[2].file
    read.clear()
    told = []
    if damage == "cut":
        put(file, (here / file).read_bytes()[:-7])
    elif damage == "missing":
        with object_store.open_store() as (files, root):
            files.rm_file(f"{root}/{FOLDER}/{file}")
    elif damage == "half a manifest":
        put(MANIFEST_FILE, manifest.to_json()[:90].encode())
    else:
        put(MANIFEST_FILE, manifest.to_json().replace(manifest.source["database"], "another").encode())

    again = update_shards(there, tell=told.append)

    whole = damage in ("cut", "missing")
    assert [file in line for line in told] == [True] * whole
    assert len(set(read)) == (manifest.shards[2].viewers if whole else manifest.viewers)
    assert_as_in_postgres(read_all(there, again))
    assert stored() == (files_of(again), again)
    assert update_shards(here / "third", tell=pytest.fail).events == again.events


def test_a_store_that_is_gone_costs_reading_alone(store, here, there, settings, tmp_path):
    update_shards(here)
    (tmp_path / "a file").write_text("no folder")
    settings.MODELS_URL = str(tmp_path / "a file" / "store")
    process_state.clear()
    told = []
    manifest = update_shards(there, tell=told.append)
    assert_as_in_postgres(read_all(there, manifest))
    assert ["read from Postgres" in told[0], "this machine alone" in told[1]] == [True, True]
    assert not forget_viewers_in_store([GONE]), "the erasure stays open"


@pytest.mark.slow
def test_a_store_that_denies_or_stands_still_costs_reading_alone(s3, here, there, settings, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    settings.MODELS_URL = "s3://films/models"
    _forget_sessions()
    wait_until(_answers, 60)
    update_shards(here, tell=pytest.fail)
    told = []
    with monkeypatch.context() as denied:
        denied.setenv("AWS_SECRET_ACCESS_KEY", "another")
        _forget_sessions()
        update_shards(there, tell=told.append)
        assert not forget_viewers_in_store([GONE])
    os.kill(s3._process.pid, signal.SIGSTOP)
    try:
        _forget_sessions()
        assert_as_in_postgres(read_all(there, update_shards(there, tell=told.append)))
        assert not forget_viewers_in_store([GONE])
    finally:
        os.kill(s3._process.pid, signal.SIGCONT)
        _forget_sessions()
    assert len(told) == 4
    assert "does not answer" in told[2]
    wait_until(lambda: forget_viewers_in_store([GONE]), 60)
    _forget_sessions()


def _forget_sessions():
    """s3fs keeps its sessions, with what the environment said, for as long as the process lives."""
    S3FileSystem.clear_instance_cache()
    process_state.clear()


def _answers():
    """A busy machine takes seconds to make the first session."""
    try:
        with object_store.open_store():
            return True
    except object_store.ObjectStoreUnavailable:
        return False


def test_a_slow_store_is_given_up_in_time(store, here, there, read, monkeypatch):
    manifest = update_shards(here)
    monkeypatch.setattr(shard_store, "FETCH_SECONDS", -1.0)
    read.clear()
    told = []
    again = update_shards(there, tell=told.append)
    assert "slow" in told[0]
    assert len(set(read)) == manifest.viewers
    assert_as_in_postgres(read_all(there, again))


def test_without_a_store_nothing_is_asked(here):
    assert not django_settings.MODELS_URL
    update_shards(here, tell=pytest.fail)
    assert forget_viewers_in_store([GONE])
