"""Another machine: web processes with a state folder of their own, which find the models in an S3 server alone."""

import shutil

import pytest

from recommender import process_state, registry
from recommender.models import ModelVersion
from recommender.registry import artifacts
from tests.support.cast import ADA
from tests.support.live_server import LiveServer
from tests.support.s3_server import S3Server
from tests.support.tiny_model import TINY_MODEL
from tests.support.workers import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(tmp_path, settings, monkeypatch):
    server = S3Server(tmp_path)
    server.start()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    settings.MODELS_URL = server.environment["MOVIEREC_MODELS_URL"]
    yield server
    server.stop()
    process_state.clear()


@pytest.fixture
def another(live, s3, tmp_path):
    artifacts.upload_missing()
    (tmp_path / "state").mkdir()
    started = LiveServer(live.key, MOVIEREC_STATE=str(tmp_path / "state"), **s3.environment)  # waits until it is ready
    yield started
    started.stop()


def test_a_fresh_machine_serves_the_model_it_fetched_and_keeps_it_while_the_store_is_gone(
    another, s3, tmp_path, model_folder
):
    wish = {"user_id": ADA, "history": ["1"], "top_k": 5}  # no stored list answers it

    def asked():
        return another.call("/recommend", wish)

    def serving():
        return {(one["model_version"], one["degraded"]) for one in another.fetch_from_each_worker("/recommend", wish)}

    assert (tmp_path / "state" / "models" / TINY_MODEL).is_dir()
    assert (asked()["model_version"], asked()["degraded"]) == (TINY_MODEL, False)
    shutil.copytree(model_folder, artifacts.folder("next"))
    registry.register(artifacts.folder("next"), preset="basic")
    s3.stop()
    try:
        with pytest.raises(registry.ActivationRefused, match="machines could not get it"):
            registry.activate("next", "the store is gone")
        assert (asked()["model_version"], asked()["degraded"]) == (TINY_MODEL, False)
        # It was live once, before the store was lost with it: the first machine has it, the other has not.
        ModelVersion.objects.filter(name="next").update(activated_at="2024-01-01T00:00Z")
        registry.activate("next", "by force")
        answers = [asked() for _ in range(20)]
        assert {(one["model_version"], one["degraded"]) for one in answers} == {(TINY_MODEL, True)}
        assert "in place of next" in another.call("/health/ready")["parts"]["model"]
    finally:
        s3.start()
    assert artifacts.upload_missing() == ["next"]
    wait_until(lambda: serving() == {("next", False)}, 60)
    registry.activate(TINY_MODEL, "as before")
    ModelVersion.objects.filter(name="next").delete()
    shutil.rmtree(artifacts.folder("next"))
