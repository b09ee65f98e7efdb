"""Another machine: web processes with a state folder of their own, which find the models in an S3 server alone, and a
host that is cut off while a model is swapped."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from recommender import cache, process_state, registry
from recommender.models import ModelVersion
from recommender.registry import artifacts
from tests.support.cast import ADA
from tests.support.live_server import LiveServer, Load
from tests.support.s3_server import S3Server
from tests.support.tiny_model import TINY_MODEL, second_version
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
        return another.fetch("/recommend", wish)

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
        assert "in place of next" in another.fetch("/health/ready")["parts"]["model"]
    finally:
        s3.start()
    assert artifacts.upload_missing() == ["next"]
    wait_until(lambda: serving() == {("next", False)}, 60)
    registry.activate(TINY_MODEL, "as before")
    ModelVersion.objects.filter(name="next").delete()
    shutil.rmtree(artifacts.folder("next"))


def test_a_host_that_is_cut_off_while_a_model_is_swapped_comes_back_with_the_new_one(live, model_folder):
    """It is not waited for without end, and never takes the old model for the current one afterwards."""
    wish = {"user_id": ADA, "history": ["1"], "top_k": 5}
    host = LiveServer(live.key, MOVIEREC_WEB_WORKERS="1")

    def activate():
        try:
            return registry.activate("second", "while a host is away")
        finally:
            connection.close()

    def model_of(reply):
        return (reply.body["model_version"], reply.body["degraded"])

    try:
        with (
            second_version(model_folder),
            Load({"asked": lambda rng: live.send("/recommend", wish)}, clients=2) as load,
        ):
            wait_until(lambda: any(loaded == TINY_MODEL for loaded in cache.models_by_process().values()), 30)
            for pid in (*host.workers, host.process.pid):
                os.kill(pid, signal.SIGSTOP)
            with ThreadPoolExecutor(1) as threads:
                assert threads.submit(activate).result(60).name == "second"
            for pid in (*host.workers, host.process.pid):
                os.kill(pid, signal.SIGCONT)
            back = [host.send("/recommend", wish) for _ in range(20)]
            wait_until(lambda: model_of(host.send("/recommend", wish)) == ("second", False), 30)
            load.wait_until_all(lambda one: model_of(one) == ("second", False))
            registry.activate(TINY_MODEL, "as before")
    finally:
        host.stop()
        ModelVersion.objects.filter(name="second").delete()
    assert {reply.status for reply in back} == {200}
    assert {model_of(reply) for reply in back} <= {("second", False), (TINY_MODEL, True)}
    assert {(one.status, one.body["degraded"]) for one in load.outcomes} == {(200, False)}
