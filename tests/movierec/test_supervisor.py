"""The servers of a state folder come back from a kill, with every row that was committed."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
import redis

from infrastructure.heartbeat import SUPERVISOR_FILE
from movierec.local import embedded_servers, log_rotation, server_paths
from movierec.local.embedded_servers import POSTGRES, VALKEY
from movierec.local.launcher import Address, Launcher
from movierec.local.processes import spawn
from movierec.local.supervisor import Service, Supervisor
from tests.support.launcher import ROOT, all_stopped, processes_of, temporary_state


def rows(state, statement):
    with psycopg.connect(host=str(server_paths.socket_dir(state)), user="movierec", dbname="movierec") as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def lasting_state():
    yield from temporary_state()


@pytest.fixture(scope="module")
def started(lasting_state):
    (lasting_state / "logs").mkdir()
    start = Launcher(lasting_state, Address("127.0.0.1", 0), say=lambda line: None)
    with pytest.MonkeyPatch.context() as patch:
        for server in embedded_servers.SERVERS:
            patch.delenv(server.url_variable)  # the test run's own
        start.start_servers()
    yield start
    start.supervisor.stop()


def tend_until(start, answers, seconds=20.0):
    until = time.monotonic() + seconds
    while not answers(start.state):
        assert time.monotonic() < until
        start.supervisor.tick()
        time.sleep(0.05)


def test_what_the_queue_holds_is_never_evicted(started):
    with redis.Redis.from_url(server_paths.redis_url(started.state)) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert int(client.config_get("maxmemory")["maxmemory"]) > 0


def test_servers_are_started_again_and_postgres_keeps_its_rows(started):
    rows(started.state, "CREATE TABLE kept AS SELECT 7 AS number")
    for service, server in zip(started.supervisor.services, (POSTGRES, VALKEY), strict=True):
        killed = service.child
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        started.supervisor.tick()
        assert service.child is None
        tend_until(started, server.is_ready)
        assert service.child.pid != killed.pid
    assert rows(started.state, "SELECT number FROM kept") == [(7,)]


def test_stopping_leaves_no_process_and_no_socket(started):
    assert len(processes_of(started.state)) >= 2
    started.supervisor.stop()
    assert all_stopped(started.state, seconds=2)
    assert list(server_paths.socket_dir(started.state).iterdir()) == []


def test_a_killed_keeper_leaves_nothing_that_blocks_the_next_start(state):
    keeps = (
        "import sys, time; from pathlib import Path; from movierec.local.embedded_servers import running_servers\n"
        "with running_servers(Path(sys.argv[1])):\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    keeper = subprocess.Popen([sys.executable, "-c", keeps, state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert keeper.stdout
    assert keeper.stdout.readline() == "up\n"
    rows(state, "CREATE TABLE kept AS SELECT 8 AS number")
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()
    with embedded_servers.running_servers(state):
        assert rows(state, "SELECT number FROM kept") == [(8,)]


def test_a_pid_file_of_a_process_that_is_no_postgres_is_no_obstacle(state):
    """After a reboot, or in a new container, the number may be anybody's."""
    place = embedded_servers.prepare_servers(state, embedded_servers.SERVERS, print, durable=False)
    (place.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{place.data_dir}\n1\n5432\n{place.socket_dir}\n")
    with embedded_servers.running_servers(state, durable=False):
        assert rows(state, "SELECT 1") == [(1,)]


TALKER = "import sys\nwhile True:\n    print('x' * 99, flush=True)\n"


@pytest.mark.parametrize("room_for_a_copy", [True, False])
def test_a_log_is_bounded_while_its_process_writes(tmp_path, monkeypatch, room_for_a_copy):
    monkeypatch.setattr(log_rotation, "MAX_LOG_BYTES", 200_000)
    (tmp_path / "logs").mkdir()
    log, former = tmp_path / "logs" / "talker.log", tmp_path / "logs" / "talker.log.1"
    if not room_for_a_copy:
        former.mkdir()  # nothing can be written there, as on a full disk
    keeper = Supervisor(tmp_path, say=lambda line: None)
    command = [sys.executable, "-c", TALKER]
    talker = Service("talker", lambda out: spawn(command, log=out, death_signal=signal.SIGKILL), 1, signal.SIGTERM, 5)
    keeper.start(talker)
    emptied, size, until = 0, 0, time.monotonic() + 30
    while emptied < 3:
        assert time.monotonic() < until
        keeper.tick()
        before, size = size, log.stat().st_size
        emptied += size < before
        assert size < 50_000_000
        time.sleep(0.01)
    keeper.stop()

    assert talker.child is not None
    assert log.read_bytes().strip(b"x\n") == b""  # appended after it was emptied: no hole of zeros
    if room_for_a_copy:
        assert 0 < former.stat().st_size <= 200_000


def test_a_child_is_started_again_though_nothing_can_be_written(tmp_path):
    """As on a full disk: neither the note of the children nor a log. What runs goes on, and it is said."""
    (tmp_path / "children.json").mkdir()  # where the pids are written
    (tmp_path / "logs").write_text("in the place of the folder")
    said = []
    keeper = Supervisor(tmp_path, said.append)
    how = {"death_signal": signal.SIGKILL}
    service = Service("sleeper", lambda log: spawn(["sleep", "60"], log=log, **how), 0, signal.SIGTERM, 5)
    try:
        first = keeper.start(service)
        first.kill()
        first.wait()
        until = time.monotonic() + 20
        while service.child is None or service.child.pid == first.pid:
            assert time.monotonic() < until
            keeper.tick()
            time.sleep(0.05)
        assert service.child.poll() is None
        assert (tmp_path / SUPERVISOR_FILE).exists()
    finally:
        keeper.stop()
    assert any("children.json cannot be written" in line for line in said)
    assert any("the log of sleeper cannot be written" in line for line in said)
    assert not (tmp_path / SUPERVISOR_FILE).exists(), "it ended in order"
