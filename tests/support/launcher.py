"""Pytest plugin: `./run` in processes of its own, on a state folder and a port of its own."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from movierec.local import server_paths
from movierec.local.state_folder import delete_state

ROOT = Path(__file__).resolve().parents[2]
GENRES = ("Action", "Comedy", "Drama", "Sci-Fi")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launcher_environment(state: Path, port: int, **more: str) -> dict[str, str]:
    """Return an environment without the test run's own servers; lists of the demo are not drawn by chance."""
    own = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORT", "PYTHONPATH")
    inherited = {k: v for k, v in os.environ.items() if k not in own and not k.startswith("MOVIEREC_")}
    fixed = {"MOVIEREC_STATE": str(state), "PORT": str(port), "MOVIEREC_EXPLORATION_SHARE": "0"}
    return inherited | fixed | more


def run_to_end(state: Path, *words: str, port: int | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `./run WORDS` to its end; standard error is part of the output."""
    env = launcher_environment(state, port or free_port())
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | more
    return subprocess.run([ROOT / "run", *words], env=env, text=True, timeout=120, **streams)


def processes_of(state: Path) -> list[str]:
    """Return the command lines of the processes that belong to a state folder (Linux)."""
    marks = [os.fsencode(f"MOVIEREC_STATE={state}\0"), os.fsencode(server_paths.socket_dir(state))]
    command_lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, env = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if int(folder.name) != os.getpid() and any(mark in command + env for mark in marks) and command:
            command_lines.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return command_lines


def all_stopped(state: Path, seconds: float = 10.0) -> bool:
    """Return whether all processes of a state folder end within so many seconds."""
    until = time.monotonic() + seconds
    while processes_of(state) and time.monotonic() < until:
        time.sleep(0.1)
    return not processes_of(state)


@pytest.fixture
def state() -> Iterator[Path]:
    """Return an empty state folder; everything in it is gone afterwards."""
    yield from temporary_state()


def temporary_state(mode: int = 0o711) -> Iterator[Path]:
    """Yield a folder that the servers' user can enter (pytest's own may be closed), and delete it with its servers."""
    folder = Path(tempfile.mkdtemp(prefix="movierec-test-", dir="/tmp")).resolve()
    folder.chmod(mode)
    try:
        yield folder
    finally:
        assert all_stopped(folder), processes_of(folder)
        if (folder / ".movierec").exists():
            delete_state(folder)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(server_paths.socket_dir(folder), ignore_errors=True)


class RunningSystem:
    """Run `./run` until it is stopped."""

    def __init__(self, state: Path, *words: str, **more: Any) -> None:
        self.state, self.port = state, free_port()
        self.output = state.with_suffix(".out")
        self.url = f"http://127.0.0.1:{self.port}"
        with self.output.open("wb") as out:
            options: dict[str, Any] = {
                "env": launcher_environment(state, self.port),
                "stdout": out,
                "stderr": subprocess.STDOUT,
            }
            options |= {"stdin": subprocess.DEVNULL, "start_new_session": True} | more
            self.process = subprocess.Popen([str(ROOT / "run"), *words], **options)

    def __enter__(self) -> "RunningSystem":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def output_text(self) -> str:
        """Return everything printed so far."""
        return self.output.read_text(errors="replace")

    def wait_for_output(self, text: str, seconds: float = 150.0) -> str:
        """Wait until a text is printed; return all output."""
        until = time.monotonic() + seconds
        while text not in self.output_text():
            assert self.process.poll() is None, f"./run ended with {self.process.returncode}:\n{self.output_text()}"
            assert time.monotonic() < until, f"no {text!r} within {seconds} s:\n{self.output_text()}"
            time.sleep(0.1)
        return self.output_text()

    def children(self) -> dict[str, int]:
        """Return the process id of each child by its name."""
        noted = json.loads((self.state / "children.json").read_text())
        return {name: pid for name, (pid, _) in noted.items()}

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body; status 0 if there is no answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until a list can be served."""
        until = time.monotonic() + seconds
        while (answer := self.get("/health/ready"))[0] != 200:
            assert time.monotonic() < until, f"{answer}\n{self.output_text()}"
            time.sleep(0.1)

    def send_welcome_request(self) -> dict[str, Any]:
        """Run the curl line of the welcome as it is printed; return the answer."""
        line = re.search(r"^  (curl .*)$", self.output_text(), re.MULTILINE)
        assert line, self.output_text()
        answer = subprocess.run(["/bin/sh", "-c", line[1]], capture_output=True, text=True, timeout=30)
        return dict(json.loads(answer.stdout))

    def stop(self, number: int = signal.SIGINT, seconds: float = 60.0) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self.output.unlink(missing_ok=True)
        return code


def write_movielens_genres(folder: Path, films: int = 60, viewers: int = 90, watches: int = 24) -> Path:
    """Write a small MovieLens folder: each viewer stays with one genre and watches its movies in order."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(5)
    titles = [f'{film},"Film {film} ({1960 + film})",{GENRES[film % len(GENRES)]}' for film in range(1, films + 1)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *titles]) + "\n")
    (folder / "links.csv").write_text(
        "\n".join(["movieId,imdbId,tmdbId", *(f"{f},{f:07},{f}" for f in range(1, films + 1))]) + "\n"
    )
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,1,slow,1500000000\n")
    rows = ["userId,movieId,rating,timestamp"]
    for viewer in range(1, viewers + 1):
        own = [film for film in range(1, films + 1) if film % len(GENRES) == viewer % len(GENRES)]
        rest = chance.sample([film for film in range(1, films + 1) if film not in own], max(0, watches - len(own)))
        for step, film in enumerate([*own, *rest]):
            rows.append(f"{viewer},{film},{chance.choice((3.0, 3.5, 4.0, 5.0))},{1_500_000_000 + viewer * 1000 + step}")
    (folder / "ratings.csv").write_text("\n".join(rows) + "\n")
    return folder
