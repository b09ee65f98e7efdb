"""`./run` says in one sentence what is in its way, ends, and leaves nothing running."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from movierec.local import embedded_servers, server_paths
from movierec.local.state_folder import create_state_folder, exclusive_lock
from tests.support.launcher import ROOT, all_stopped, free_port, launcher_environment, run_to_end


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence with which it ended."""
    assert done.returncode == 1, done.stdout
    lines = done.stdout.strip().splitlines()
    assert "Traceback" not in done.stdout
    assert lines[-1].startswith("movierec: "), done.stdout
    return lines[-1].removeprefix("movierec: ")


def test_an_unknown_word_is_answered_with_the_words_there_are(state):
    done = run_to_end(state, "dance")
    assert complaint(done) == "there is no './run dance'."
    assert "./run manage" in done.stdout


def test_help_names_every_word(state):
    done = run_to_end(state, "help")
    assert done.returncode == 0
    assert all(f"./run {word}" in done.stdout for word in ("test", "lint", "manage", "bench", "clean", "help"))


def test_a_busy_port(state):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert complaint(run_to_end(state, port=port)).startswith(f"Port {port} is taken by another program")
    assert all_stopped(state)


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_port_that_is_none(state, port):
    assert complaint(run_to_end(state, port=port)).startswith(f"PORT={port} is no port")


@pytest.mark.parametrize(
    "setting",
    [
        "MOVIEREC_WEB_WORKERS=two",
        "MOVIEREC_WEB_THREADS=0",
        "DATABASE_URL=mysql://me:hush@db/x",
        "REDIS_URL=redis://h:hush@b:c",
    ],
)
def test_a_setting_that_would_stop_the_start_later(state, setting):
    name, _, value = setting.partition("=")
    env = launcher_environment(state, free_port(), **{name: value})
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "timeout": 30}
    done = subprocess.run([ROOT / "run", "--empty"], env=env, **how)
    assert complaint(done).startswith(name)
    assert "hush" not in done.stdout
    assert not (state / "postgres").exists()


def test_a_state_folder_that_cannot_be(state):
    (state / "file").touch()
    assert complaint(run_to_end(state / "file")).startswith(f"The state folder {state / 'file'} cannot be written")


@pytest.mark.parametrize("words", [[], ["manage", "check"]])
def test_a_shell_that_has_not_read_the_configuration(tmp_path, words):
    """It would start empty servers of its own beside the operator's."""
    shutil.copy(ROOT / "run", tmp_path)
    (tmp_path / "production.env").touch()
    done = subprocess.run([tmp_path / "run", *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert "set -a; . ./production.env; set +a" in done.stdout + done.stderr
    assert not (tmp_path / ".venv").exists()


def test_data_that_is_not_there(state):
    assert (
        complaint(run_to_end(state, "--data", "/nowhere.zip"))
        == "--data /nowhere.zip: there is no such file or folder."
    )


def test_ctrl_c_before_anything_is_up(state, tmp_path):
    """While the modules are being read, by whatever Python it is."""
    (tmp_path / "zipfile.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    env = launcher_environment(state, free_port(), PYTHONPATH=str(tmp_path))
    done = subprocess.run([ROOT / "run", "--empty"], env=env, text=True, timeout=60, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    assert all_stopped(state)


@pytest.mark.slow
def test_ctrl_c_while_the_database_is_made(state):
    """A terminal sends it to the whole group, to what we started too."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True}
    child = subprocess.Popen([ROOT / "run", "--empty"], env=launcher_environment(state, free_port()), text=True, **how)
    while not (state / "postgres.new" / "PG_VERSION").exists():
        assert child.poll() is None
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert "stopping" in said.splitlines()[-1], said
    assert "initdb" not in said
    assert child.returncode == 0
    assert all_stopped(state)


def test_a_second_start_on_one_state_folder(state):
    create_state_folder(state)
    with exclusive_lock(state, "movierec at http://127.0.0.1:8000"):
        words = complaint(run_to_end(state))
    assert words.startswith(f"{state} is in use by movierec at http://127.0.0.1:8000 (process {os.getpid()})")


def test_a_postgres_folder_of_somebody_else(state):
    (state / "postgres").mkdir()
    (state / "postgres" / "PG_VERSION").write_text("18\n")
    assert "movierec did not make it" in complaint(run_to_end(state))
    assert all_stopped(state)


def test_a_postgres_folder_of_another_version(state):
    place = embedded_servers.prepare_servers(state, embedded_servers.SERVERS, print, durable=False)
    (place.data_dir / "PG_VERSION").write_text("16\n")
    assert "was made by Postgres 16, and the installed one is 18" in complaint(run_to_end(state))


def test_servers_of_ones_own_are_used_in_place_of_ours(state):
    given = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [ROOT / "run", "manage", "migrate", "--plan"],
        env=launcher_environment(state, free_port(), **given),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout.startswith("Planned operations:")
    assert not (state / "postgres").exists()
    assert not server_paths.socket_dir(state).exists()


def test_commands_side_by_side_share_the_servers(state):
    """The second uses what the first started, and the first waits with the stopping until the second is done."""
    uses = (
        "from movierec.local.embedded_servers import POSTGRES; from movierec.local.server_paths import state_dir\n"
        "from movierec.local.state_folder import shared_servers\n"
        "with shared_servers(state_dir(), 'a command', lambda line: print(line, flush=True)):\n"
        "    print('up', flush=True); input(); print(POSTGRES.is_ready(state_dir()), flush=True)"
    )
    env = launcher_environment(state, free_port())
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT, "env": env, "text": True, "bufsize": 1}
    first, second = (subprocess.Popen([sys.executable, "-c", uses], **how) for _ in "12")
    assert first.stdout.readline() + second.stdout.readline() == "up\nup\n"
    owner, guest = (first, second) if (state / "lock").read_text().endswith(f"{first.pid})") else (second, first)
    owner.stdin.write("\n")
    assert owner.stdout.readline() == "True\n"
    assert "waiting for them" in owner.stdout.readline()
    assert guest.communicate("\n", timeout=30)[0] == "True\n"
    assert owner.communicate(timeout=30)[0] == ""
    assert (owner.returncode, guest.returncode) == (0, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root's data moves out of a closed folder")
def test_root_with_a_closed_state_folder(state):
    state.chmod(0o700)
    done = run_to_end(state, "manage", "version")
    assert done.returncode == 0, done.stdout
    assert "the database lies in /var/lib/movierec/" in done.stdout
    data = done.stdout.partition("the database lies in ")[2].splitlines()[0]
    cleaned = run_to_end(state, "clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stdout
    assert f"deleted {data.removesuffix('/postgres')}" in cleaned.stdout
    assert not os.path.exists(data)
