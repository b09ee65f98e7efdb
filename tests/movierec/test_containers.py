"""docker-compose.yml and the Dockerfile: every process, with commands, variables and files that exist."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from movierec.local.services import application_services
from tests.support.launcher import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OWN_SERVICES = sorted(name for name, service in COMPOSE["services"].items() if service["image"] == "movierec")


def check_command(arguments: list[str]) -> None:
    """Fail for a command line that its program would not understand."""
    assert arguments[0] == "python"
    if arguments[1] == "manage.py":
        assert arguments[2] in get_commands()
    elif arguments[2] == "gunicorn":
        check = [sys.executable, "-m", "gunicorn", "--check-config", *arguments[3:]]
        completed = subprocess.run(check, cwd=ROOT, env=os.environ | {"PORT": "0"}, capture_output=True, text=True)
        assert completed.returncode == 0, completed.stderr
    else:
        assert arguments[2:5] == ["celery", "-A", "movierec"]
        check_celery_command(arguments[5:])


def check_celery_command(arguments: list[str]) -> None:
    from celery.bin.celery import celery

    command = celery.commands[arguments[0]]
    command.make_context(arguments[0], arguments[1:], parent=None, obj=None, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    used = {word.partition("=")[0] for word in arguments[1:] if word.startswith("-")}
    assert used <= known


def test_compose_has_every_process_with_a_valid_command():
    assert set(OWN_SERVICES) == {"web", "worker", "trainer", "beat", "prepare"}
    for name in OWN_SERVICES:
        check_command([str(word) for word in COMPOSE["services"][name]["command"]])


def test_compose_serves_every_queue_and_checks_health():
    commands = [COMPOSE["services"][name]["command"] for name in OWN_SERVICES]
    queues = [command[command.index("-Q") + 1] for command in commands if "-Q" in command]
    assert sorted(",".join(queues).split(",")) == ["batch", "light", "training"]
    for name in ("postgres", "valkey", "web", "worker", "trainer"):
        assert COMPOSE["services"][name]["healthcheck"]["test"]


def test_compose_names_variables_that_the_code_reads_and_volumes_that_exist():
    code = "".join(file.read_text() for name in ("infrastructure", "movierec") for file in (ROOT / name).rglob("*.py"))
    for name in OWN_SERVICES:
        service = COMPOSE["services"][name]
        for variable, value in service["environment"].items():
            assert f'"{variable}"' in code or variable.startswith("AWS_"), variable
            secret = re.search("KEY|PASSWORD", variable)
            assert not secret or "${" in value, f"{variable} is written out"
        assert all(volume.split(":")[0] in COMPOSE["volumes"] for volume in service["volumes"])


def test_the_image_has_every_package_and_the_same_torch():
    lines = [shlex.split(line, comments=True) for line in (ROOT / "Dockerfile").read_text().splitlines()]
    copied = [words[1] for words in lines if words and words[0] == "COPY"]
    assert all((ROOT / source).exists() for source in copied)
    packages = {application.split(".")[0] for application in settings.INSTALLED_APPS}
    assert {name for name in packages if (ROOT / name).is_dir()} <= set(copied)
    pinned = re.search(r"^torch==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    for file in ("Dockerfile", "run"):
        assert f"torch=={pinned[1]}" in (ROOT / file).read_text()
    ignored = Path(ROOT / ".dockerignore").read_text().split()
    assert all(f"!{source}" in ignored for source in copied)


def test_every_requirement_is_pinned_to_one_version():
    versions: dict[str, set[str]] = {}
    for file in (
        "requirements.txt",
        "requirements-s3.txt",
        "requirements-kafka.txt",
        "requirements-tracing.txt",
        "requirements-dev.txt",
    ):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, version = line.split(" ")[0].rstrip(";").partition("==")
                assert version, line
                versions.setdefault(name.partition("[")[0], set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("service", [service.name for service in application_services()])
def test_run_and_compose_start_the_same_processes(service):
    assert service in COMPOSE["services"]
