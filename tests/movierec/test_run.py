"""`./run` says in one sentence what is in its way, ends, and leaves nothing running."""

import os
import socket
import subprocess
import sys

import pytest

from movierec import embedded
from movierec.state import held, open_state
from tests.movierec.system import ROOT, free_port, nothing_runs, run, state

__all__ = ["state"]  # the fixture


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence with which it ended."""
    assert done.returncode == 1, done.stdout
    lines = done.stdout.strip().splitlines()
    assert "Traceback" not in done.stdout
    assert lines[-1].startswith("movierec: "), done.stdout
    return lines[-1].removeprefix("movierec: ")


def test_an_unknown_word_is_answered_with_the_words_there_are(state):
    done = run(state, "dance")
    assert complaint(done) == "there is no './run dance'."
    assert "./run manage" in done.stdout


def test_help_names_every_word(state):
    done = run(state, "help")
    assert done.returncode == 0
    assert all(f"./run {word}" in done.stdout for word in ("test", "lint", "manage", "bench", "clean", "help"))


def test_a_busy_port(state):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert complaint(run(state, port=port)).startswith(f"Port {port} is taken by another program")
    assert nothing_runs(state)


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_port_that_is_none(state, port):
    assert complaint(run(state, port=port)).startswith(f"PORT={port} is no port")


def test_data_that_is_not_there(state):
    assert complaint(run(state, "--data", "/nowhere.zip")) == "--data /nowhere.zip: there is no such file or folder."


def test_a_second_start_on_one_state_folder(state):
    open_state(state)
    with held(state, "movierec at http://127.0.0.1:8000"):
        words = complaint(run(state))
    assert words.startswith(f"{state} is in use by movierec at http://127.0.0.1:8000 (process {os.getpid()})")


def test_a_postgres_folder_of_somebody_else(state):
    (state / "postgres").mkdir()
    (state / "postgres" / "PG_VERSION").write_text("18\n")
    assert "movierec did not make it" in complaint(run(state))
    assert nothing_runs(state)


def test_a_postgres_folder_of_another_version(state):
    with embedded.running(state, servers=(), durable=False) as place:
        (place.data / "PG_VERSION").write_text("16\n")
    assert "was made by Postgres 16, and the installed one is 18" in complaint(run(state))


def test_an_open_api_is_refused_on_other_addresses(state):
    words = {"MOVIEREC_STATE": str(state), "MOVIEREC_API_OPEN": "1", "MOVIEREC_BIND": "0.0.0.0"}
    command = [sys.executable, ROOT / "manage.py", "check", "--tag", "security"]
    done = subprocess.run(command, env=os.environ | words, capture_output=True, text=True)
    assert done.returncode == 1
    assert "MOVIEREC_API_OPEN=1 serves reads without a key" in done.stderr


def test_production_passes_the_deployment_checks(state):
    words = {
        "MOVIEREC_PRODUCTION": "1",
        "MOVIEREC_SECRET_KEY": "correct-horse-7" * 4,
        "MOVIEREC_ALLOWED_HOSTS": "films.example",
    }
    command = [sys.executable, ROOT / "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, env=os.environ | words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_commands_side_by_side_share_the_servers(state):
    """The second uses what the first started, and the first waits with the stopping until the second is done."""
    asks = "from django.db import connection as c; c.ensure_connection(); "
    first = subprocess.Popen(
        [ROOT / "run", "manage", "shell", "-v0", "-c", asks + "print('up', flush=True); input()"],
        env=os.environ | {"MOVIEREC_STATE": str(state), "DATABASE_URL": "", "REDIS_URL": "", "PORT": str(free_port())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout
    assert first.stdout.readline() == "up\n"
    second = run(state, "manage", "shell", "-v0", "-c", asks + "print('also up')")
    assert second.stdout == "also up\n"
    first.communicate("\n", timeout=30)
    assert first.returncode == 0
    assert nothing_runs(state)


@pytest.mark.skipif(os.getuid() != 0, reason="only root's data moves out of a closed folder")
def test_root_with_a_closed_state_folder(state):
    state.chmod(0o700)
    done = run(state, "manage", "shell", "-v0", "-c", "from catalog.models import Movie; print(Movie._meta.db_table)")
    assert done.returncode == 0, done.stdout
    assert "the database lies in /var/lib/movierec/" in done.stdout
    data = done.stdout.partition("the database lies in ")[2].splitlines()[0]
    again = run(state, "manage", "check")
    assert data in again.stdout
    cleaned = run(state, "clean")
    assert cleaned.returncode == 0, cleaned.stdout
    assert f"deleted {data.removesuffix('/postgres')}" in cleaned.stdout
    assert not os.path.exists(data)
