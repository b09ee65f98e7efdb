"""Keep processes alive: start them, restart those that end, stop all in order."""

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
from infrastructure.heartbeat import HEARTBEAT_SECONDS, SUPERVISOR_FILE
from movierec.local.log_rotation import rotate_long_logs
from movierec.local.processes import Child, PidFile, kill_group

HEALTHY_AFTER = 60.0  # seconds alive after which a process counts as healthy again
MAX_RESTART_DELAY = 30.0  # seconds


class StopRequested(Exception):
    """A signal asked for the end."""


@dataclass
class Service:
    """One process that is kept alive. Services of a higher `stop_order` need the lower ones and are stopped first."""

    name: str
    start: Callable[[IO[bytes]], Child]
    stop_order: int
    stop_signal: int
    stop_seconds: float
    child: Child | None = None
    started_at: float = 0.0  # monotonic seconds, like `restart_at`
    failures: int = 0  # ends in a row, each soon after the start
    restart_at: float = 0.0


@dataclass
class Supervisor:
    """The services of one state folder. `say` prints a line for the person who watches."""

    state: Path
    say: Callable[[str], None]
    services: list[Service] = field(default_factory=list)
    signal_count: int = 0
    last_heartbeat: float = float("-inf")  # monotonic seconds

    def __post_init__(self) -> None:
        self.pid_file = PidFile(self.state / "children.json")

    def watch_signals(self) -> None:
        """Count SIGINT, SIGTERM and SIGHUP from here on, in place of what they do by default."""

        def count(number: int, frame: FrameType | None) -> None:
            self.signal_count += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, count)

    def pause(self, seconds: float) -> None:
        """Sleep, then raise StopRequested if a signal came. Signals only count, so no child is lost half started."""
        time.sleep(seconds)
        if self.signal_count:
            raise StopRequested

    def open_log(self, name: str) -> IO[bytes]:
        """Open the log of a process that starts; one that cannot be opened does not stop the process."""
        try:
            # Appending: it may be emptied under the writer's hands.
            return (self.state / "logs" / f"{name}.log").open("ab")
        except OSError as error:
            self._report_error(f"the log of {name} cannot be written", error)
            return open(os.devnull, "ab")

    def start(self, service: Service) -> Child:
        """Start the service; from here on it is started again whenever it ends."""
        if service not in self.services:
            self.services.append(service)
        with self.open_log(service.name) as log:
            service.child = service.start(log)
        service.started_at = time.monotonic()
        try:
            self.pid_file.record(service.name, service.child.pid)
        except OSError as error:  # needed only after a kill of this process: no reason to stop what runs
            self._report_error(f"{self.pid_file.file} cannot be written", error)
        return service.child

    def _report_error(self, message: str, error: OSError) -> None:
        problem = disk_space.storage_problem(error, self.state)
        self.say(f"{message}: {problem.message if problem else error}")

    def tick(self) -> None:
        """Look once at every service and log: restart what ended, later each time it ends soon; rotate long logs."""
        rotate_long_logs(self.state / "logs")
        now = time.monotonic()
        if now - self.last_heartbeat >= HEARTBEAT_SECONDS:
            self.last_heartbeat = now
            with contextlib.suppress(OSError):
                (self.state / SUPERVISOR_FILE).touch()
        for service in self.services:
            if service.child is not None and service.child.poll() is not None:
                self._schedule_restart(service, now)
            elif service.child is None and now >= service.restart_at:
                self.start(service)

    def _schedule_restart(self, service: Service, now: float) -> None:
        assert service.child is not None
        kill_group(service.child)  # what it started itself must not go on holding a port or files
        service.failures = 1 if now - service.started_at > HEALTHY_AFTER else service.failures + 1
        delay = min(MAX_RESTART_DELAY, 0.25 * 2 ** (service.failures - 1))
        self.say(f"{service.name} ended (code {service.child.returncode}); it starts again in {delay:.2g} s")
        service.child, service.restart_at = None, now + delay

    def stop(self) -> None:
        """Stop all services, the highest `stop_order` first, each group within its seconds; another signal hurries."""
        signals_before = self.signal_count
        with contextlib.suppress(OSError):
            (self.state / SUPERVISOR_FILE).unlink(missing_ok=True)
        for order in sorted({service.stop_order for service in self.services}, reverse=True):
            self._stop_group([service for service in self.services if service.stop_order == order], signals_before)

    def _stop_group(self, services: list[Service], signals_before: int) -> None:
        children = {service.name: service.child for service in services if service.child is not None}
        timeout = max((service.stop_seconds for service in services), default=0.0)
        # Signalled twice: a process that has only just been started may not have its handlers yet.
        for _ in range(2):
            for service in services:
                if service.child is not None and service.child.poll() is None:
                    os.kill(service.child.pid, service.stop_signal)
            deadline = time.monotonic() + timeout / 2
            while any(child.poll() is None for child in children.values()):
                if time.monotonic() > deadline or self.signal_count > signals_before:
                    break
                time.sleep(0.05)
        for name, child in children.items():
            if child.poll() is None:
                self.say(f"{name} did not stop in time and was killed")
            kill_group(child)
