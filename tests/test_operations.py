"""docs/operations.md: what it names exists, what it sets is safe, and nothing that is read is left out. Its commands,
addresses and links are looked at by test_docs."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from movierec.start import applications
from tests.movierec.system import ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text()
TABLE = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]+)`? \|", GUIDE, re.MULTILINE))
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SOURCES = [ROOT / "run", *(ROOT / "movierec").rglob("*.py"), *(ROOT / "recommender").rglob("*.py")]
SOURCE = "\n".join(path.read_text() for path in SOURCES)
READ = re.compile(r'(?:\benv(?:\.\w+)?|os\.environ\.get)\(\s*"([A-Z_]+)"(?:,\s*(?:default=)?([^)]*?))?\s*\)')
OWN = {"DJANGO_SETTINGS_MODULE"}  # not the operator's to set
NOT_LITERAL = {"generated", "embedded", "none", "found", "the package's", "all cores", "var/"}


def test_every_variable_that_is_read_is_told_with_its_default():
    found = dict(READ.findall(SOURCE)) | dict.fromkeys(re.findall(r"\$\{(MOVIEREC_\w+)", SOURCE), "")
    assert len(found) > 30
    assert set(found) - OWN <= set(TABLE)
    for name, default in found.items():
        told = TABLE.get(name, "none")
        plain = default.strip("\"'").replace("_", "")
        if told not in NOT_LITERAL and plain not in ("", "None"):
            assert told == {"False": "0", "True": "1"}.get(plain, plain), name


def test_every_variable_that_is_told_is_read():
    for name in set(TABLE) | set(re.findall(r"\b(MOVIEREC_[A-Z_]+)\b", GUIDE)):
        assert name in SOURCE + COMPOSE or name.startswith("OMP_"), name


@pytest.fixture
def production(tmp_path):
    """The environment of the guide's own production.env, written by the guide's own words."""
    block = next(block for block in BLOCKS if "> production.env" in block)
    subprocess.run(["/bin/sh", "-ec", block], cwd=tmp_path, check=True)
    file = tmp_path / "production.env"
    assert file.stat().st_mode & 0o777 == 0o600
    return os.environ | dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_the_instance_that_the_guide_sets_up_is_clean(production):
    words = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(words, cwd=ROOT, env=production, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


def units():
    for path in sorted((ROOT / "deploy" / "systemd").glob("movierec*.service")):
        unit = ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str
        unit.read(path)
        yield path.stem.removeprefix("movierec-"), unit["Service"]["ExecStart"].replace("%%h", "%h")


def test_units_and_containers_start_what_run_starts():
    started = dict(units())
    assert started.pop("movierec") == "/srv/movierec/run"
    assert set(started) == {service.name for service in applications()}
    for name, words in started.items():
        told = re.search(rf"^  {name}:\n(?:    .*\n)*?    command: \[(.*)\]", COMPOSE, re.MULTILINE)
        contained = [word.strip().strip('"') for word in re.split(r", (?![a-z]+\")", told[1])]
        assert shlex.split(words)[1:] == contained[1:], name


def test_what_docker_commands_name_is_there():
    services = set(re.findall(r"^  ([a-z]+):\n    (?:<<|image)", COMPOSE, re.MULTILINE))
    for line in re.findall(r"^docker compose (.*)$", GUIDE, re.MULTILINE):
        named = re.findall(r"\b(web|worker|trainer|beat|prepare|postgres|valkey)\b", line.split(" sh -c")[0])
        assert set(named) <= services, line
    assert services >= {"web", "worker", "trainer", "beat", "prepare"}


def test_files_that_it_names_are_there():
    for name in set(re.findall(r"`?(deploy/[\w./-]+\.service)", GUIDE)):
        assert (ROOT / name).exists(), name
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in GUIDE
    assert Path(ROOT / "README.md").read_text().count("docs/operations.md") >= 1
