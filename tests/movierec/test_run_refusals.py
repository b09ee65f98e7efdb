"""`./run` before the installation: paths and options that cannot work are refused before anything is downloaded."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.launcher import ROOT, free_port

WORKS = ["a b", "x#1", "100%", "it's", "ü é", "-x", "a&b;c(d)*", "n" * 200]
REFUSED = ["a:b", 'a"b', "a$b", "a`b", "a\\b", "a\nb", "a\tb"]
SLOW = pytest.mark.slow  # a process each: of every kind one is tried always


def first_few(names: list[str], count: int) -> list[Any]:
    return [*names[:count], *(pytest.param(name, marks=SLOW) for name in names[count:])]


NOWHERE = "--data /nowhere.zip: there is no such file or folder."


def clone(folder: Path) -> Path:
    """Copy the part of a clone that runs before packages are installed."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "run", folder)
    shutil.copy2(ROOT / "requirements.txt", folder)
    for package in ("infrastructure", "movierec"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def refusal(folder: Path, *words: str, state: Path | str | None = None, **more: str) -> str:
    """Return the message of `./run WORDS` there, which ends with an error and installs nothing."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MOVIEREC_", "PORT"))}
    env |= {"PORT": str(free_port()), "MOVIEREC_STATE": str(state or folder / "var")} | more
    how: dict[str, Any] = {"cwd": folder, "env": env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    completed = subprocess.run(["./run", *words], timeout=20, **how)
    assert completed.returncode == 1, completed.stdout + completed.stderr
    assert "Traceback" not in completed.stderr
    assert not (folder / ".venv").exists()
    return completed.stderr.strip().splitlines()[-1].removeprefix("movierec: ")


@pytest.mark.parametrize("name", first_few(WORKS, 2))
def test_a_path_that_works(tmp_path, name):
    folder = clone(tmp_path / name)
    assert refusal(folder, "--data", "/nowhere.zip") == NOWHERE


@pytest.mark.parametrize("name", first_few(REFUSED, 1))
def test_a_path_that_cannot_work_is_refused_at_once(tmp_path, name):
    folder = clone(tmp_path / name)
    assert refusal(folder).endswith("move the clone to a plain path.")


@pytest.mark.parametrize("name", first_few(["a:b", *WORKS], 2))
def test_a_state_folder_that_works(tmp_path, name):
    folder = clone(tmp_path / "plain")
    assert refusal(folder, "--data", "/nowhere.zip", state=tmp_path / name / "state") == NOWHERE


@pytest.mark.parametrize(
    "name", [*(name for name in REFUSED if name != "a:b"), b"\xff".decode(errors="surrogateescape")]
)
def test_a_state_folder_that_cannot_work_is_refused_at_once(tmp_path, name):
    folder = clone(tmp_path / "plain")
    assert "another" in refusal(folder, state=tmp_path / name)


def test_a_path_too_long_for_a_program(tmp_path):
    folder = clone(tmp_path / "plain")
    assert "700 are the most" in refusal(folder, state="/tmp/" + "/".join(["long" * 40] * 6))


def test_a_clone_behind_a_symbolic_link(tmp_path):
    folder = clone(tmp_path / "a b")
    (tmp_path / "link").symlink_to(folder)
    assert refusal(tmp_path / "link", "--data", "/nowhere.zip") == NOWHERE
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "run").symlink_to(folder / "run")
    assert refusal(tmp_path / "bin", "--data", "/nowhere.zip") == NOWHERE


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--emtpy"], "./run knows no --emtpy: did you mean --empty?"),
        (["--dat=x"], "./run knows no --dat: did you mean --data?"),
        (["--data"], "./run: argument --data: expected one argument. ./run help lists the options."),
        (["--empty", "--data", "."], "--empty and --data exclude each other"),
        (["--people", "x.csv"], "--people goes with --data"),
        (["--data", "requirements.txt"], "--data requirements.txt is no zip, or is cut"),
        (["--data", "movierec"], "--data movierec is no MovieLens data set"),
        (["strat"], "there is no './run strat': did you mean './run start'?"),
    ],
)
def test_invalid_options_are_refused_before_the_installation(tmp_path, words, answer):
    assert refusal(clone(tmp_path / "plain"), *words).startswith(answer)


def test_an_invalid_port_is_refused_before_the_installation(tmp_path):
    assert refusal(clone(tmp_path / "plain"), PORT="http").startswith("PORT=http is no port")


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")
def test_a_clone_that_cannot_be_written(tmp_path):
    folder = clone(Path("/tmp") / f"movierec-closed-{os.getpid()}")
    folder.chmod(0o755)
    state = folder.with_suffix(".state")
    state.mkdir()
    os.chown(state, 65534, 65534)
    env = {"PATH": os.environ["PATH"], "MOVIEREC_STATE": str(state), "PORT": str(free_port())}
    how = {"user": 65534, "group": 65534, "extra_groups": [], "capture_output": True, "text": True, "timeout": 60}
    try:
        completed = subprocess.run(["./run"], cwd=folder, env=env, **how)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(state)
    assert completed.returncode == 1
    assert "cannot be written, and the packages are installed there" in completed.stderr


def test_clean_without_a_terminal_deletes_nothing(tmp_path):
    folder = clone(tmp_path / "plain")
    (folder / "var").mkdir()
    (folder / "var" / ".movierec").touch()
    assert refusal(folder, "clean").startswith("Nothing was deleted: there is no terminal to ask at. ./run clean --yes")
    assert (folder / "var").exists()
