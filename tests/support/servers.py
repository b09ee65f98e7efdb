"""Pytest plugin: a Postgres and a Valkey of the tests' own, started before pytest-django reads the settings.

Loaded by `-p tests.support.servers`; a conftest would come too late. `./run` on the same checkout is not disturbed.
"""

import atexit
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from movierec.local import embedded_servers, server_paths
from movierec.local.server_paths import ServerLayout


class TestedServer:
    """Hold a server of this process's tests, which a test may stop, start and freeze."""

    def __init__(self, server: embedded_servers.Server) -> None:
        self.server = server
        self.is_running = False
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start the server unless it runs."""
        if not self.is_running:
            running = embedded_servers.running_servers(
                self.state_dir, servers=[self.server], durable=False, say=lambda line: None
            )
            self.place: ServerLayout = self._running.enter_context(running)
            self.is_running = True

    def stop(self) -> None:
        """Stop the server."""
        self._running.close()
        self.is_running = False

    @contextlib.contextmanager
    def freeze(self) -> Iterator[None]:
        """Stop every process of the server (SIGSTOP) while the block runs (Linux)."""
        pids = self.process_ids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def process_ids(self) -> list[int]:
        """Return the process ids, the parent's first."""
        if self.server is embedded_servers.VALKEY:
            import redis

            with redis.Redis.from_url(server_paths.redis_url(self.state_dir)) as client:
                return [client.info("server")["process_id"]]
        parent = int((self.place.data_dir / "postmaster.pid").read_text().split()[0])
        return [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]

    @property
    def state_dir(self) -> Path:
        """Return the state folder of the tests."""
        return Path(os.environ["MOVIEREC_STATE"])


POSTGRES, VALKEY = TestedServer(embedded_servers.POSTGRES), TestedServer(embedded_servers.VALKEY)

_cleanup = contextlib.ExitStack()
atexit.register(_cleanup.close)  # pytest calls no hook when it gives up on its own arguments


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    spread = getattr(early_config.known_args_namespace, "numprocesses", None)
    if spread and "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)  # the tests run in other processes, each with servers of its own
    state = Path(tempfile.mkdtemp(prefix="movierec-tests-", dir="/tmp")).resolve()
    _cleanup.callback(shutil.rmtree, state, ignore_errors=True)
    state.chmod(0o711)  # as root, Postgres runs as another user, who has to get in
    os.environ |= {
        "MOVIEREC_STATE": str(state),
        "DATABASE_URL": server_paths.database_url(state),
        "REDIS_URL": server_paths.redis_url(state),
        "MOVIEREC_API_OPEN": "0",
        # Several processes of the tests run torch at once: with a thread a core each they would wait for one another.
        "OMP_NUM_THREADS": "1",
    }
    for part in (POSTGRES, VALKEY):
        part.start()
        _cleanup.callback(part.stop)
    return (yield)
