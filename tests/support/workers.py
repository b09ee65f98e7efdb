"""Pytest plugin: a real Celery worker on the test's own database, and viewers whose order a model learns in seconds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from django.conf import settings
from django.db import connection

from catalog.models import Movie, WatchEvent
from catalog.services import NewEvent, record_events
from movierec.local.processes import stop

ROOT = Path(__file__).parents[2]
RING = list(range(9001, 9025))  # movies that every viewer watches in this order, beginning anywhere
RING_VIEWERS = range(1, 151)
WATCHES_EACH = 10


def worker_environment() -> dict[str, str]:
    """Return the environment of a process that works on the test's database."""
    url = settings.DATABASES["default"]
    own = f"postgres://{url['USER']}@/{url['HOST']}/{connection.settings_dict['NAME']}"
    # One thread each: on a busy machine the threads of one small product wait for each other most of the time.
    return os.environ | {"DJANGO_SETTINGS_MODULE": "movierec.settings", "DATABASE_URL": own, "OMP_NUM_THREADS": "1"}


def start_worker(
    include: str = "",
    output: IO[bytes] | None = None,
    queues: str = "light,batch,training",
    **more_environment: str,
) -> subprocess.Popen[bytes]:
    """Start a worker with one child. `include`: a module that it loads beside the tasks."""
    command = ["-m", "celery", "-A", "movierec", "worker", "-Q", queues, "-c", "1"]
    more = ["--max-tasks-per-child", "1", "--without-gossip", "--without-mingle", "-l", "INFO"]
    more += ["-I", include] if include else []
    environment, errors = worker_environment() | more_environment, subprocess.STDOUT if output else None
    return subprocess.Popen(
        [sys.executable, *command, *more],
        env=environment,
        cwd=ROOT,
        start_new_session=True,
        stdout=output,
        stderr=errors,
    )


@pytest.fixture
def worker(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    """Return a worker of all queues."""
    process = start_worker()
    yield process
    # As the supervisor does. Celery's race: once in some hundred stops a child that is forked while the worker stops
    # gets no signal, and its parent waits for it for ever.
    stop(process, signal.SIGQUIT, 15)


@pytest.fixture
def ring(transactional_db: None) -> None:
    """Store viewers of whom only the order says what comes next: every movie is equally popular."""
    Movie.objects.bulk_create(Movie(id=film, title=f"Part {n}", year=1950 + n) for n, film in enumerate(RING, start=1))
    rng, evening = np.random.default_rng(7), datetime(2024, 1, 1, 20, tzinfo=UTC)
    record_events(
        [
            NewEvent(viewer, RING[(first + n) % len(RING)], WatchEvent.Kind.WATCH, evening + timedelta(days=n))
            for viewer, first in zip(
                RING_VIEWERS, rng.integers(len(RING), size=len(RING_VIEWERS)).tolist(), strict=True
            )
            for n in range(WATCHES_EACH)
        ]
    )


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
