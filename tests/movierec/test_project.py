"""The project: its settings, import rules, scheduled tasks and system checks."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from movierec.celery import app
from movierec.local.environment import set_open_api
from tests.support.launcher import ROOT


def test_the_tests_run_on_real_servers(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_setting('TimeZone')")
        version, zone = cursor.fetchone()
    assert version.startswith("PostgreSQL 18")
    assert zone == "UTC"


def test_the_import_rules_hold():
    completed = subprocess.run([sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
                          cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert completed.returncode == 0, completed.stdout


def test_no_page_of_the_admin_relies_on_what_the_next_django_changes():
    code = (
        "import warnings, django; from django.utils.deprecation import RemovedInDjango60Warning as gone\n"
        "warnings.simplefilter('error', gone); django.setup()\n"
        "from django.contrib import admin; from django.core.checks import run_checks\n"
        "from django.contrib.auth.models import User; from django.test import RequestFactory\n"
        "request = RequestFactory().get('/'); request.user = User(is_superuser=True)\n"
        "run_checks(); pages = admin.site._registry.values()\n"
        "print(len([page.get_form(request) for page in pages if page.has_add_permission(request)]))"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"}
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (completed.returncode, int(completed.stdout or 0) > 5) == (0, True), completed.stderr


def test_web_processes_and_beat_load_no_torch_and_no_polars():
    """URLs, admin and tasks are all that they load until a model is needed, or a data set is loaded."""
    code = (
        "import sys, django; django.setup()\n"
        "from django.urls import get_resolver; from movierec.celery import app\n"
        "len(get_resolver().reverse_dict); app.loader.import_default_modules()\n"
        "print([name for name in ('torch', 'polars') if name in sys.modules])"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"}
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert completed.stdout.strip() == "[]", completed.stdout + completed.stderr


def test_gunicorn_loads_the_modules_of_its_processes_before_the_fork_and_starts_no_thread():
    """A process that is forked has the thread alone that forked it, and none of what others held."""
    code = (
        "import os, sys, django; from pathlib import Path; from movierec import gunicorn\n"
        "os.environ.update(entry.split('=') for entry in gunicorn.raw_env)\n"
        "gunicorn.on_starting(None); loaded = set(sys.modules)\n"
        "print(len(list(Path('/proc/self/task').iterdir())), {'torch', 'recommender.api.recommend'} <= loaded)\n"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"}
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert completed.stdout.splitlines()[-1:] == ["1 True"], completed.stdout + completed.stderr


def test_the_favicon_is_served(client):
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
        (
            "redis+sentinel://:pw@one:26379,[::1]:5,two/Films/1?sentinel_password=hush",
            "sentinel://:pw@one:26379/1;sentinel://:pw@[::1]:5/1;sentinel://:pw@two:26379/1",
            "redis://:pw@Films/3#one+::1+two",
        ),
    ],
)
def test_redis_url_names_the_first_of_three_databases(url, broker, last):
    code = "from django.conf import settings; print(settings.CELERY_BROKER_URL, settings.CACHES['lists']['LOCATION'])"
    assert _printed(code, REDIS_URL=url) == f"{broker} {last}"


def test_each_use_of_redis_may_have_a_url_of_its_own():
    code = (
        "from django.conf import settings; caches = settings.CACHES; "
        "print(settings.CELERY_BROKER_URL, *(caches[name]['LOCATION'] for name in ('default', 'lists', 'counters')))"
    )
    urls = {"REDIS_URL": "redis://one/4", "MOVIEREC_BROKER_URL": "redis://two/1"}
    assert _printed(code, **urls) == "redis://two/1 redis://one/5 redis://one/6 redis://one/6"
    urls |= {"MOVIEREC_LISTS_URL": "redis://three", "MOVIEREC_COUNTERS_URL": "redis://four"}
    assert _printed(code, **urls) == "redis://two/1 redis://three/0 redis://three/0 redis://four/0"


def test_a_cluster_has_lists_alone_and_nothing_else_may_name_one():
    code = (
        "from django.conf import settings; caches = settings.CACHES; from recommender.cache import keys; "
        "print(settings.CELERY_BROKER_URL, *(caches[name]['LOCATION'] for name in ('default', 'lists', 'counters')), "
        "settings.LISTS_REDIS.nodes, keys.list_key('m', 7), keys.version_key(7), keys.MODEL)"
    )
    lists = "redis+cluster://:pw@three,[::1]:7001/0"
    one, nodes = "redis://one/4", "(('three', 6379), ('::1', 7001))"
    expected = f"{one} redis://one/5 redis://:pw@three:6379/0 redis://one/6 {nodes}"
    tagged = "viewer:{7}:list:m viewer:{7}:version {all}:model"
    assert _printed(code, REDIS_URL=one, MOVIEREC_LISTS_URL=lists) == f"{expected} {tagged}"
    assert "viewer:7:list:m viewer:7:version model" in _printed(code, REDIS_URL=one)
    for wrong in ({"REDIS_URL": lists}, {"MOVIEREC_BROKER_URL": lists}, {"MOVIEREC_LISTS_URL": f"{lists}1"}):
        with pytest.raises(subprocess.CalledProcessError) as error:
            _printed(code, **wrong)
        assert next(iter(wrong)) in error.value.stderr
        assert "pw@" not in error.value.stderr


def _printed(code, **environment):
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"} | environment
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BIND", "0.0.0.0", "MOVIEREC_BIND=0.0.0.0"),
        ("ALLOWED_HOSTS", ["localhost", "films.example.com"], "MOVIEREC_ALLOWED_HOSTS=films.example.com"),
        ("CSRF_TRUSTED_ORIGINS", ["https://films.example.com"], "MOVIEREC_TRUSTED_ORIGINS=https://films.example.com"),
        ("BEHIND_PROXY", True, "MOVIEREC_BEHIND_PROXY=1"),
    ],
)
def test_an_open_api_is_refused_where_others_reach_the_site(settings, name, value, reason):
    settings.API_OPEN, settings.ALLOWED_HOSTS = True, ["localhost", "127.0.0.1", "[::1]"]
    assert run_checks(tags=["security"]) == []
    setattr(settings, name, value)
    [error] = run_checks(tags=["security"])
    assert error.id == "movierec.E002"
    assert reason in error.msg
    settings.API_OPEN = False
    assert run_checks(tags=["security"]) == []


@pytest.mark.parametrize(
    ("variables", "opened", "message"),
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
def test_run_opens_reads_where_only_this_machine_reaches_the_site(monkeypatch, capsys, variables, opened, message):
    for name in ("API_OPEN", "ALLOWED_HOSTS", "TRUSTED_ORIGINS", "BEHIND_PROXY", "BIND", "PRODUCTION"):
        monkeypatch.delenv(f"MOVIEREC_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MOVIEREC_API_OPEN", "")
    monkeypatch.delenv("MOVIEREC_API_OPEN")

    set_open_api(print)

    assert os.environ["MOVIEREC_API_OPEN"] == opened
    printed = capsys.readouterr().out
    assert message in printed
    assert bool(printed) == bool(message)
