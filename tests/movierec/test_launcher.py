"""The launcher's parts by themselves: children, the state folder, options, and what a start prints."""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from infrastructure.addresses import Address
from infrastructure.errors import SetupError
from movierec.local import launcher as launcher_module
from movierec.local.arguments import prepare_arguments
from movierec.local.launcher import Launcher
from movierec.local.processes import PidFile, spawn, stop
from movierec.local.state_folder import (
    StateFolderLocked,
    create_state_folder,
    delete_state,
    exclusive_lock,
    load_or_create_secrets,
)
from movierec.local.supervisor import Service, StopRequested, Supervisor
from tests.support.launcher import ROOT, free_port

# Ends on SIGTERM, after it has written its name to a file.
ENDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[2], "a").write(sys.argv[1]), sys.exit()))
print("ready", flush=True)
time.sleep(60)
"""
IGNORES = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def start_child(code, *arguments):
    """Start a Python child and wait until its signal handlers are there."""
    child = spawn(
        [sys.executable, "-c", code, *map(str, arguments)], log=subprocess.PIPE, death_signal=signal.SIGKILL, cwd=ROOT
    )
    assert child.stdout.readline() == b"ready\n"
    return child


def launcher(state, say=lambda line: None):
    (state / "logs").mkdir(exist_ok=True)
    return Launcher(state, Address("127.0.0.1", free_port()), say)


# --- children -------------------------------------------------------------------------------------------------------
def test_a_child_that_ignores_its_signal_is_killed():
    child = start_child(IGNORES)
    stop(child, signal.SIGTERM, 0.2)
    assert child.returncode == -signal.SIGKILL


def test_what_a_former_parent_left_running_is_ended(tmp_path):
    child = start_child(IGNORES)
    PidFile(tmp_path / "children.json").record("web", child.pid)
    assert PidFile(tmp_path / "children.json").stop_orphans(timeout=0.2) == ["web"]
    assert child.wait(10) == -signal.SIGKILL


def test_another_process_with_a_recorded_number_is_left_alone(tmp_path):
    (tmp_path / "children.json").write_text(json.dumps({"web": [os.getpid(), "another start of the machine"]}))
    assert PidFile(tmp_path / "children.json").stop_orphans(timeout=0) == []


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_missing_or_cut_pid_file_names_no_child(tmp_path, content):
    if content is not None:
        (tmp_path / "children.json").write_text(content)
    assert PidFile(tmp_path / "children.json").stop_orphans() == []


def test_services_are_stopped_from_the_top(tmp_path):
    supervisor = Supervisor(tmp_path, say=print)
    (tmp_path / "logs").mkdir()
    for order, name in enumerate(("servers ", "applications ")):
        child = start_child(ENDS, name, tmp_path / "ended")
        supervisor.start(Service(name, lambda log, child=child: child, order, signal.SIGTERM, 10))
    supervisor.stop()
    assert (tmp_path / "ended").read_text() == "applications servers "


def test_a_service_that_does_not_stop_is_killed_and_named(tmp_path):
    printed = []
    supervisor = Supervisor(tmp_path, printed.append)
    (tmp_path / "logs").mkdir()
    child = start_child(IGNORES)
    supervisor.start(Service("web", lambda log: child, 0, signal.SIGTERM, 0.2))
    supervisor.stop()
    assert child.returncode == -signal.SIGKILL
    assert printed == ["web did not stop in time and was killed"]


def test_a_service_that_keeps_ending_is_restarted_later_each_time(tmp_path):
    printed = []
    supervisor = Supervisor(tmp_path, printed.append)
    (tmp_path / "logs").mkdir()
    service = Service("web", lambda log: spawn(["false"], log=log, death_signal=signal.SIGKILL), 0, signal.SIGTERM, 1)
    supervisor.start(service)
    while service.failures < 3:
        supervisor.tick()
        service.restart_at = 0.0  # not waited for: the printed delays are what counts
        time.sleep(0.01)
    supervisor.stop()
    assert [line.rpartition(" in ")[2] for line in printed] == ["0.25 s", "0.5 s", "1 s"]


def test_a_signal_ends_a_pause(tmp_path):
    supervisor = Supervisor(tmp_path, say=print)
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        supervisor.watch_signals()
        supervisor.pause(0)
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(StopRequested):
            supervisor.pause(0.01)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


# --- the state folder -----------------------------------------------------------------------------------------------
def test_a_locked_state_folder_names_its_holder(tmp_path):
    with exclusive_lock(tmp_path, "movierec at http://127.0.0.1:8000"):
        with pytest.raises(StateFolderLocked) as refused, exclusive_lock(tmp_path, "another"):
            pass
        assert str(refused.value) == f"movierec at http://127.0.0.1:8000 (process {os.getpid()})"
    with exclusive_lock(tmp_path, "another"):
        assert (tmp_path / "lock").read_text() == f"another (process {os.getpid()})"


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path):
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(load_or_create_secrets, [tmp_path] * 4))
    assert len({json.dumps(secrets, sort_keys=True) for secrets in made}) == 1
    assert len(made[0]["secret_key"]) >= 50
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_only_a_folder_that_movierec_made_is_deleted(tmp_path):
    state, other = tmp_path / "state", tmp_path / "other"
    assert delete_state(state) == []
    create_state_folder(state)
    with (
        exclusive_lock(state, "movierec"),
        pytest.raises(SetupError, match=r"is in use by movierec .* Stop that first"),
    ):
        delete_state(state)
    assert delete_state(state) == [state]
    assert not state.exists()

    other.mkdir()
    (other / "thesis.txt").touch()
    create_state_folder(other)
    with pytest.raises(SetupError, match="was not empty before"):
        delete_state(other)
    assert (other / "thesis.txt").exists()


# --- options --------------------------------------------------------------------------------------------------------
def test_data_sets_as_folder_and_zip(tmp_path, monkeypatch):
    folder, archive = tmp_path / "ml-small", tmp_path / "ml-small.zip"
    folder.mkdir()
    (folder / "movies.csv").touch()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("ml-small/movies.dat", "")
    people = tmp_path / "people.csv"
    people.touch()
    monkeypatch.chdir(tmp_path)

    assert prepare_arguments([]) == []
    assert prepare_arguments(["--empty"]) == ["--empty"]
    assert prepare_arguments(["--data", "ml-small"]) == ["--data", str(folder)]
    assert prepare_arguments(["--data", str(archive), "--people", "people.csv"]) == [
        "--data",
        str(archive),
        "--people",
        str(people),
    ]


def test_a_folder_of_people_is_refused(tmp_path):
    (tmp_path / "movies.csv").touch()
    with pytest.raises(SetupError, match="is a folder: name the CSV file"):
        prepare_arguments(["--data", str(tmp_path), "--people", str(tmp_path)])


# --- the start ------------------------------------------------------------------------------------------------------
def test_a_process_that_keeps_ending_stops_the_start_with_the_end_of_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(launcher_module, "MAX_START_FAILURES", 2)
    starting = launcher(tmp_path)
    command = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    web = Service("web", lambda log: spawn(command, log=log, death_signal=signal.SIGKILL), 0, signal.SIGTERM, 1)
    starting.supervisor.start(web)
    with pytest.raises(SetupError, match=r"web ended 2 times: see .*web\.log\.\nno such setting") as refused:
        starting.wait_until_ready()
    starting.supervisor.stop()
    assert str(tmp_path / "logs" / "web.log") in str(refused.value)


def test_an_api_that_does_not_answer_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(launcher_module, "READY_TIMEOUT", 0.1)
    with pytest.raises(SetupError, match=r"was not ready after 0 s: http://127\.0\.0\.1:.*refused"):
        launcher(tmp_path).wait_until_ready()


def test_a_failed_preparation_stops_the_start(tmp_path):
    with pytest.raises(SetupError, match="preparation failed"):
        launcher(tmp_path).prepare_data(["--no-such-option"])


@pytest.mark.parametrize(
    ("request_body", "movies", "example"),
    [
        ({"history": ["1"]}, True, "curl -s {url}/recommend -H 'Content-Type: application/json' -d '{{\"history\": "),
        (None, True, "Reads need a key:\n  ./run manage api_key create site --scope recommend:read"),
        (None, False, "No films yet."),
    ],
)  # fmt: skip
def test_the_welcome_ends_with_what_to_do_next(tmp_path, capsys, request_body, movies, example):
    ready = launcher(tmp_path)
    welcome = {
        "request": request_body,
        "films": movies,
        "model": "",
        "titles": ["Heat"],
        "admin": "admin",
        "password": "",
    }
    (tmp_path / "welcome.json").write_text(json.dumps(welcome))
    ready.print_welcome()
    printed = capsys.readouterr().out
    assert example.format(url=ready.address.url) in printed
    assert f"admin  {ready.address.url}/admin/   user: admin   password: MOVIEREC_ADMIN_PASSWORD" in printed
    assert printed.endswith("Ctrl-C stops everything.\n")


def test_a_terminal_that_is_gone_does_not_stop_the_start(tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    welcome = {"request": None, "films": True, "model": "", "titles": [], "admin": "admin", "password": "x"}
    (tmp_path / "welcome.json").write_text(json.dumps(welcome))
    monkeypatch.setattr(sys, "stdout", Gone())
    launcher(tmp_path).print_welcome()
