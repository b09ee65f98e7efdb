"""Keeps processes alive: starts them, starts again what ends, stops them in order."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from infrastructure import disk_space
from movierec.local.processes import Child, PidFile, kill_group

MAX_LOG_BYTES = (
    5 * 1024 * 1024
)  # bytes; what a longer log ends with is put aside, one generation deep, and it is emptied
HEALTHY_AFTER = 60.0  # seconds alive after which a process counts as healthy again
MAX_RESTART_DELAY = 30.0  # seconds
HEARTBEAT_SECONDS = 10.0  # between two signs of life; not imported: this runs before any package is there
HEARTBEAT_FILE = "supervisor.alive"  # in the state folder, its time is that of the last look; gone after an orderly end


class StopRequested(Exception):
    """A signal asked for the end."""


@dataclass
class Service:
    """One process that is kept alive. Those of a higher `floor` stand on the lower ones and are stopped first."""

    name: str
    start: Callable[[IO[bytes]], Child]
    stop_order: int
    stop_signal: int
    stop_seconds: float
    child: Child | None = None
    started_at: float = 0.0  # monotonic seconds, like `due`
    failures: int = 0  # ends in a row, each soon after the start
    restart_at: float = 0.0


@dataclass
class Supervisor:
    state: Path
    say: Callable[[str], None]
    services: list[Service] = field(default_factory=list)
    signal_count: int = 0
    last_heartbeat: float = float("-inf")  # monotonic seconds

    def __post_init__(self) -> None:
        self.pid_file = PidFile(self.state / "children.json")

    def watch_signals(self) -> None:
        def count(number: int, frame: FrameType | None) -> None:
            self.signal_count += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, count)

    def pause(self, seconds: float) -> None:
        """Sleeps; raises Stopped when the end was asked for. Signals only count, so no child is lost half started."""
        time.sleep(seconds)
        if self.signal_count:
            raise StopRequested

    def log_file(self, name: str) -> IO[bytes]:
        """For a process that starts. Where it cannot be opened the process starts without: its work matters more."""
        try:
            # Appending: it may be emptied under the writer's hands.
            return (self.state / "logs" / f"{name}.log").open("ab")
        except OSError as error:
            self._report_error(f"the log of {name} cannot be written", error)
            return open(os.devnull, "ab")

    def rotate_long_logs(self) -> None:
        """Puts long logs aside while their processes write on."""
        for path in (self.state / "logs").glob("*.log"):
            with contextlib.suppress(OSError):
                if path.stat().st_size > MAX_LOG_BYTES:
                    rotate_log(path)

    def start(self, service: Service) -> Child:
        """Starts it; known from here on, it is started again whenever it ends."""
        if service not in self.services:
            self.services.append(service)
        with self.log_file(service.name) as log:
            service.child = service.start(log)
        service.started_at = time.monotonic()
        try:
            self.pid_file.record(service.name, service.child.pid)
        except OSError as error:  # needed only after a kill of this process: no reason to stop what runs
            self._report_error(f"{self.pid_file.file} cannot be written", error)
        return service.child

    def _report_error(self, words: str, error: OSError) -> None:
        trouble = disk_space.storage_problem(error, self.state)
        self.say(f"{words}: {trouble.message if trouble else error}")

    def tick(self) -> None:
        """One look at every child: what ended is started again, later each time it ends soon. And one at the logs."""
        self.rotate_long_logs()
        now = time.monotonic()
        self._write_heartbeat(now)
        for service in self.services:
            if service.child is not None and service.child.poll() is not None:
                self._schedule_restart(service, now)
            elif service.child is None and now >= service.restart_at:
                self.start(service)

    def _write_heartbeat(self, now: float) -> None:
        if now - self.last_heartbeat >= HEARTBEAT_SECONDS:
            self.last_heartbeat = now
            with contextlib.suppress(OSError):
                (self.state / HEARTBEAT_FILE).touch()

    def _schedule_restart(self, service: Service, now: float) -> None:
        assert service.child is not None
        kill_group(service.child)  # what it started itself must not go on holding a port or files
        service.failures = 1 if now - service.started_at > HEALTHY_AFTER else service.failures + 1
        delay = min(MAX_RESTART_DELAY, 0.25 * 2 ** (service.failures - 1))
        self.say(f"{service.name} ended (code {service.child.returncode}); it starts again in {delay:.2g} s")
        service.child, service.restart_at = None, now + delay

    def stop(self) -> None:
        """Floor by floor from the top, each within its services' seconds; another signal hurries."""
        asked = self.signal_count
        with contextlib.suppress(OSError):
            (self.state / HEARTBEAT_FILE).unlink(missing_ok=True)
        for floor in sorted({service.stop_order for service in self.services}, reverse=True):
            self._stop_group([service for service in self.services if service.stop_order == floor], asked)

    def _stop_group(self, services: list[Service], asked: int) -> None:
        alive = {service.name: service.child for service in services if service.child is not None}
        patience = max((service.stop_seconds for service in services), default=0.0)
        # Asked twice: a process that has only just been started may not have its handlers yet.
        for _ in range(2):
            for service in services:
                if service.child is not None and service.child.poll() is None:
                    os.kill(service.child.pid, service.stop_signal)
            until = time.monotonic() + patience / 2
            while any(child.poll() is None for child in alive.values()):
                if time.monotonic() > until or self.signal_count > asked:
                    break
                time.sleep(0.05)
        for name, child in alive.items():
            if child.poll() is None:
                self.say(f"{name} did not stop in time and was killed")
            kill_group(child)


def rotate_log(log: Path) -> None:
    """Copies the log's last LOG_LIMIT bytes beside it and empties it; where the disk is full it is only emptied."""
    former = log.with_suffix(".log.1")
    try:
        former.unlink(missing_ok=True)  # its room is for the next
        with log.open("rb") as source, former.open("wb") as target:
            source.seek(-min(MAX_LOG_BYTES, os.fstat(source.fileno()).st_size), os.SEEK_END)
            target.write(source.read(MAX_LOG_BYTES))  # no more, though it is written on
    except OSError:
        with contextlib.suppress(OSError):
            former.unlink(missing_ok=True)
    os.truncate(log, 0)
