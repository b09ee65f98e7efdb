"""A production start is refused when it is set up carelessly, and guessed logins are locked out.

That the setup of docs/operations.md is clean is tested in tests/test_operations.py.
"""

import os
import secrets
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from movierec.secret_strength import weakness
from tests.support.launcher import ROOT
from tests.support.movielens_pairs import write_movielens_pairs

LOGIN = "/admin/login/"


def check(**variables):
    """`manage.py check --deploy`, any warning a failure, as a production process would see it."""
    strong = {"MOVIEREC_SECRET_KEY": secrets.token_urlsafe(50), "MOVIEREC_ADMIN_PASSWORD": secrets.token_urlsafe(16)}
    rest = {"MOVIEREC_PRODUCTION": "1", "MOVIEREC_ALLOWED_HOSTS": "films.example", "MOVIEREC_API_OPEN": "0"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    completed = subprocess.run(
        command, cwd=ROOT, env=os.environ | strong | rest | variables, capture_output=True, text=True
    )
    return completed.returncode, completed.stdout + completed.stderr


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MOVIEREC_SECRET_KEY": "short"}, "strong MOVIEREC_SECRET_KEY: it has 5 characters"),
        ({"MOVIEREC_ADMIN_PASSWORD": "change-me-please"}, "strong MOVIEREC_ADMIN_PASSWORD: it has 'change-me'"),
        ({"MOVIEREC_RATE_READS": ""}, "MOVIEREC_RATE_READS= is no rate"),
        ({"DATABASE_URL": "mysql://films:q7@db.example/films"}, "DATABASE_URL is no URL that begins with postgres:"),
        ({"DATABASE_URL": "postgres://films:q7/x@db.example/films"}, "In a password write %40 for @, %2F for /"),
        ({"REDIS_URL": "redis://:q7#@cache.example"}, "REDIS_URL is no URL"),
        ({"REDIS_URL": "redis://cache.example/films"}, "REDIS_URL names its database by a number"),
        ({"MOVIEREC_LISTS_URL": "redis+sentinel://:q7@one,two"}, "MOVIEREC_LISTS_URL names no service"),
        ({"MOVIEREC_BROKER_URL": "redis+sentinel://one:x/films"}, "MOVIEREC_BROKER_URL names a host that is none"),
        ({"MOVIEREC_KEY_PREFIX": "a b"}, "MOVIEREC_KEY_PREFIX has letters, digits"),
        ({"DATABASE_URL": "postgres://films:q7@127.0.0.1:9/films"}, "Postgres does not answer: connection failed"),
        ({"REDIS_URL": "redis://:q7@127.0.0.1:9"}, "REDIS_URL says where it is."),
    ],
)
def test_a_careless_setup_is_refused(variables, message):
    code, output = check(**variables)
    assert code != 0
    assert message in output
    assert "Traceback" not in output
    assert "q7" not in output


def test_a_command_without_postgres_ends_in_two_lines():
    lost = os.environ | {"DATABASE_URL": "postgres://films:q7@127.0.0.1:9/films"}
    completed = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=lost, capture_output=True, text=True
    )
    assert completed.returncode == 1
    assert completed.stderr.startswith(
        'error: Postgres: connection failed: connection to server at "127.0.0.1", port 9'
    )
    assert completed.stderr.endswith("DATABASE_URL says where it is; --traceback shows who asked.\n")


@pytest.mark.parametrize("words", [["import_movielens"], ["nightly", "--resume"], ["status"], ["api_key", "list"]])
def test_a_command_on_a_database_without_tables_names_migrate(words, tmp_path):
    """`postgres`, the database that every server has, stands for a new one."""
    own = settings.DATABASES["default"]
    env = os.environ | {"DATABASE_URL": f"postgres://{own['USER']}@/{own['HOST']}/postgres"}
    more = [str(write_movielens_pairs(tmp_path / "films"))] if words == ["import_movielens"] else []
    words = [sys.executable, "manage.py", *words, *more]
    completed = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert completed.returncode != 0
    assert "Traceback" not in completed.stderr
    assert "`./run manage migrate`" in completed.stdout + completed.stderr


def test_weak_secrets():
    assert weakness("", 12).startswith("it has 0 characters")
    assert "different" in weakness("abababababab", 12)
    assert "'password'" in weakness("my-password-of-2026", 12)
    assert not any(weakness(secrets.token_urlsafe(50), 50) for _ in range(100))


def test_debug_pages_and_open_reads_are_refused_in_production(settings):
    settings.DEBUG = settings.PRODUCTION = settings.API_OPEN = True
    assert sorted(error.id for error in run_checks(tags=["security"])) == ["movierec.E001", "movierec.E003"]


def test_five_wrong_passwords_lock_the_login_for_a_while(db, caplog, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    get_user_model().objects.create_superuser("ed", password="the right one, 42")
    right, wrong = {"username": "ed", "password": "the right one, 42"}, {"username": "ed", "password": "a guess"}
    browser = Client()
    assert [browser.post(LOGIN, wrong).status_code for _ in range(5)] == [200] * 4 + [429]

    assert browser.post(LOGIN, right).status_code == 429
    assert "closed for one name and address" in caplog.text
    assert "ed" not in [word for record in caplog.records for word in record.getMessage().replace("'", " ").split()]
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    assert elsewhere.post(f"{LOGIN}?next=/admin/", right).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert browser.post(f"{LOGIN}?next=/admin/", right).status_code == 302


@pytest.mark.parametrize("behind", [1, 0])
def test_behind_a_proxy_the_guessing_address_alone_is_locked_out(db, settings, behind):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": behind}
    get_user_model().objects.create_superuser("ed", password="the right one, 42")
    right, wrong = {"username": "ed", "password": "the right one, 42"}, {"username": "ed", "password": "a guess"}
    guesser, editor = (Client(headers={"X-Forwarded-For": f"1.2.3.4, {one}"}) for one in ("10.0.0.6", "10.0.0.7"))

    assert [guesser.post(LOGIN, wrong).status_code for _ in range(5)][-1] == 429

    # Without a trusted proxy its header does not count: a client could make up a new address for each guess.
    assert editor.post(f"{LOGIN}?next=/admin/", right).status_code == (302 if behind else 429)
    odd = Client(headers={"X-Forwarded-For": "10.0.0.8:51234"})
    assert odd.post(LOGIN, wrong).status_code in (200, 429)


def test_a_login_on_the_login_page_leads_to_the_dashboard(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    get_user_model().objects.create_superuser("ed", password="the right one, 42")
    answer = Client().post(LOGIN, {"username": "ed", "password": "the right one, 42"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_a_form_of_another_site_is_refused(db):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(LOGIN, {"username": "ed", "password": "x"}).status_code == 403
