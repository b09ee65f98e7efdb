"""`./run`: one state folder's servers, its data made ready, then web, workers and beat, until a signal comes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from infrastructure.addresses import Address, configured_address, wait_until_free
from infrastructure.errors import SetupError
from movierec.local import processes
from movierec.local.embedded_servers import prepare_servers, remove_sockets, required_servers
from movierec.local.services import ROOT, application_services, server_service
from movierec.local.start_page import LISTEN_FD, WAIT_FD, StartPage
from movierec.local.state_folder import (
    StateFolderLocked,
    create_state_folder,
    exclusive_lock,
    load_or_create_secrets,
)
from movierec.local.supervisor import StopRequested, Supervisor

MAX_START_FAILURES = 5  # ends in a row of one process while the system starts
READY_TIMEOUT = 180.0  # seconds


def launch(state: Path, arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """Run the whole life of one `./run`. `arguments`: those of `manage.py prepare`. Raises SetupError."""
    address = configured_address()
    create_state_folder(state)
    try:
        with exclusive_lock(state, f"movierec at {address.url}"):
            load_or_create_secrets(state)
            Launcher(state, address, say).run(arguments)
    except StateFolderLocked as holder:
        message = f"{state} is in use by {holder}: stop that first, or start beside it with PORT and MOVIEREC_STATE."
        raise SetupError(message) from holder


class Launcher:
    """One system on this machine. `say` prints a line for the person who watches."""

    def __init__(self, state: Path, address: Address, say: Callable[[str], None]) -> None:
        self.state, self.address = state, address
        self.page: StartPage | None = None  # while the system starts
        self.welcome_file = state / "welcome.json"  # of the preparation
        self._print = say
        self.supervisor = Supervisor(state, self.say)

    def say(self, line: str) -> None:
        """Tell the person who watches, in the terminal and at the port."""
        if self.page is not None:
            self.page.note(line)
        self._print(line)

    def run(self, arguments: Sequence[str]) -> None:
        """Run until a signal asks for the end. Raises SetupError; nothing is left running either way."""
        self.supervisor.watch_signals()
        try:
            if orphans := self.supervisor.pid_file.stop_orphans():
                self.say(f"ended what an earlier start left behind: {', '.join(orphans)}")
            wait_until_free(self.address, 5.0 if orphans else 0.0)
            self.page = StartPage(self.address)
            self.page.open()
            wait_fd, begin_fd = os.pipe()
            web, *others = application_services({LISTEN_FD: self.page.listener.fileno(), WAIT_FD: wait_fd})
            if was_ready := self.welcome_file.exists():  # an earlier start got as far: this one does all at once
                self.supervisor.start(web)  # it loads its modules, and waits
            self.start_servers()
            self.prepare_data(arguments)
            self.say("starting the web processes, which load the model")
            os.close(begin_fd)
            if not was_ready:
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
            if self.page is not None:
                self.page.close()
            self.supervisor.stop()
            remove_sockets(self.state)

    def start_servers(self) -> None:
        """Start the embedded servers that the environment does not replace, and wait until they can be used."""
        servers = required_servers()
        if not servers:
            self.say("Postgres and Redis: those of DATABASE_URL and REDIS_URL")
            return
        layout = prepare_servers(self.state, servers, self.say)
        services = [server_service(server, layout, order) for order, server in enumerate(servers)]
        children = [self.supervisor.start(service) for service in services]
        for server, child in zip(servers, children, strict=True):
            server.wait(layout, child, self.supervisor.pause)
        self.say(f"{' and '.join(server.name for server in servers)} up (sockets in {layout.socket_dir})")

    def prepare_data(self, arguments: Sequence[str]) -> None:
        """Make tables, data, model and lists in one process, whose progress shows here. Raises SetupError."""
        command = [sys.executable, str(ROOT / "manage.py"), "prepare", *arguments]
        die = processes.die_with_parent(signal.SIGTERM)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            preexec_fn=die,
        )
        reader = threading.Thread(target=self._pass_on, args=(child,), name="preparation", daemon=True)
        reader.start()
        try:
            while child.poll() is None:
                self.supervisor.pause(0.05)
                self.supervisor.tick()
        finally:
            processes.stop(child, signal.SIGTERM, 5)
            reader.join(5)
        if child.returncode:
            raise SetupError("The preparation failed; the lines above say why. What was done so far is kept.")

    def _pass_on(self, child: processes.Child) -> None:
        """Print what the preparation prints, as it comes, and show it at the port."""
        assert child.stdout is not None
        with child.stdout:
            for line in (line.decode(errors="replace") for line in child.stdout):
                if self.page is not None:
                    self.page.note(line.removeprefix("---"))
                with contextlib.suppress(OSError):  # the terminal may be gone
                    print(line, end="", flush=True)

    def wait_until_ready(self) -> None:
        """Wait until the API can recommend. Raises SetupError when a process keeps ending, or it takes too long."""
        deadline = time.monotonic() + READY_TIMEOUT
        while problem := self._readiness_problem():
            self.supervisor.pause(0.2)
            self.supervisor.tick()
            for service in self.supervisor.services:
                if service.failures >= MAX_START_FAILURES:
                    log = self.state / "logs" / f"{service.name}.log"
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
                    raise SetupError(f"{service.name} ended {service.failures} times: see {log}.\n{tail}")
            if time.monotonic() > deadline:
                raise SetupError(f"The API was not ready after {READY_TIMEOUT:.0f} s: {problem}")

    def _readiness_problem(self) -> str:
        """Return why the API is not ready; "" once it is."""
        if self.page is not None and not self.page.is_handed_over():
            return "no web process takes calls yet"
        return _readiness_problem(f"{self.address.url}/health/ready")

    def print_welcome(self) -> None:
        """Print the addresses, the admin's login and a first request, from what the preparation noted."""
        url, welcome = self.address.url, json.loads(self.welcome_file.read_text())
        password = welcome["password"] or "MOVIEREC_ADMIN_PASSWORD of the first start, or the one set since"
        if welcome["request"]:
            example = f"What should someone watch after {', '.join(welcome['titles'])}?\n  curl -s {url}/recommend"
            example += f" -H 'Content-Type: application/json' -d '{json.dumps(welcome['request'])}'"
        elif welcome["films"]:
            example = "Reads need a key:\n  ./run manage api_key create site --scope recommend:read"
        else:
            example = "No films yet. Your own, from JSONL or CSV (docs/api.md has the fields):\n"
            example += "  ./run manage import_rows movies FILE"
        model = f"  model  {welcome['model']}\n" if welcome["model"] else ""
        text = f"""
movierec is ready.
  films  {url}/
  API    {url}/recommend
  docs   {url}/docs
  admin  {url}/admin/   user: {welcome["admin"]}   password: {password}
  logs   {self.state / "logs"}
{model}
{example}

Ctrl-C stops everything."""
        with contextlib.suppress(OSError):  # nobody may be watching any more
            print(text, flush=True)


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by way of http_proxy


def _readiness_problem(url: str) -> str:
    """Return why the API is not ready; "" once it is."""
    try:
        # By the name that is always allowed, whatever the address is.
        request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310
        with _DIRECT.open(request, timeout=5) as answer:
            return "" if answer.status == 200 else f"{url} answered {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"
