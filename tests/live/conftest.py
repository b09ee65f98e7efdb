"""A running system for a module's tests: the cast and the tiny model, two web processes."""

import io
import os
import shutil
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
from tests.support.storefront import FLAGS, PosterServer, Visit
from tests.support.tiny_model import TINY_MODEL, VOCABULARY, clear_caches, create_invented_movies
from tests.support.workers import wait_until


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
    wait_until(lambda: maintenance.repair_versions()["published"], 30)


@pytest.fixture(scope="module")
def posters() -> Iterator[PosterServer]:
    """Run a server of posters, whose pictures the storefront may show."""
    server = PosterServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: Any, posters: PosterServer) -> Iterator[LiveServer]:
    """A system of the demo's films and some of its viewers, before its first model."""
    with django_db_blocker.unblock():
        clear_caches()
        call_command("load_demo", viewers=30, stdout=io.StringIO())
        _, key = ApiKey.objects.create_key(name="live", scopes=ApiKey.Scope.values)
        running = LiveServer(key, MOVIEREC_POSTER_ORIGINS=posters.url)
        yield running
        running.stop()
        call_command("flush", interactive=False, verbosity=0)
        clear_caches()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is of requirements-dev.txt")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(shop: LiveServer, transactional_db: None, browser: Any) -> Iterator[Any]:
    visits: list[Visit] = []

    def make(**options: Any) -> Visit:
        visits.append(Visit(browser, shop.url, **options))
        return visits[-1]

    yield make
    for one in visits:
        one.context.close()
