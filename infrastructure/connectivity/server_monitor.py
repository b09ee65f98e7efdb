"""The thread that asks a server whether it is there, and what the other threads learn from it without waiting."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

INTERACTIVE_TIMEOUT = 0.2  # seconds without an answer until the server counts as down where a person waits for a page
BACKGROUND_TIMEOUT = 10.0  # seconds, for work that lasts longer than a server's bad moment
LATE_ANSWER_TIMEOUT = 1.0  # seconds that a late answer is waited for; then the connection itself counts as broken
RECONNECT_INTERVAL = 0.25  # seconds between two tries to connect
FIRST_ANSWER_TIMEOUT = 2.5  # seconds

log = logging.getLogger(__name__)


class Probe(Protocol):
    """A connection of the monitor's own. Every method raises what its library raises."""

    def connect(self) -> None:
        """Open the connection."""

    def send_ping(self) -> None:
        """Send a question that the server answers at once."""

    def wait_for_answer(self, timeout: float) -> bool:
        """Return whether the answer came within so many seconds."""

    def close(self) -> None:
        """Close the connection, if there is one."""


class ServerMonitor:
    """A health check of one server: frozen, cut off and dead are one state, `is_down`.

    A server that is only late, as on a busy machine, is down but not yet `is_lost`: what was begun may be answered.

    Only the monitor's thread finds out, so no other thread queues for it, and a thread in the middle of a call can look
    whether to go on waiting. When the server answers again, the calls of `on_recovery` come first, in the monitor's
    thread, for which the server is up by then; where one raises, the server stays down. The calls of `on_answer` follow
    every answer, in that thread too; where one raises, the server is down. In a process whose monitor was not started
    `is_down` is False.
    """

    def __init__(self, name: str, probe: Probe) -> None:
        self.name = name
        self.is_down = False
        self.is_lost = False  # down, and the monitor's own connection counts as broken
        self.is_running = False  # the monitor, not the server
        self.on_recovery: list[Callable[[], object]] = []
        self.on_answer: list[Callable[[], object]] = []
        self.recovering = False  # while the calls of `on_recovery` are made
        self.timeout = INTERACTIVE_TIMEOUT  # seconds
        self._probe = probe
        self._thread = threading.Thread(target=self._run, name=f"monitor-{name}", daemon=True)
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._question_count = self._answer_count = 0
        self._failure_count = 0
        self._down_since = 0.0  # monotonic seconds

    def start(self, timeout: float) -> None:
        """Start the thread, once. The server counts as down until its first answer, and after `timeout` seconds."""
        if self.is_running:
            return
        self.timeout, self.is_down, self.is_running = timeout, True, True
        self._down_since = time.monotonic()
        self._thread.start()

    def wait_for_first_answer(self) -> None:
        """Wait until the server has answered once, or for FIRST_ANSWER_TIMEOUT."""
        with self._changed:
            self._changed.wait_for(lambda: self._answer_count > 0, FIRST_ANSWER_TIMEOUT)

    @property
    def in_monitor_thread(self) -> bool:
        """Return whether the calling thread is the monitor's own."""
        return threading.current_thread() is self._thread

    @property
    def blocks_this_thread(self) -> bool:
        """Return whether the calling thread must not begin anything on the server."""
        return self.is_down and not self.in_monitor_thread

    def report_failure(self, reason: object) -> None:
        """Mark the server as down until it answers the next question, as the caller met a broken connection."""
        self._failure_count += 1
        if self.is_running and not self.is_down:
            self._down_since = time.monotonic()
            self.is_down = True
            log.warning("%s does not answer: %s", self.name, reason)
            with self._changed:
                self._changed.notify_all()
        self._wake.set()

    def confirm_up(self) -> bool:
        """Ask the server once more and return whether it answers; True where no monitor runs."""
        if not self.is_running or self.is_down:
            return not self.is_down
        with self._changed:
            before = self._question_count
            self._wake.set()
            self._changed.wait_for(lambda: self.is_down or self._answer_count > before, 2 * self.timeout)
            return not self.is_down

    def _run(self) -> None:
        while True:
            try:
                self._probe.connect()
                while True:
                    self._ping()
            except Exception as error:  # of two libraries; the thread outlives whatever it meets
                self.report_failure(error)
                self.is_lost = True
            try:
                self._probe.close()
            except Exception as error:
                log.debug("%s: %s", self.name, error)
            time.sleep(RECONNECT_INTERVAL)

    def _ping(self) -> None:
        self._question_count += 1
        self._probe.send_ping()
        if not self._probe.wait_for_answer(self.timeout):
            self.report_failure(f"nothing came for {self.timeout:g} s")
            # A frozen server that goes on answers the question that it has; asking on new connections meanwhile would
            # leave it a heap of them.
            if not self._probe.wait_for_answer(LATE_ANSWER_TIMEOUT):
                raise TimeoutError(f"nothing came for {self.timeout + LATE_ANSWER_TIMEOUT:g} s")
        if self.is_down:
            self._recover()
        for call in self.on_answer:
            call()
        with self._changed:
            self._answer_count = self._question_count
            self._changed.notify_all()
        self._wake.wait(self.timeout / 4)  # seconds
        self._wake.clear()

    def _recover(self) -> None:
        failures, self.recovering = self._failure_count, True
        try:
            for call in self.on_recovery:
                call()
        finally:
            self.recovering = False
        if self._failure_count > failures:
            raise ConnectionError("it was lost again while what was missed was made up for")
        self.is_down = self.is_lost = False
        if self._answer_count:
            log.warning("%s answers again after %.1f s", self.name, time.monotonic() - self._down_since)
