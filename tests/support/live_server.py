"""gunicorn as `./run` starts it, on the tests' own database and Valkey, and clients that ask it side by side."""

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


class Reply(NamedTuple):
    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float


class LiveServer:
    """Every call takes a new connection, so that any of the web processes may answer."""

    def __init__(self, key: str, *, wait: bool = True, **more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url, self.key = f"http://127.0.0.1:{self.port}", key
        own = {"PORT": str(self.port), "MOVIEREC_API_OPEN": "1", "MOVIEREC_LOG_LEVEL": "ERROR"}
        words = [sys.executable, "-m", "gunicorn", "-c", "movierec/gunicorn.py", "movierec.wsgi"]
        self.process = subprocess.Popen(words, env=worker_environment() | own | more, cwd=ROOT, start_new_session=True)
        wait_until(self.is_ready if wait else self.is_alive)

    def send(self, path: str, body: Any = None, *, key: bool = False) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CLIENT_TIMEOUT)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Api-Key {self.key}"} if key else {})
        started = time.perf_counter()
        try:
            connection.request("GET" if body is None else "POST", path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            read = json.loads(answer.read())
        finally:
            connection.close()
        return Reply(answer.status, read, dict(answer.headers), time.perf_counter() - started)

    def fetch(self, path: str, body: Any = None, *, key: bool = False) -> Any:
        reply = self.send(path, body, key=key)
        assert reply.status == 200, reply
        return reply.body

    def is_ready(self) -> bool:
        try:
            return self.send("/health/ready").status == 200
        except OSError:
            return False

    def is_alive(self) -> bool:
        try:
            return self.send("/health/live").status == 200
        except OSError:
            return False

    @property
    def workers(self) -> list[int]:
        """Process ids (Linux)."""
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @contextlib.contextmanager
    def only_worker(self, worker: int) -> Iterator[None]:
        """Every other web process stands still, so that this one answers."""
        others = [pid for pid in self.workers if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def fetch_from_each_worker(self, path: str, body: Any = None) -> list[Any]:
        """What each of the web processes answers."""
        found = []
        for worker in self.workers:
            with self.only_worker(worker):
                found.append(self.fetch(path, body))
        return found

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)


@dataclass
class Outcome:
    call: str
    status: int  # 0: no answer at all
    seconds: float
    body: Any
    headers: Mapping[str, str]
    started_at: float  # monotonic seconds


@dataclass
class Load:
    """Clients that ask one thing after another, for as long as the with block lasts. `calls`: name -> what it asks."""

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
            name, begun = rng.choice(list(self.calls)), time.monotonic()
            try:
                reply = self.calls[name](rng)
                outcome = Outcome(name, reply.status, reply.seconds, reply.body, reply.headers, begun)
            except (OSError, http.client.HTTPException) as error:
                outcome = Outcome(name, 0, time.monotonic() - begun, repr(error), {}, begun)
            self.outcomes.append(outcome)

    def outcomes_since(self, moment: float, *names: str) -> list[Outcome]:
        """What was asked after that moment (monotonic seconds), of these names or of all."""
        return [one for one in list(self.outcomes) if one.started_at >= moment and (not names or one.call in names)]

    def wait_until_all(self, condition: Callable[[Outcome], bool], seconds: float = 20) -> float:
        """Goes on until everything of the last second satisfies; when that second began (monotonic seconds)."""
        begun = time.monotonic()

        def all_of_the_last_second() -> bool:
            moment = time.monotonic() - 1
            lately = self.outcomes_since(moment)
            return moment > begun and len(lately) > self.clients and all(map(condition, lately))

        wait_until(all_of_the_last_second, seconds)
        return time.monotonic() - 1

    def wait_until_each_was_sent(self, seconds: float = 20) -> None:
        """Goes on until everything was asked a few times from now on."""
        begun = time.monotonic()

        def asked() -> bool:
            found = [one.call for one in self.outcomes_since(begun)]
            return all(found.count(name) >= 2 for name in self.calls)

        wait_until(asked, seconds)
