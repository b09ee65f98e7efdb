"""`./run`: one state folder's servers, its data made ready, then web, workers and beat, until a signal comes."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from infrastructure.addresses import Address, configured_address, wait_until_free
from movierec.local import embedded_servers, processes, server_paths
from movierec.local.embedded_servers import SetupError
from movierec.local.state_folder import (
    StateFolderLocked,
    create_state_folder,
    exclusive_lock,
    load_or_create_secrets,
)
from movierec.local.supervisor import Service, StopRequested, Supervisor

ROOT = Path(__file__).resolve().parents[2]
MAX_START_FAILURES = 5  # ends in a row of one process while the system starts
READY_TIMEOUT = 180.0
APPLICATION_STOP_ORDER = 9  # their floor, above the servers'
LIGHT_CONCURRENCY = 2  # tasks of a worker that is no trainer


# --- the processes --------------------------------------------------------------------------------------------------
def _server_service(server: embedded_servers.Server, place: server_paths.ServerLayout, floor: int) -> Service:
    return Service(server.name, lambda log: server.start(place, log), floor, server.stop_signal, server.stop_seconds)


def _application_service(name: str, words: Sequence[str], stop: int, seconds: float, on_death: int) -> Service:
    def start(log: IO[bytes]) -> processes.Child:
        return processes.spawn([sys.executable, "-m", *words], log=log, death_signal=on_death, cwd=ROOT)

    return Service(name, start, APPLICATION_STOP_ORDER, stop, seconds)


def application_services() -> list[Service]:
    """A worker's SIGQUIT also ends a task that takes hours; its job's lease runs out and the next start resumes it."""
    celery = ["celery", "-A", "movierec"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
    training = ["-Q", "training", "-c", "1", "--max-tasks-per-child", "1", "-n", "training@%h"]
    light = ["-Q", "light,batch", "-c", str(LIGHT_CONCURRENCY), "-n", "light@%h"]
    web = ["gunicorn", "-c", str(ROOT / "movierec" / "gunicorn.py"), "movierec.wsgi"]
    return [
        _application_service("web", web, signal.SIGTERM, 15, signal.SIGTERM),
        _application_service("worker", [*worker, *light], signal.SIGQUIT, 15, signal.SIGKILL),
        _application_service("trainer", [*worker, *training], signal.SIGQUIT, 15, signal.SIGKILL),
        _application_service("beat", [*celery, "beat", "--pidfile="], signal.SIGTERM, 5, signal.SIGTERM),
    ]


# --- the start ----------------------------------------------------------------------------------------------------
class Launcher:
    def __init__(self, state: Path, address: Address, say: Callable[[str], None]) -> None:
        self.state, self.address, self.say = state, address, say
        self.supervisor = Supervisor(state, say)

    def run(self, arguments: Sequence[str]) -> None:
        """Until a signal asks for the end. Raises ServerError; nothing is left running either way."""
        self.supervisor.watch_signals()
        try:
            if met := self.supervisor.pid_file.stop_orphans():
                self.say(f"ended what an earlier start left behind: {', '.join(met)}")
            wait_until_free(self.address, 5.0 if met else 0.0)
            self.start_servers()
            self.prepare_data(arguments)
            self.say("starting the web processes, which load the model")
            web, *others = application_services()
            self.supervisor.start(web)
            self.wait_until_ready()  # the workers' start would only make this wait longer
            for service in others:
                self.supervisor.start(service)
            self.print_welcome()
            while True:
                self.supervisor.pause(0.2)
                self.supervisor.tick()
        except StopRequested:
            self.say("stopping: web, workers and beat first, then the servers")
        finally:
            self.supervisor.stop()
            embedded_servers.remove_sockets(self.state)

    def start_servers(self) -> None:
        needed = embedded_servers.required_servers()
        if not needed:
            self.say("Postgres and Redis: those of DATABASE_URL and REDIS_URL")
            return
        place = embedded_servers.prepare_servers(self.state, needed, self.say)
        started = [self.supervisor.start(_server_service(server, place, floor)) for floor, server in enumerate(needed)]
        for server, child in zip(needed, started, strict=True):
            server.wait(place, child, self.supervisor.pause)
        self.say(f"{' and '.join(server.name for server in needed)} up (sockets in {place.socket_dir})")

    def prepare_data(self, arguments: Sequence[str]) -> None:
        """One process for tables, data, model and lists; its progress shows here."""
        command = [sys.executable, str(ROOT / "manage.py"), "prepare", *arguments]
        death = processes.die_with_parent(signal.SIGTERM)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=death)
        try:
            while child.poll() is None:
                self.supervisor.pause(0.05)
                self.supervisor.tick()
        finally:
            processes.stop(child, signal.SIGTERM, 5)
        if child.returncode:
            raise SetupError("The preparation failed; the lines above say why. What was done so far is kept.")

    def wait_until_ready(self) -> None:
        """Until the API answers that it can recommend. Raises ServerError when a process keeps ending."""
        until, answer = time.monotonic() + READY_TIMEOUT, ""
        while (answer := _probe_readiness(f"{self.address.url}/health/ready")) != "ready":
            self.supervisor.pause(0.2)
            self.supervisor.tick()
            for service in self.supervisor.services:
                if service.failures >= MAX_START_FAILURES:
                    log = self.state / "logs" / f"{service.name}.log"
                    raise SetupError(f"{service.name} ended {service.failures} times: see {log}.\n{_last_lines(log)}")
            if time.monotonic() > until:
                raise SetupError(f"The API was not ready after {READY_TIMEOUT:.0f} s: {answer}")

    def print_welcome(self) -> None:
        """What to do next, from what the preparation noted."""
        url, shown = self.address.url, json.loads((self.state / "welcome.json").read_text())
        password = shown["password"] or "MOVIEREC_ADMIN_PASSWORD of the first start, or the one set since"
        asked = f"What should someone watch after {', '.join(shown['titles'])}?\n  curl -s {url}/recommend"
        example = f"{asked} -H 'Content-Type: application/json' -d '{json.dumps(shown['request'])}'"
        closed = "Closed without a key:\n  ./run manage api_key create site --scope recommend:read"
        if not shown["films"]:
            closed = "No films yet. Your own, from JSONL or CSV (docs/api.md has the fields):\n"
            closed += "  ./run manage import_rows movies FILE"
        state = f"  model  {shown['model']}\n" if shown["model"] else ""
        text = f"""
movierec is ready.
  API    {url}/recommend
  docs   {url}/docs
  admin  {url}/admin/   user: {shown["admin"]}   password: {password}
  logs   {self.state / "logs"}
{state}
{example if shown["request"] else closed}

Ctrl-C stops everything."""
        with contextlib.suppress(OSError):  # nobody may be watching any more
            print(text, flush=True)


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by way of http_proxy


def _probe_readiness(url: str) -> str:
    try:
        # By the name that is always allowed, whatever the address is.
        request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310
        with _DIRECT.open(request, timeout=5) as answer:
            return "ready" if answer.status == 200 else f"{url} answered {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"


def _last_lines(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def launch(state: Path, arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """The whole life of one `./run`. Raises ServerError."""
    where = configured_address()
    create_state_folder(state)
    try:
        with exclusive_lock(state, f"movierec at {where.url}"):
            load_or_create_secrets(state)
            Launcher(state, where, say).run(arguments)
    except StateFolderLocked as holder:
        words = f"{state} is in use by {holder}"
        raise SetupError(f"{words}: stop that first, or start beside it with PORT and MOVIEREC_STATE.") from holder
