"""The whole system from `./run`, on a small data set: killed processes, signals, restarts, another user."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.launcher import (
    ROOT,
    RunningSystem,
    all_stopped,
    free_port,
    launcher_environment,
    run_to_end,
    temporary_state,
    write_movielens_genres,
)

pytestmark = pytest.mark.slow
OTHER_USER = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(scope="module")
def state():
    yield from temporary_state()


@pytest.fixture(scope="module")
def data():
    folder = Path(tempfile.mkdtemp(prefix="movierec-data-", dir="/tmp"))
    folder.chmod(0o755)
    yield write_movielens_genres(folder / "ml-small")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def system(state, data):
    with RunningSystem(state, "--data", str(data)) as running:
        running.wait_for_output("Ctrl-C stops everything")
        yield running


def kill(system, name):
    """Kill a process and wait until the supervisor has started another."""
    pid = system.children()[name]
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while system.children()[name] == pid:
        assert time.monotonic() < until, system.output_text()
        time.sleep(0.1)


def test_the_suggested_request_is_answered_by_the_model(system):
    answer = system.send_welcome_request()
    assert answer["source"] == "model"
    assert len(answer["recommendations"]) == 10
    assert answer["user_id"] is None, "no viewer of real data is shown"


def test_lists_are_ready_before_the_first_request(system):
    status, body = system.get("/recommend?user_id=7&top_k=5")
    assert status == 200
    assert '"source":"cache"' in body.replace(" ", "")
    assert "home pages" not in system.output_text(), "they are made when they are asked for: nobody waits for them"


def test_docs_and_admin_are_where_the_welcome_says(system):
    assert system.get("/docs")[0] == 200
    assert "password" in system.get("/admin/")[1]


def test_a_second_start_names_the_first(system, state):
    completed = run_to_end(state)
    assert completed.returncode == 1
    assert f"is in use by movierec at {system.url}" in completed.stdout


def test_a_command_uses_the_running_servers(system, state):
    completed = run_to_end(
        state, "manage", "shell", "-v0", "-c", "from catalog.models import Movie; print(Movie.objects.count())"
    )
    assert completed.stdout == "60\n"


@pytest.mark.parametrize("name", ["web", "worker", "trainer", "beat", "valkey", "postgres"])
def test_a_killed_process_comes_back_and_recommending_goes_on(system, name):
    kill(system, name)
    system.wait_ready()
    until = time.monotonic() + 10  # each web process finds out for itself that Postgres is back
    while (answer := system.get("/recommend?user_id=9&top_k=5"))[0] != 200:
        assert time.monotonic() < until, answer
        time.sleep(0.1)


def test_the_start_after_a_killed_launcher(system, state, data):
    """Nothing of the first blocks the second, which finds the data and the model and takes seconds."""
    system.process.kill()
    system.process.wait()
    with RunningSystem(state, "--data", str(data)) as second:
        text = second.wait_for_output("Ctrl-C stops everything")
        assert "is loaded already" in text
        assert "training" not in text
        assert second.send_welcome_request()["source"] == "model"
        assert second.stop() == 0
    assert all_stopped(state, seconds=2)


def test_a_signal_while_it_prepares(state):
    shutil.rmtree(state / "models")  # so that it trains again
    with RunningSystem(state) as running:
        running.wait_for_output("training the model")
        assert running.stop(signal.SIGTERM, seconds=30) == 0
    assert all_stopped(state, seconds=2)


def test_broken_data_ends_the_start(data):
    for folder in temporary_state():
        broken = folder.with_suffix(".data")
        shutil.copytree(data, broken)
        (broken / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,99,1\n")
        completed = run_to_end(folder, "--data", str(broken))
        shutil.rmtree(broken)
        assert completed.returncode == 1
        assert "ratings.csv" in completed.stdout
        assert all_stopped(folder)


def python_of_all_users():
    """Return a Python that any user can start, or None."""
    for name in ("/usr/bin/python3", "/usr/local/bin/python3"):
        asks = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
        if Path(name).exists() and not subprocess.run([name, "-c", asks], capture_output=True).returncode:
            return name
    return None


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")
@pytest.mark.skipif(python_of_all_users() is None, reason="no Python 3.11 with ensurepip that other users can start")
def test_another_user_with_a_closed_home(data):
    """A clone in a 0700 home, from nothing: the environment is made there, and all runs as that user."""
    home = Path(tempfile.mkdtemp(prefix="movierec-home-", dir="/tmp"))
    clone, state = home / "movierec", home / "state"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    subprocess.run(["chown", "-R", f"{OTHER_USER}:{OTHER_USER}", home], check=True)
    home.chmod(0o700)
    named = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "MOVIEREC_PYTHON": str(python_of_all_users())}
    env = launcher_environment(state, free_port()) | named
    how = {"user": OTHER_USER, "group": OTHER_USER, "extra_groups": [], "cwd": home, "env": env, "text": True}
    try:
        completed = subprocess.run([clone / "run", "manage", "check"], capture_output=True, timeout=400, **how)
        assert completed.returncode == 0, completed.stdout + completed.stderr
        assert (state / "postgres").stat().st_uid == OTHER_USER
        assert all_stopped(state)
    finally:
        shutil.rmtree(home)
