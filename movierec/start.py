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

from movierec import embedded, places, processes
from movierec.address import Address, address, check_free
from movierec.embedded import ServerError
from movierec.state import Held, held, open_state, our_secrets
from movierec.supervisor import Service, Stopped, Supervisor

ROOT = Path(__file__).resolve().parent.parent
GIVE_UP = 5  # ends in a row of one process while the system starts
READY_SECONDS = 180.0
APPLICATIONS = 9  # their floor, above the servers'
AT_ONCE = 2  # tasks of a worker that is no trainer


# --- the processes --------------------------------------------------------------------------------------------------
def _server(server: embedded.Server, place: places.Place, floor: int) -> Service:
    return Service(server.name, lambda log: server.start(place, log), floor, server.stop_signal, server.stop_seconds)


def _application(name: str, words: Sequence[str], stop: int, seconds: float, on_death: int) -> Service:
    def start(log: IO[bytes]) -> processes.Child:
        return processes.spawn([sys.executable, "-m", *words], log=log, on_death=on_death, cwd=ROOT)

    return Service(name, start, APPLICATIONS, stop, seconds)


def applications() -> list[Service]:
    """A worker's SIGQUIT also ends a task that takes hours; its job's lease runs out and the next start resumes it."""
    celery = ["celery", "-A", "movierec"]
    worker = [*celery, "worker", "--without-gossip", "--without-mingle"]
    training = ["-Q", "training", "-c", "1", "--max-tasks-per-child", "1", "-n", "training@%h"]
    light = ["-Q", "light,batch", "-c", str(AT_ONCE), "-n", "light@%h"]
    web = ["gunicorn", "-c", str(ROOT / "movierec" / "gunicorn.py"), "movierec.wsgi"]
    return [
        _application("web", web, signal.SIGTERM, 15, signal.SIGTERM),
        _application("worker", [*worker, *light], signal.SIGQUIT, 15, signal.SIGKILL),
        _application("trainer", [*worker, *training], signal.SIGQUIT, 15, signal.SIGKILL),
        _application("beat", [*celery, "beat", "--pidfile="], signal.SIGTERM, 5, signal.SIGTERM),
    ]


# --- the start ----------------------------------------------------------------------------------------------------
class Start:
    def __init__(self, state: Path, where: Address, say: Callable[[str], None]) -> None:
        self.state, self.where, self.say = state, where, say
        self.keeper = Supervisor(state, say)

    def run(self, arguments: Sequence[str]) -> None:
        """Until a signal asks for the end. Raises ServerError; nothing is left running either way."""
        self.keeper.watch_signals()
        try:
            if met := self.keeper.ledger.end_leftovers():
                self.say(f"ended what an earlier start left behind: {', '.join(met)}")
            check_free(self.where, 5.0 if met else 0.0)
            self.servers()
            self.prepare(arguments)
            self.say("starting the web processes, which load the model")
            web, *others = applications()
            self.keeper.start(web)
            self.until_ready()  # the workers' start would only make this wait longer
            for service in others:
                self.keeper.start(service)
            self.welcome()
            while True:
                self.keeper.pause(0.2)
                self.keeper.tend()
        except Stopped:
            self.say("stopping: web, workers and beat first, then the servers")
        finally:
            self.keeper.stop()
            embedded.remove_sockets(self.state)

    def servers(self) -> None:
        needed = embedded.needed()
        if not needed:
            self.say("Postgres and Redis: those of DATABASE_URL and REDIS_URL")
            return
        place = embedded.made_ready(self.state, needed, self.say)
        started = [self.keeper.start(_server(server, place, floor)) for floor, server in enumerate(needed)]
        for server, child in zip(needed, started, strict=True):
            server.wait(place, child, self.keeper.pause)
        self.say(f"{' and '.join(server.name for server in needed)} up (sockets in {place.sockets})")

    def prepare(self, arguments: Sequence[str]) -> None:
        """One process for tables, data, model and lists; its progress shows here."""
        command = [sys.executable, str(ROOT / "manage.py"), "prepare", *arguments]
        death = processes.dies_with_parent(signal.SIGTERM)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=death)
        try:
            while child.poll() is None:
                self.keeper.pause(0.05)
                self.keeper.tend()
        finally:
            processes.stop(child, signal.SIGTERM, 5)
        if child.returncode:
            raise ServerError("The preparation failed; the lines above say why. What was done so far is kept.")

    def until_ready(self) -> None:
        """Until the API answers that it can recommend. Raises ServerError when a process keeps ending."""
        until, answer = time.monotonic() + READY_SECONDS, ""
        while (answer := _ask(f"{self.where.url}/health/ready")) != "ready":
            self.keeper.pause(0.2)
            self.keeper.tend()
            for service in self.keeper.services:
                if service.failures >= GIVE_UP:
                    log = self.state / "logs" / f"{service.name}.log"
                    raise ServerError(f"{service.name} ended {service.failures} times: see {log}.\n{_tail(log)}")
            if time.monotonic() > until:
                raise ServerError(f"The API was not ready after {READY_SECONDS:.0f} s: {answer}")

    def welcome(self) -> None:
        """What to do next, from what the preparation noted."""
        url, shown = self.where.url, json.loads((self.state / "welcome.json").read_text())
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


def _ask(url: str) -> str:
    try:
        # By the name that is always allowed, whatever the address is.
        request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310
        with _DIRECT.open(request, timeout=5) as answer:
            return "ready" if answer.status == 200 else f"{url} answered {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def start(state: Path, arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """The whole life of one `./run`. Raises ServerError."""
    where = address()
    open_state(state)
    try:
        with held(state, f"movierec at {where.url}"):
            our_secrets(state)
            Start(state, where, say).run(arguments)
    except Held as holder:
        words = f"{state} is in use by {holder}"
        raise ServerError(f"{words}: stop that first, or start beside it with PORT and MOVIEREC_STATE.") from holder
