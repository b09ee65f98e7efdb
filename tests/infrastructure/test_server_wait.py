"""Containers that start at the same moment: the preparation waits for its servers by itself."""

import os
import subprocess
import sys
import time

import pytest
import yaml

from movierec.local import embedded_servers, server_paths
from tests.support.launcher import ROOT, free_port, launcher_environment


def prepare(state, **urls):
    env = launcher_environment(state, free_port(), **urls)
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": env, "cwd": ROOT}
    return subprocess.Popen([sys.executable, "manage.py", "prepare", "--empty"], **how)


@pytest.mark.slow
def test_servers_that_come_up_later_are_waited_for(state):
    (state / "logs").mkdir()
    started = prepare(state, DATABASE_URL=server_paths.database_url(state), REDIS_URL=server_paths.redis_url(state))
    before = started.stdout.readline() + started.stdout.readline()
    assert "waiting up to 90 s for Postgres" in before
    time.sleep(3)
    with embedded_servers.running_servers(state, durable=False, say=lambda line: None):
        output, _ = started.communicate(timeout=200)
    assert started.returncode == 0, output
    assert "no model yet, 100 more events" in output


def test_a_lasting_refusal_ends_the_wait_early(state):
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + "/no_such_database"
    started = prepare(state, DATABASE_URL=url)
    output, _ = started.communicate(timeout=80)
    assert started.returncode == 1
    assert "Postgres cannot be reached" in output
    assert 'database "no_such_database" does not exist' in output
    assert "waiting up to 5 s" in output


def test_compose_checks_postgres_over_tcp():
    """Its temporary server, while it initialises, listens on the unix socket alone."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    check = services["postgres"]["healthcheck"]["test"]
    assert check[check.index("-h") + 1] == "127.0.0.1"
    assert services["prepare"]["restart"] == "on-failure"
