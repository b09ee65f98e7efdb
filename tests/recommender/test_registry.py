"""The model registry: what is loaded, what goes live, and what happens when a folder was changed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry
from safetensors.numpy import load_file, save_file

from recommender import cache, process_state, registry
from recommender.ml import ranker
from recommender.ml.config import MANIFEST_FILE
from recommender.ml.model_folder import WEIGHTS_FILE
from recommender.models import ModelVersion
from recommender.registry import artifacts, loader
from tests.support.tiny_model import TINY_MODEL, second_version

Status = ModelVersion.Status


@pytest.fixture(autouse=True)
def _nothing_loaded():
    """As in a process that has just started."""

    process_state.clear()
    yield
    process_state.clear()


@pytest.fixture
def second(model, model_folder):
    """Another version, registered and not active."""
    with second_version(model_folder) as version:
        yield version


def cut(folder):
    weights = folder / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-100])


def age(folder):
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"format": 0}))


def poison(folder):
    """Whole by its checksums, and not a number in one place."""
    weights = load_file(folder / WEIGHTS_FILE)
    weights["items.ids.weight"][3] = np.nan
    save_file(weights, folder / WEIGHTS_FILE)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["sha256"][WEIGHTS_FILE] = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))


def status(name):
    return ModelVersion.objects.get(name=name).status


def test_one_version_is_active_and_the_pointer_names_it(second):
    registry.activate("second", "a test")

    assert registry.active_name() == "second"
    assert status(TINY_MODEL) == Status.RETIRED
    assert cache.read_list_and_versions(1)[0].model == "second"
    assert registry.ranker().version == "second"


@pytest.mark.parametrize(
    ("spoil", "message"), [(shutil.rmtree, "is missing"), (age, "another format"), (cut, "is corrupt")]
)
def test_the_version_before_serves_when_the_active_folder_is_unusable(second, spoil, message, caplog, monkeypatch):
    registry.activate("second", "a test")
    spoil(registry.folder("second"))

    assert registry.ranker("second").version == TINY_MODEL
    assert message in caplog.text
    reads = []
    monkeypatch.setattr(ranker, "load_ranker", reads.append)
    assert registry.ranker("second").version == TINY_MODEL
    assert reads == [], "the broken folder is not read again at every request"


def test_without_any_usable_folder_there_is_no_ranker(second):
    registry.activate("second", "a test")
    ModelVersion.objects.filter(name=TINY_MODEL).delete()
    cut(registry.folder("second"))
    assert registry.ranker() is None


@pytest.mark.parametrize("spoil", [shutil.rmtree, age, cut, poison])
def test_an_unusable_version_never_goes_live(second, spoil):
    spoil(registry.folder("second"))

    with pytest.raises(registry.ActivationRefused, match="second cannot go live"):
        registry.activate("second", "a test")

    assert (status("second"), status(TINY_MODEL)) == (Status.REFUSED, Status.ACTIVE)
    assert ModelVersion.objects.get(name="second").reason


@pytest.mark.parametrize("spoil", [shutil.rmtree, age, cut])
def test_a_starting_process_knows_what_it_can_serve(second, spoil):
    """Where there is nothing, it trains anew."""
    registry.activate("second", "a test")
    assert registry.servable_version() == "second"
    spoil(registry.folder("second"))
    assert registry.servable_version() == TINY_MODEL
    ModelVersion.objects.filter(name=TINY_MODEL).delete()
    assert registry.servable_version() is None


def test_a_manifest_of_no_format_is_none(second):
    (registry.folder("second") / MANIFEST_FILE).write_text(json.dumps({"format": "new", "sha256": {}}))
    assert artifacts.format_of("second") is None
    assert not artifacts.is_loadable("second")


def test_an_unknown_version_is_refused_by_name(model):
    with pytest.raises(registry.ActivationRefused, match="'nothing'"):
        registry.activate("nothing", "a test")


def test_rollback_goes_back_and_no_fallback_picks_the_version_that_was_left(second):
    registry.activate("second", "a test")

    version = registry.rollback("it errs")

    assert (version.name, version.status) == (TINY_MODEL, Status.ACTIVE)
    left = ModelVersion.objects.get(name="second")
    assert (left.status, left.reason) == (Status.CANDIDATE, "Rolled back from: it errs")
    with pytest.raises(registry.ActivationRefused, match="no earlier"):
        registry.rollback("again")


def test_activation_goes_on_without_redis_and_is_published_later(second, settings, caplog):
    lost = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "unix:///tmp/movierec-no-such.sock?db=2",
        "OPTIONS": {
            "SERIALIZER": "recommender.cache.BytesSerializer",
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
    with_redis = settings.CACHES
    settings.CACHES = with_redis | {"lists": lost}
    process_state.clear()
    registry.activate("second", "a test")
    settings.CACHES = with_redis

    assert registry.active_name() == "second"
    assert "without waiting" in caplog.text
    process_state.clear()
    assert cache.read_list_and_versions(1)[0].model == TINY_MODEL
    assert registry.repair_pointer() == "second"
    assert cache.read_list_and_versions(1)[0].model == "second"


def test_a_process_keeps_two_rankers_at_most(second, model_folder):
    third = registry.folder("third")
    shutil.copytree(model_folder, third)
    registry.register(third, preset="basic")
    for name in (TINY_MODEL, "second", "third"):
        assert registry.ranker(name).version == name
    assert list(loader.loaded_names()) == ["second", "third"]
    shutil.rmtree(third)


WATCHER = """
import time, django
django.setup()
from recommender import registry
registry.start_watcher()
time.sleep(60)
"""


@pytest.fixture
def serving_process(model):
    """A process that watches as a web process does."""
    url = settings.DATABASES["default"]
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "movierec.settings",
        "DATABASE_URL": f"postgres://{url['USER']}@/{url['HOST']}/{connection.settings_dict['NAME']}",
    }
    process = subprocess.Popen([sys.executable, "-c", WATCHER], env=env, cwd=Path(__file__).parents[2])
    yield process
    process.kill()
    process.wait()


def test_activation_waits_until_every_live_process_has_loaded_the_model(second, serving_process):
    deadline = time.monotonic() + 30
    while TINY_MODEL not in cache.models_by_process().values():
        assert time.monotonic() < deadline
        time.sleep(0.1)

    registry.activate("second", "a test")

    assert set(cache.models_by_process().values()) == {"second"}
