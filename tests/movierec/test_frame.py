"""The frame's promises: rooms, imports, containers."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import get_commands
from django.db import connection

from movierec import settings as frame
from movierec.celery import app
from movierec.local.services import application_services
from tests.support.launcher import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = sorted(name for name, service in COMPOSE["services"].items() if service["image"] == "movierec")


def test_the_tests_run_on_real_servers(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_setting('TimeZone')")
        version, zone = cursor.fetchone()
    assert version.startswith("PostgreSQL 18")
    assert zone == "UTC"


def test_the_rules_between_the_rooms_are_kept():
    done = subprocess.run([sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
                          cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_web_half_loads_no_torch_and_no_tables():
    """Addresses, admin, tasks: all that a request or a beat touches until a model is needed, or a data set loaded."""
    asks = (
        "import sys, django; django.setup()\n"
        "from django.urls import get_resolver; from movierec.celery import app\n"
        "len(get_resolver().reverse_dict); app.loader.import_default_modules()\n"
        "print([name for name in ('torch', 'polars') if name in sys.modules])"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"}
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_browsers_question_for_the_icon_is_answered(client):
    assert client.get("/favicon.ico").headers["Content-Type"] == "image/x-icon"


def test_every_scheduled_task_exists_and_has_a_worker():
    app.loader.import_default_modules()
    served = {"light", "batch", "training"}
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {app.conf.task_default_queue} == served


@pytest.mark.parametrize(
    ("url", "broker", "last"),
    [
        ("redis://:pw@films:6379/4", "redis://:pw@films:6379/4", "redis://:pw@films:6379/6"),
        ("rediss://films", "rediss://films/0", "rediss://films/2"),
        ("unix:///a/b.sock?db=1", "redis+socket:///a/b.sock?virtual_host=1", "unix:///a/b.sock?db=3"),
    ],
)
def test_three_databases_from_the_one_that_redis_url_names(monkeypatch, url, broker, last):
    monkeypatch.setattr(frame, "REDIS_URL", url)
    assert frame._redis_url(0, broker=True) == broker
    assert frame._redis_url(2) == last


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BIND", "0.0.0.0", "MOVIEREC_BIND=0.0.0.0"),
        ("ALLOWED_HOSTS", ["localhost", "films.example.com"], "MOVIEREC_ALLOWED_HOSTS=films.example.com"),
        ("CSRF_TRUSTED_ORIGINS", ["https://films.example.com"], "MOVIEREC_TRUSTED_ORIGINS=https://films.example.com"),
        ("BEHIND_PROXY", True, "MOVIEREC_BEHIND_PROXY=1"),
    ],
)
def test_an_open_api_is_refused_where_others_reach_the_site(settings, name, value, told):
    settings.API_OPEN, settings.ALLOWED_HOSTS = True, ["localhost", "127.0.0.1", "[::1]"]
    assert run_checks(tags=["security"]) == []
    setattr(settings, name, value)
    [error] = run_checks(tags=["security"])
    assert error.id == "movierec.E002"
    assert told in error.msg
    settings.API_OPEN = False
    assert run_checks(tags=["security"]) == []


@pytest.mark.parametrize(
    ("variables", "opened", "words"),
    [
        ({}, "1", ""),
        ({"MOVIEREC_ALLOWED_HOSTS": "localhost,127.0.0.1"}, "1", ""),
        ({"MOVIEREC_BIND": "::1"}, "1", ""),
        ({"MOVIEREC_ALLOWED_HOSTS": "films.example.com"}, "0", "as MOVIEREC_ALLOWED_HOSTS=films.example.com says"),
        ({"MOVIEREC_BEHIND_PROXY": "1"}, "0", "as MOVIEREC_BEHIND_PROXY=1 says"),
        ({"MOVIEREC_BIND": "0.0.0.0"}, "0", "as MOVIEREC_BIND=0.0.0.0 says"),
        ({"MOVIEREC_PRODUCTION": "1"}, "0", ""),
    ],
)
def test_run_opens_reads_on_this_machine_alone(monkeypatch, capsys, variables, opened, words):
    from movierec.local.environment import set_open_api

    for name in ("API_OPEN", "ALLOWED_HOSTS", "TRUSTED_ORIGINS", "BEHIND_PROXY", "BIND", "PRODUCTION"):
        monkeypatch.delenv(f"MOVIEREC_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MOVIEREC_API_OPEN", "")
    monkeypatch.delenv("MOVIEREC_API_OPEN")

    set_open_api(print)

    assert os.environ["MOVIEREC_API_OPEN"] == opened
    told = capsys.readouterr().out
    assert words in told
    assert bool(told) == bool(words)


# --- containers ---------------------------------------------------------------------------------------------------
def check_command(words: list[str]) -> None:
    """That a command line of ours would be understood. Raises what its program says against it."""
    assert words[0] == "python"
    if words[1] == "manage.py":
        assert words[2] in get_commands()
    elif words[2] == "gunicorn":
        check = [sys.executable, "-m", "gunicorn", "--check-config", *words[3:]]
        done = subprocess.run(check, cwd=ROOT, env=os.environ | {"PORT": "0"}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:
        assert words[2:5] == ["celery", "-A", "movierec"]
        check_celery(words[5:])


def check_celery(words: list[str]) -> None:
    from celery.bin.celery import celery

    command = celery.commands[words[0]]
    command.make_context(words[0], words[1:], parent=None, obj=None, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    used = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    assert used <= known


def test_compose_has_every_process_with_a_known_command():
    assert set(OURS) == {"web", "worker", "trainer", "beat", "prepare"}
    for name in OURS:
        check_command([str(word) for word in COMPOSE["services"][name]["command"]])


def test_compose_serves_every_queue_and_checks_health():
    queues = [words[words.index("-Q") + 1] for name in OURS if "-Q" in (words := COMPOSE["services"][name]["command"])]
    assert sorted(",".join(queues).split(",")) == ["batch", "light", "training"]
    for name in ("postgres", "valkey", "web", "worker", "trainer"):
        assert COMPOSE["services"][name]["healthcheck"]["test"]


def test_compose_names_only_variables_that_are_read_and_volumes_that_exist():
    code = "".join(file.read_text() for name in ("infrastructure", "movierec") for file in (ROOT / name).rglob("*.py"))
    for name in OURS:
        service = COMPOSE["services"][name]
        for variable, value in service["environment"].items():
            assert f'"{variable}"' in code or variable.startswith("AWS_"), variable
            secret = re.search("KEY|PASSWORD", variable)
            assert not secret or "${" in value, f"{variable} is written out"
        assert all(volume.split(":")[0] in COMPOSE["volumes"] for volume in service["volumes"])


def test_the_image_has_what_the_code_needs():
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


def test_every_requirement_is_pinned_once():
    names = []
    for file in ("requirements.txt", "requirements-s3.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, _, version = line.split(" ")[0].rstrip(";").partition("==")
                assert version, line
                names.append(name.partition("[")[0])
    assert len(names) == len(set(names))


@pytest.mark.parametrize("service", [service.name for service in application_services()])
def test_run_and_compose_start_the_same_processes(service):
    assert service in COMPOSE["services"]
