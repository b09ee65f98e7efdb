"""A clone and a state folder wherever people put them: it works, or is refused before anything is downloaded."""

import os
import shutil
import subprocess
import time
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
    """What of a clone is asked before the environment is there."""
    folder.mkdir(parents=True)
    shutil.copy2(ROOT / "run", folder)
    shutil.copy2(ROOT / "requirements.txt", folder)
    for package in ("infrastructure", "movierec"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def said(folder: Path, *words: str, state: Path | str | None = None, **more: str) -> str:
    """Of `./run WORDS` there; it ends at once, with an error, and installs nothing."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MOVIEREC_", "PORT"))}
    env |= {"PORT": str(free_port()), "MOVIEREC_STATE": str(state or folder / "var")} | more
    began = time.monotonic()
    how: dict[str, Any] = {"cwd": folder, "env": env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(["./run", *words], timeout=60, **how)
    assert time.monotonic() - began < 20
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / ".venv").exists()
    return done.stderr.strip().splitlines()[-1].removeprefix("movierec: ")


@pytest.mark.parametrize("name", first_few(WORKS, 2))
def test_a_path_that_works(tmp_path, name):
    folder = clone(tmp_path / name)
    assert said(folder, "--data", "/nowhere.zip") == NOWHERE


@pytest.mark.parametrize("name", first_few(REFUSED, 1))
def test_a_path_that_cannot_work_is_refused_at_once(tmp_path, name):
    folder = clone(tmp_path / name)
    assert said(folder).endswith("move the clone to a plain path.")


@pytest.mark.parametrize("name", first_few(["a:b", *WORKS], 2))
def test_a_state_folder_that_works(tmp_path, name):
    folder = clone(tmp_path / "plain")
    assert said(folder, "--data", "/nowhere.zip", state=tmp_path / name / "state") == NOWHERE


@pytest.mark.parametrize(
    "name", [*(name for name in REFUSED if name != "a:b"), b"\xff".decode(errors="surrogateescape")]
)
def test_a_state_folder_that_cannot_work_is_refused_at_once(tmp_path, name):
    folder = clone(tmp_path / "plain")
    assert "another" in said(folder, state=tmp_path / name)


def test_a_path_longer_than_a_program_takes(tmp_path):
    folder = clone(tmp_path / "plain")
    assert "700 are the most" in said(folder, state="/tmp/" + "/".join(["long" * 40] * 6))


def test_a_clone_behind_a_link(tmp_path):
    folder = clone(tmp_path / "a b")
    (tmp_path / "link").symlink_to(folder)
    assert said(tmp_path / "link", "--data", "/nowhere.zip") == NOWHERE
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "run").symlink_to(folder / "run")
    assert said(tmp_path / "bin", "--data", "/nowhere.zip") == NOWHERE


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
def test_words_that_mean_nothing_are_refused_before_the_installation(tmp_path, words, answer):
    assert said(clone(tmp_path / "plain"), *words).startswith(answer)


def test_a_port_that_is_none_is_refused_before_the_installation(tmp_path):
    assert said(clone(tmp_path / "plain"), PORT="http").startswith("PORT=http is no port")


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
        done = subprocess.run(["./run"], cwd=folder, env=env, **how)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(state)
    assert done.returncode == 1
    assert "cannot be written, and the packages are installed there" in done.stderr


def test_clean_without_a_terminal_deletes_nothing(tmp_path):
    folder = clone(tmp_path / "plain")
    (folder / "var").mkdir()
    (folder / "var" / ".movierec").touch()
    assert said(folder, "clean").startswith("Nothing was deleted: there is no terminal to ask at. ./run clean --yes")
    assert (folder / "var").exists()
