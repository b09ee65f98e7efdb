"""Web processes as `./run` starts them, on the tests' own Postgres and Valkey, and clients that load them."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.workers import ROOT, wait_until, worker_environment

CLIENT_TIMEOUT = 30.0  # seconds that a client waits for an answer
START_SECONDS = 600.0  # a start on a machine that many share; two in peace


class Reply(NamedTuple):
    """Hold one HTTP answer."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float


class Client:
    """Call the API on a port. Every call takes a new connection, so any of the web processes may answer."""

    def __init__(self, key: str, port: int) -> None:
        self.key, self.port, self.url = key, port, f"http://127.0.0.1:{port}"

    def send(self, path: str, body: Any = None, *, key: bool | str = False) -> Reply:
        """Send a GET, or a POST if there is a body, with the key of the tests if asked, or with another one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CLIENT_TIMEOUT)
        sent_key = self.key if key is True else key
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Api-Key {sent_key}"} if sent_key else {})
        started = time.perf_counter()
        try:
            connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        return Reply(answer.status, content, dict(answer.headers), time.perf_counter() - started)

    def fetch(self, path: str, body: Any = None, *, key: bool = False) -> Any:
        """Return the body of an answer; fail unless it is 200."""
        reply = self.send(path, body, key=key)
        assert reply.status == 200, reply
        return reply.body

    def is_ready(self) -> bool:
        """Return whether a list can be served."""
        try:
            return self.send("/health/ready").status == 200
        except OSError:
            return False

    def is_alive(self) -> bool:
        """Return whether a web process answers at all."""
        try:
            return self.send("/health/live").status == 200
        except OSError:
            return False


class LiveServer(Client):
    """Run gunicorn, and call it."""

    def __init__(self, key: str, *, wait: bool = True, output: Any = None, **more: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(more.get("PORT", 0))))
            super().__init__(key, probe.getsockname()[1])
        own = {"PORT": str(self.port), "MOVIEREC_API_OPEN": "1", "MOVIEREC_LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "gunicorn", "-c", "movierec/gunicorn.py", "movierec.wsgi"]
        errors = subprocess.STDOUT if output else None
        self.process = subprocess.Popen(
            command,
            env=worker_environment() | own | more,
            cwd=ROOT,
            start_new_session=True,
            stdout=output,
            stderr=errors,
        )
        wait_until(self.is_ready if wait else self.is_alive, START_SECONDS)

    @property
    def workers(self) -> list[int]:
        """Return the process ids of the web processes (Linux)."""
        parent = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

    @contextlib.contextmanager
    def only_worker(self, worker: int) -> Iterator[None]:
        """Stop every other web process (SIGSTOP) while the block runs, so that this one answers."""
        others = [pid for pid in self.workers if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def fetch_from_each_worker(self, path: str, body: Any = None) -> list[Any]:
        """Return the answer of each web process."""
        bodies = []
        for worker in self.workers:
            with self.only_worker(worker):
                bodies.append(self.fetch(path, body))
        return bodies

    def stop(self) -> None:
        """End gunicorn and all its web processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)


@dataclass
class Outcome:
    """Hold what became of one call of a client."""

    call: str
    status: int  # 0: no answer at all
    seconds: float
    body: Any
    headers: Mapping[str, str]
    started_at: float  # monotonic seconds


@dataclass
class Load:
    """Run clients that send one call after another while the block runs. `calls`: name -> the call."""

    calls: Mapping[str, Callable[[random.Random], Reply]]
    clients: int = 6
    outcomes: list[Outcome] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _client(self, number: int) -> None:
        rng = random.Random(number)
        while not self._done.is_set():
            name, started_at = rng.choice(list(self.calls)), time.monotonic()
            try:
                reply = self.calls[name](rng)
                outcome = Outcome(name, reply.status, reply.seconds, reply.body, reply.headers, started_at)
            except (OSError, http.client.HTTPException) as error:
                outcome = Outcome(name, 0, time.monotonic() - started_at, repr(error), {}, started_at)
            self.outcomes.append(outcome)

    def outcomes_since(self, moment: float, *names: str) -> list[Outcome]:
        """Return the calls that started after `moment` (monotonic seconds), of these names or all."""
        return [
            outcome
            for outcome in list(self.outcomes)
            if outcome.started_at >= moment and (not names or outcome.call in names)
        ]

    def wait_until_all(self, condition: Callable[[Outcome], bool], seconds: float = 20) -> float:
        """Wait until every call of the last second satisfies the condition; return when that second began (monotonic
        seconds)."""
        started_at = time.monotonic()
        recent: list[Outcome] = []

        def all_of_the_last_second() -> bool:
            moment = time.monotonic() - 1
            recent[:] = self.outcomes_since(moment)
            return moment > started_at and len(recent) > self.clients and all(map(condition, recent))

        try:
            wait_until(all_of_the_last_second, seconds)
        except AssertionError as error:
            others = [outcome for outcome in recent if not condition(outcome)]
            message = f"{error}: {len(others)} of {len(recent)} calls of the last second were others"
            raise AssertionError(f"{message}, {others[:1]}") from error
        return time.monotonic() - 1

    def wait_until_each_was_sent(self, seconds: float = 20) -> None:
        """Wait until every call was sent at least twice from now on."""
        started_at = time.monotonic()

        def each_was_sent() -> bool:
            names = [outcome.call for outcome in self.outcomes_since(started_at)]
            return all(names.count(name) >= 2 for name in self.calls)

        wait_until(each_was_sent, seconds)
