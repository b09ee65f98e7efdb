"""A running system for a module's tests: the cast and the tiny model, two web processes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections

from recommender import maintenance, registry
from recommender.models import ApiKey
from tests.support import servers
from tests.support.cast import create_cast
from tests.support.live_server import LiveServer
from tests.support.tiny_model import TINY_MODEL, VOCABULARY, clear_caches, create_invented_movies


@pytest.fixture(scope="module")
def system(django_db_setup: None, django_db_blocker: Any, model_folder: Path) -> Iterator[LiveServer]:
    """Run web processes for a module, whose tests leave every part running and the tiny model active."""
    with django_db_blocker.unblock():
        clear_caches()
        create_cast()
        create_invented_movies()
        registry.register(model_folder, preset="basic", movies=len(VOCABULARY))
        registry.activate(TINY_MODEL, "for the tests")
        _, key = ApiKey.objects.create_key(name="live", scopes=ApiKey.Scope.values)
        running = LiveServer(key)
        yield running
        running.stop()
        restart_servers()
        call_command("flush", interactive=False, verbosity=0)
        clear_caches()


@pytest.fixture
def transactional_db(system: LiveServer) -> None:
    """Replace pytest-django's fixture, so that the rows of the module stay until its end."""


@pytest.fixture
def live(transactional_db: None, system: LiveServer) -> Iterator[LiveServer]:
    """Return the running system; restart afterwards what the test stopped."""
    yield system
    restart_servers()


def restart_servers() -> None:
    """Start Postgres and Valkey if they are down, connect again and repair Redis."""
    for server in (servers.POSTGRES, servers.VALKEY):
        server.start()
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    maintenance.repair_versions()
