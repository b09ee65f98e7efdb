"""Run an isolated system for a benchmark: servers, tables and web processes as `./run` starts them, in a temporary
folder.

Django can be set up only after `isolated_system` has written the environment; so benchmarks import models, selectors
and services inside functions.
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infrastructure.addresses import configured_address
from movierec.local import embedded_servers, processes
from movierec.local.launcher import Launcher
from movierec.local.services import application_services
from movierec.local.state_folder import create_state_folder, load_or_create_secrets

ENVIRONMENT = {
    "MOVIEREC_BIND": "127.0.0.1",
    "MOVIEREC_API_OPEN": "1",
    "MOVIEREC_PRODUCTION": "0",
    "DJANGO_SETTINGS_MODULE": "movierec.settings",
}


class BenchmarkSystem(Launcher):
    """A launcher whose servers and tables are up; the benchmark loads its data and then calls `serve`."""

    def serve(self) -> None:
        """Start the web processes and wait until they can recommend. Raises `ServerError`."""
        web, *_ = application_services()
        self.web = self.supervisor.start(web)
        self.wait_until_ready()

    def restart_web(self) -> None:
        """Stop the web processes and start them anew, with nothing kept in memory. Raises `ServerError`."""
        web = next(service for service in self.supervisor.services if service.child is self.web)
        processes.stop(self.web, web.stop_signal, web.stop_seconds)
        self.web = self.supervisor.start(web)
        self.wait_until_ready()


@contextlib.contextmanager
def isolated_system(**settings: str) -> Iterator[BenchmarkSystem]:
    """Yield a new system, set Django up for it in this process, and remove everything afterwards. `settings` are added
    to the environment of both. Raises `ServerError`."""
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # as root, Postgres runs as another user, who must have access
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        os.environ |= ENVIRONMENT | settings | {"MOVIEREC_STATE": str(folder), "PORT": str(port)}
        for variable in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(variable, None)
        create_state_folder(folder)
        load_or_create_secrets(folder)
        system = BenchmarkSystem(folder, configured_address(), lambda line: print(line, flush=True))
        try:
            system.start_servers()
            _make_tables()
            yield system
        finally:
            system.supervisor.stop()
            embedded_servers.remove_sockets(folder)


def _make_tables() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
