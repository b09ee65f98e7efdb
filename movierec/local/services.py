"""What `./run` keeps alive: the embedded servers, and the processes of the application."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from movierec.local.embedded_servers import Server
from movierec.local.processes import Child, spawn
from movierec.local.server_paths import ServerLayout
from movierec.local.supervisor import Service

ROOT = Path(__file__).resolve().parents[2]
APPLICATION_STOP_ORDER = 9  # above the servers', which the applications need
NO_FILES: Mapping[str, int] = {}
LIGHT_CONCURRENCY = 2  # tasks at once of the worker for light and batch tasks


def server_service(server: Server, layout: ServerLayout, stop_order: int) -> Service:
    """Return the service that runs an embedded server."""
    return Service(
        server.name, lambda log: server.start(layout, log), stop_order, server.stop_signal, server.stop_seconds
    )


def application_services(open_files: Mapping[str, int] = NO_FILES) -> list[Service]:
    """Return web, worker, trainer and beat, as `docker-compose.yml` has them too.

    A worker's SIGQUIT also ends a task that takes hours; its job's lease runs out and the next start resumes it.
    `open_files`: of the web processes, by the variable that names the file to them (LISTEN_FD, WAIT_FD).
    """
    celery = ["celery", "-A", "movierec"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
    training = ["-Q", "training", "-c", "1", "--max-tasks-per-child", "1", "-n", "training@%h"]
    light = ["-Q", "light,batch", "-c", str(LIGHT_CONCURRENCY), "-n", "light@%h"]
    web = ["gunicorn", "-c", str(ROOT / "movierec" / "gunicorn.py"), "movierec.wsgi"]
    metrics = [str(ROOT / "manage.py"), "serve_metrics"]
    exporter = _application_service("metrics", metrics, signal.SIGTERM, 5, signal.SIGTERM)
    return [
        _application_service("web", web, signal.SIGTERM, 15, signal.SIGTERM, open_files),
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
    open_files: Mapping[str, int] = NO_FILES,
) -> Service:
    def start(log: IO[bytes]) -> Child:
        module = [] if arguments[0].endswith(".py") else ["-m"]
        return spawn(
            [sys.executable, *module, *arguments],
            log=log,
            death_signal=death_signal,
            cwd=ROOT,
            pass_fds=tuple(open_files.values()),
            env=os.environ | {name: str(fd) for name, fd in open_files.items()},
        )

    return Service(name, start, APPLICATION_STOP_ORDER, stop_signal, stop_seconds)
