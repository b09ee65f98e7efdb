"""The supervisor: killed servers come back with every committed row, logs stay short, and all stops in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
def launcher(lasting_state):
    (lasting_state / "logs").mkdir()
    launcher = Launcher(lasting_state, Address("127.0.0.1", 0), say=lambda line: None)
    with pytest.MonkeyPatch.context() as patch:
        for server in embedded_servers.SERVERS:
            patch.delenv(server.url_variable)  # the test run's own
        launcher.start_servers()
    yield launcher
    launcher.supervisor.stop()


def tick_until(launcher, is_ready, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_ready(launcher.state):
        assert time.monotonic() < deadline
        launcher.supervisor.tick()
        time.sleep(0.05)


def test_messages_in_the_queues_are_never_evicted(launcher):
    with redis.Redis.from_url(server_paths.redis_url(launcher.state)) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert int(client.config_get("maxmemory")["maxmemory"]) > 0


def test_killed_servers_are_restarted_and_postgres_has_its_rows(launcher):
    rows(launcher.state, "CREATE TABLE committed AS SELECT 7 AS number")
    for service, server in zip(launcher.supervisor.services, (POSTGRES, VALKEY), strict=True):
        killed = service.child
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        launcher.supervisor.tick()
        assert service.child is None
        tick_until(launcher, server.is_ready)
        assert service.child.pid != killed.pid
    assert rows(launcher.state, "SELECT number FROM committed") == [(7,)]


def test_stopping_leaves_no_process_and_no_socket(launcher):
    assert len(processes_of(launcher.state)) >= 2
    launcher.supervisor.stop()
    assert all_stopped(launcher.state)
    assert list(server_paths.socket_dir(launcher.state).iterdir()) == []


def test_a_postgres_that_stands_still_is_stopped_with_its_children_and_starts_again(state):
    with embedded_servers.running_servers(state, servers=[POSTGRES]) as layout:
        rows(state, "CREATE TABLE committed AS SELECT 9 AS number")
        parent = int((layout.data_dir / "postmaster.pid").read_text().split()[0])
        for pid in [*map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()), parent]:
            os.kill(pid, signal.SIGSTOP)
    assert all_stopped(state)
    with embedded_servers.running_servers(state, servers=[POSTGRES]):
        assert rows(state, "SELECT number FROM committed") == [(9,)]


def test_a_killed_launcher_leaves_nothing_that_blocks_the_next_start(state):
    code = (
        "import sys, time; from pathlib import Path; from movierec.local.embedded_servers import running_servers\n"
        "with running_servers(Path(sys.argv[1])):\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    assert parent.stdout.readline() == "up\n"
    rows(state, "CREATE TABLE committed AS SELECT 8 AS number")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with embedded_servers.running_servers(state):
        assert rows(state, "SELECT number FROM committed") == [(8,)]


def test_a_pid_file_that_names_another_program_is_no_obstacle(state):
    """After a reboot, or in a new container, the number may be anybody's."""
    layout = embedded_servers.prepare_servers(state, embedded_servers.SERVERS, print, durable=False)
    (layout.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{layout.data_dir}\n1\n5432\n{layout.socket_dir}\n")
    with embedded_servers.running_servers(state, durable=False):
        assert rows(state, "SELECT 1") == [(1,)]


WRITER = "import sys\nwhile True:\n    print('x' * 99, flush=True)\n"


@pytest.mark.parametrize("can_copy", [True, False])
def test_a_log_is_bounded_while_its_process_writes(tmp_path, monkeypatch, can_copy):
    monkeypatch.setattr(log_rotation, "MAX_LOG_BYTES", 200_000)
    (tmp_path / "logs").mkdir()
    log, former = tmp_path / "logs" / "writer.log", tmp_path / "logs" / "writer.log.1"
    if not can_copy:
        former.mkdir()  # nothing can be written there, as on a full disk
    supervisor = Supervisor(tmp_path, say=lambda line: None)
    command = [sys.executable, "-c", WRITER]
    writer = Service("writer", lambda out: spawn(command, log=out, death_signal=signal.SIGKILL), 1, signal.SIGTERM, 5)
    supervisor.start(writer)
    emptied, size, deadline = 0, 0, time.monotonic() + 30
    while emptied < 3:
        assert time.monotonic() < deadline
        supervisor.tick()
        before, size = size, log.stat().st_size
        emptied += size < before
        assert size < 50_000_000
        time.sleep(0.01)
    supervisor.stop()

    assert writer.child is not None
    assert log.read_bytes().strip(b"x\n") == b""  # appended after it was emptied: no hole of zeros
    if can_copy:
        assert 0 < former.stat().st_size <= 200_000


def test_a_child_is_restarted_though_nothing_can_be_written(tmp_path):
    """As on a full disk: neither the pid file nor a log. The child runs on, and a line says what is wrong."""
    (tmp_path / "children.json").mkdir()  # where the pids are written
    (tmp_path / "logs").write_text("in the place of the folder")
    printed = []
    supervisor = Supervisor(tmp_path, printed.append)
    service = Service(
        "sleeper", lambda log: spawn(["sleep", "60"], log=log, death_signal=signal.SIGKILL), 0, signal.SIGTERM, 5
    )
    try:
        first = supervisor.start(service)
        first.kill()
        first.wait()
        deadline = time.monotonic() + 20
        while service.child is None or service.child.pid == first.pid:
            assert time.monotonic() < deadline
            supervisor.tick()
            time.sleep(0.05)
        assert service.child.poll() is None
        assert (tmp_path / SUPERVISOR_FILE).exists()
    finally:
        supervisor.stop()
    assert any("children.json cannot be written" in line for line in printed)
    assert any("the log of sleeper cannot be written" in line for line in printed)
    assert not (tmp_path / SUPERVISOR_FILE).exists(), "it ended in order"
