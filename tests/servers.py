"""Pytest plugin: a Postgres and a Valkey of the tests' own, up before pytest-django reads the settings.

Loaded by `-p tests.servers`; a conftest would come too late. `./run` on the same checkout is not disturbed.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from movierec import embedded

_cleanup = contextlib.ExitStack()
atexit.register(_cleanup.close)  # pytest calls no hook when it gives up on its own arguments


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    spread = getattr(early_config.known_args_namespace, "numprocesses", None)
    if spread and "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)  # the tests run in other processes, each with servers of its own
    state = Path(tempfile.mkdtemp(prefix="movierec-tests-", dir="/tmp"))
    _cleanup.callback(shutil.rmtree, state, ignore_errors=True)
    state.chmod(0o711)  # as root, Postgres runs as another user, who has to get in
    _cleanup.enter_context(embedded.running(state.resolve(), durable=False))
    os.environ |= {
        "MOVIEREC_STATE": str(state.resolve()),
        "DATABASE_URL": embedded.database_url(state.resolve()),
        "REDIS_URL": embedded.redis_url(state.resolve()),
        "MOVIEREC_API_OPEN": "0",
        # Several processes of the tests run torch at once: with a thread a core each they would wait for one another.
        "OMP_NUM_THREADS": "1",
    }
    return (yield)
