"""`./run` reports a problem in one sentence, ends, and leaves nothing running."""

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


def error_message(completed: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence with which it ended."""
    assert completed.returncode == 1, completed.stdout
    lines = completed.stdout.strip().splitlines()
    assert "Traceback" not in completed.stdout
    assert lines[-1].startswith("movierec: "), completed.stdout
    return lines[-1].removeprefix("movierec: ")


def test_an_unknown_command_lists_the_commands(state):
    completed = run_to_end(state, "dance")
    assert error_message(completed) == "there is no './run dance'."
    assert "./run manage" in completed.stdout


def test_help_names_every_command(state):
    completed = run_to_end(state, "help")
    assert completed.returncode == 0
    assert all(
        f"./run {word}" in completed.stdout for word in ("test", "lint", "manage", "bench", "web", "clean", "help")
    )


def test_a_busy_port(state):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert error_message(run_to_end(state, port=port)).startswith(f"Port {port} is taken by another program")
    assert all_stopped(state)


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_an_invalid_port(state, port):
    assert error_message(run_to_end(state, port=port)).startswith(f"PORT={port} is no port")


@pytest.mark.parametrize(
    "setting",
    [
        "MOVIEREC_WEB_WORKERS=two",
        "MOVIEREC_WEB_THREADS=0",
        "DATABASE_URL=mysql://me:hush@db/x",
        "REDIS_URL=redis://h:hush@b:c",
    ],
)
def test_a_setting_that_would_stop_the_start_later_is_refused_first(state, setting):
    name, _, value = setting.partition("=")
    env = launcher_environment(state, free_port(), **{name: value})
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "timeout": 30}
    completed = subprocess.run([ROOT / "run", "--empty"], env=env, **how)
    assert error_message(completed).startswith(name)
    assert "hush" not in completed.stdout
    assert not (state / "postgres").exists()


def test_a_state_folder_that_cannot_be_written(state):
    (state / "file").touch()
    assert error_message(run_to_end(state / "file")).startswith(f"The state folder {state / 'file'} cannot be written")


@pytest.mark.parametrize("words", [[], ["manage", "check"]])
def test_a_shell_without_the_production_settings_is_refused(tmp_path, words):
    """It would start empty servers of its own beside the operator's."""
    shutil.copy(ROOT / "run", tmp_path)
    (tmp_path / "production.env").touch()
    completed = subprocess.run([tmp_path / "run", *words], capture_output=True, text=True)
    assert completed.returncode == 1
    assert "set -a; . ./production.env; set +a" in completed.stdout + completed.stderr
    assert not (tmp_path / ".venv").exists()


def test_missing_data_is_refused(state):
    assert (
        error_message(run_to_end(state, "--data", "/nowhere.zip"))
        == "--data /nowhere.zip: there is no such file or folder."
    )


def test_ctrl_c_before_anything_is_up(state, tmp_path):
    """While the modules are being read, by whatever Python it is."""
    (tmp_path / "zipfile.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    env = launcher_environment(state, free_port(), PYTHONPATH=str(tmp_path))
    completed = subprocess.run([ROOT / "run", "--empty"], env=env, text=True, timeout=60, stderr=subprocess.PIPE)
    assert (completed.returncode, completed.stderr) == (-signal.SIGINT, "")
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
    output, _ = child.communicate(timeout=60)
    assert "stopping" in output.splitlines()[-1], output
    assert "initdb" not in output
    assert child.returncode == 0
    assert all_stopped(state)


def test_a_second_start_on_one_state_folder(state):
    create_state_folder(state)
    with exclusive_lock(state, "movierec at http://127.0.0.1:8000"):
        message = error_message(run_to_end(state))
    assert message.startswith(f"{state} is in use by movierec at http://127.0.0.1:8000 (process {os.getpid()})")


def test_a_postgres_folder_that_movierec_did_not_make(state):
    (state / "postgres").mkdir()
    (state / "postgres" / "PG_VERSION").write_text("18\n")
    assert "movierec did not make it" in error_message(run_to_end(state))
    assert all_stopped(state)


def test_a_postgres_folder_of_another_version(state):
    layout = embedded_servers.prepare_servers(state, embedded_servers.SERVERS, print, durable=False)
    (layout.data_dir / "PG_VERSION").write_text("16\n")
    assert "was made by Postgres 16, and the installed one is 18" in error_message(run_to_end(state))


def test_servers_named_by_the_environment_replace_the_embedded_ones(state):
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    completed = subprocess.run(
        [ROOT / "run", "manage", "migrate", "--plan"],
        env=launcher_environment(state, free_port(), **urls),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert completed.stdout.startswith("Planned operations:")
    assert not (state / "postgres").exists()
    assert not server_paths.socket_dir(state).exists()


def test_concurrent_commands_share_the_servers(state):
    """The second uses what the first started, and the first waits with the stopping until the second is done."""
    code = (
        "from movierec.local.embedded_servers import POSTGRES; from movierec.local.server_paths import state_dir\n"
        "from movierec.local.state_folder import shared_servers\n"
        "with shared_servers(state_dir(), 'a command', lambda line: print(line, flush=True)):\n"
        "    print('up', flush=True); input(); print(POSTGRES.is_ready(state_dir()), flush=True)"
    )
    env = launcher_environment(state, free_port())
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT, "env": env, "text": True, "bufsize": 1}
    first, second = (subprocess.Popen([sys.executable, "-c", code], **how) for _ in "12")
    assert first.stdout.readline() + second.stdout.readline() == "up\nup\n"
    owner, guest = (first, second) if (state / "lock").read_text().endswith(f"{first.pid})") else (second, first)
    owner.stdin.write("\n")
    assert owner.stdout.readline() == "True\n"
    assert "waiting for them" in owner.stdout.readline()
    assert guest.communicate("\n", timeout=30)[0] == "True\n"
    assert owner.communicate(timeout=30)[0] == ""
    assert (owner.returncode, guest.returncode) == (0, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root's data moves out of a closed folder")
def test_root_keeps_its_data_outside_a_closed_state_folder(state):
    state.chmod(0o700)
    completed = run_to_end(state, "manage", "version")
    assert completed.returncode == 0, completed.stdout
    assert "the database lies in /var/lib/movierec/" in completed.stdout
    data = completed.stdout.partition("the database lies in ")[2].splitlines()[0]
    cleaned = run_to_end(state, "clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stdout
    assert f"deleted {data.removesuffix('/postgres')}" in cleaned.stdout
    assert not os.path.exists(data)
