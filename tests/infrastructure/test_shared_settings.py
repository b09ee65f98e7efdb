"""Settings that machines must have alike: one that differs is named, with where it is from, and no value is told."""

import logging
import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from infrastructure import shared_settings
from recommender.monitoring import server_checks
from tests.support.launcher import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def another_machine():
    """Connect as a machine with another secret and another country does; it has nothing else of a process."""
    code = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS']['application_name'])"
    own = {"MOVIEREC_SECRET_KEY": "another secret, of another machine", "MOVIEREC_COUNTRY": "de"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings"} | own,
        capture_output=True,
        text=True,
        check=True,
    )
    server = connection.settings_dict
    where = {"host": server["HOST"], "user": server["USER"], "dbname": server["NAME"]}
    with psycopg.connect(**where, application_name=done.stdout.strip()) as connected:
        yield connected


def test_settings_that_are_alike_are_no_difference():
    assert shared_settings.find_differences() == {}
    assert server_checks.check_shared_settings().value == "alike"


def test_a_difference_is_named_in_log_health_and_check(another_machine, caplog):
    differences = shared_settings.find_differences()
    here = "the machine of Postgres"
    # The secret of the tests' own process is made anew by each.
    assert differences == {"MOVIEREC_SECRET_KEY": [here], "MOVIEREC_COUNTRY": [here]}
    check = server_checks.check_shared_settings()
    assert (check.status, check.value) == ("warn", "differ")
    assert f"MOVIEREC_COUNTRY is another one at {here}" in check.detail
    [warning] = [one for one in run_checks(tags=["servers"], include_deployment_checks=True) if "differ" in one.msg]
    assert (warning.id, "MOVIEREC_SECRET_KEY" in warning.msg) == ("movierec.W001", True)
    with caplog.at_level(logging.WARNING):
        shared_settings.log_differences()
    assert "Settings differ between machines: MOVIEREC_SECRET_KEY" in caplog.text
    assert "another secret" not in caplog.text


def test_a_machine_that_left_differs_no_more(another_machine):
    another_machine.close()
    assert shared_settings.find_differences() == {}


def test_the_name_fits_and_tells_no_value():
    name = settings.DATABASES["default"]["OPTIONS"]["application_name"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW application_name")
        assert cursor.fetchone() == (name,)
    assert len(name) < 64
    assert settings.SECRET_KEY not in name
