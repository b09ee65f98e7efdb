"""What `./run` keeps alive: the embedded servers, and the processes of the application."""

import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

from movierec.local.embedded_servers import Server
from movierec.local.processes import Child, spawn
from movierec.local.server_paths import ServerLayout
from movierec.local.start_page import LISTEN_FD
from movierec.local.supervisor import Service

ROOT = Path(__file__).resolve().parents[2]
APPLICATION_STOP_ORDER = 9  # above the servers', which the applications need
LIGHT_CONCURRENCY = 2  # tasks at once of the worker for light and batch tasks


def server_service(server: Server, layout: ServerLayout, stop_order: int) -> Service:
    """Return the service that runs an embedded server."""
    return Service(
        server.name, lambda log: server.start(layout, log), stop_order, server.stop_signal, server.stop_seconds
    )


def application_services(listen_fd: int | None = None) -> list[Service]:
    """Return web, worker, trainer and beat, as `docker-compose.yml` has them too.

    A worker's SIGQUIT also ends a task that takes hours; its job's lease runs out and the next start resumes it.
    `listen_fd`: the open file of the port, for the web processes; None: they open it.
    """
    celery = ["celery", "-A", "movierec"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
    training = ["-Q", "training", "-c", "1", "--max-tasks-per-child", "1", "-n", "training@%h"]
    light = ["-Q", "light,batch", "-c", str(LIGHT_CONCURRENCY), "-n", "light@%h"]
    web = ["gunicorn", "-c", str(ROOT / "movierec" / "gunicorn.py"), "movierec.wsgi"]
    metrics = [str(ROOT / "manage.py"), "serve_metrics"]
    exporter = _application_service("metrics", metrics, signal.SIGTERM, 5, signal.SIGTERM)
    return [
        _application_service("web", web, signal.SIGTERM, 15, signal.SIGTERM, listen_fd),
        _application_service("worker", [*worker, *light], signal.SIGQUIT, 15, signal.SIGKILL),
        _application_service("trainer", [*worker, *training], signal.SIGQUIT, 15, signal.SIGKILL),
        _application_service("beat", [*celery, "beat", "--pidfile="], signal.SIGTERM, 5, signal.SIGTERM),
        *([exporter] if os.environ.get("MOVIEREC_METRICS_PORT", "0") not in ("", "0") else []),
    ]


def _application_service(
    name: str,
    arguments: list[str],
    stop_signal: int,
    stop_seconds: float,
    death_signal: int,
    listen_fd: int | None = None,
) -> Service:
    def start(log: IO[bytes]) -> Child:
        handed_on: dict[str, Any] = {}
        if listen_fd is not None:
            handed_on = {"pass_fds": (listen_fd,), "env": os.environ | {LISTEN_FD: str(listen_fd)}}
        module = [] if arguments[0].endswith(".py") else ["-m"]
        command = [sys.executable, *module, *arguments]
        return spawn(command, log=log, death_signal=death_signal, cwd=ROOT, **handed_on)

    return Service(name, start, APPLICATION_STOP_ORDER, stop_signal, stop_seconds)
