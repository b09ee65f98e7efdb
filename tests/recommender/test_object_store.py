"""The model store: versions that other machines find, half an upload that nobody sees, a store that is gone.

Each on a folder that machines share and, among the long tests, on a real S3 server.
"""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from recommender import checks, process_state, registry
from recommender.ml.config import MANIFEST_FILE
from recommender.ml.model_folder import VECTORS_FILE, WEIGHTS_FILE
from recommender.models import ModelVersion
from recommender.registry import artifacts, object_store
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from tests.support.cast import ADA
from tests.support.tiny_model import TINY_MODEL, second_version
from tests.support.workers import ROOT, wait_until

Status = ModelVersion.Status


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def store(request, settings, monkeypatch, tmp_path, model):
    """The tiny model is active and lies on this machine alone: the store was set after it was trained."""
    settings.MODELS_URL = str(tmp_path / "store")
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").environment.items():
            monkeypatch.setenv(name, value)
        settings.MODELS_URL = "s3://films/models"
        for name in object_store.version_names():
            object_store.remove(name)
    process_state.clear()
    yield settings.MODELS_URL
    process_state.clear()


@pytest.fixture
def second(store, model_folder):
    """Another version of this machine, registered and not active."""
    with second_version(model_folder) as version:
        yield version


@pytest.fixture
def elsewhere(settings, tmp_path):
    """From here on this process is on another machine, which has no model yet."""

    def go():
        process_state.clear()
        settings.MODEL_STORE = tmp_path / "another machine"
        settings.MODEL_STORE.mkdir(exist_ok=True)

    return go


def test_other_machines_fetch_a_version_that_goes_live(second, elsewhere, capsys):
    registry.activate("second", "a test")
    assert object_store.version_names() == {"second"}
    assert artifacts.upload_missing() == [TINY_MODEL], "what was trained before there was a store"
    assert artifacts.upload_missing() == []
    files = {path.name: path.read_bytes() for path in artifacts.folder("second").iterdir()}
    elsewhere()
    assert registry.servable_version() == "second", "which its start looks at"

    first = recommend(RecommendRequest(viewer_id=ADA, top_k=5))

    assert (first.source, first.degraded) == ("popular", True), "nobody waits for the download"
    wait_until(lambda: registry.ranker() is not None)
    answer = recommend(RecommendRequest(viewer_id=ADA, top_k=5))
    assert (answer.source, answer.model_version, answer.degraded) == ("model", "second", False)
    assert {path.name: path.read_bytes() for path in artifacts.folder("second").iterdir()} == files
    call_command("models")
    assert [line.split()[5] for line in capsys.readouterr().out.splitlines()[1:]] == ["here+store", "store"]
    assert registry.rollback("it errs").name == TINY_MODEL, "fetched on the way"


def test_half_an_upload_is_no_version_and_is_completed_later(second, elsewhere, monkeypatch):
    files, _ = object_store._filesystem(object_store.settings.MODELS_URL)
    put = files.put_file

    def cut_off(source, target, **more):
        if target.endswith(VECTORS_FILE):
            raise ConnectionError("the line broke")
        return put(source, target, **more)

    monkeypatch.setattr(files, "put_file", cut_off)
    with pytest.raises(registry.ActivationRefused, match="the line broke"):
        registry.activate("second", "a test")
    monkeypatch.setattr(files, "put_file", put)

    assert object_store.version_names() == set()
    assert object_store.stored_manifest("second") is None
    assert ModelVersion.objects.get(name="second").status == Status.CANDIDATE
    assert not object_store.download(object_store.settings.MODEL_STORE.parent / "second")
    call_command("models", "--upload")
    assert object_store.version_names() == {TINY_MODEL, "second"}


def test_a_damaged_copy_is_refused_and_leaves_nothing(second, elsewhere, caplog, model_folder):
    artifacts.upload_missing()
    files, root = object_store._filesystem(object_store.settings.MODELS_URL)
    files.pipe_file(f"{root}/second/{WEIGHTS_FILE}", (model_folder / WEIGHTS_FILE).read_bytes()[:-100])
    elsewhere()

    with pytest.raises(registry.ActivationRefused, match="cut or edited"):
        registry.activate("second", "a test")

    assert not [path for path in object_store.settings.MODEL_STORE.iterdir() if path.is_dir()]
    assert registry.active_name() == TINY_MODEL
    escape = json.dumps({"format": 4, "sha256": {"../../escaped": "0"}}).encode()
    files.pipe_file(f"{root}/second/{MANIFEST_FILE}", escape)
    with pytest.raises(object_store.ArtifactDamaged, match="no file of its folder"):
        object_store.download(artifacts.folder("second"))


def test_a_damaged_local_folder_is_not_uploaded(second, caplog):
    weights = artifacts.folder("second") / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-100])

    assert artifacts.upload_missing() == [TINY_MODEL]

    assert "cut or edited" in caplog.text
    assert object_store.version_names() == {TINY_MODEL}


def test_a_pruned_version_is_deleted_on_every_machine(second, elsewhere, settings, model_folder):
    artifacts.upload_missing()
    ModelVersion.objects.filter(name="second").update(created_at="2020-01-01T00:00Z")
    here = settings.MODEL_STORE
    elsewhere()
    assert artifacts.try_fetch("second")
    there, settings.MODEL_STORE = settings.MODEL_STORE, here

    assert registry.prune(1) == ["second"]

    assert object_store.version_names() == {TINY_MODEL}
    assert not artifacts.is_local("second")
    settings.MODEL_STORE = there
    artifacts.fetch(TINY_MODEL)
    assert [path.name for path in there.iterdir() if path.is_dir()] == [TINY_MODEL], "the other machine hears of it"


@pytest.mark.parametrize(
    ("url", "message"), [("s3://films/models", "requirements-s3.txt"), ("ftpx://a/b", "no kind of store 'ftpx'")]
)
def test_a_store_that_cannot_be_used_fails_the_system_check(settings, monkeypatch, url, message):
    settings.MODELS_URL = url
    monkeypatch.setattr(object_store, "find_spec", lambda package: None)
    [error] = checks.check_model_store_url(None)
    assert message in error.msg
    with pytest.raises(object_store.ObjectStoreUnavailable, match=message):
        object_store.version_names()


def test_credentials_in_the_url_are_refused():
    own = os.environ | {"MOVIEREC_MODELS_URL": "s3://me:hidden@films/models"}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=own, capture_output=True, text=True)
    assert "must not hold credentials" in done.stderr
    assert "hidden" not in done.stdout + done.stderr.replace(own["MOVIEREC_MODELS_URL"], "")
