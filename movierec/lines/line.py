"""The thread that asks a server whether it is there, and what the other threads learn from it without waiting."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

PATIENCE = 0.2  # seconds without an answer until the server is as good as dead to whoever waits for a page
LONG_PATIENCE = 10.0  # seconds, for work that lasts longer than a server's bad moment
REDIAL = 1.0  # seconds that a late answer is waited for; then the connection itself is taken for lost
RETRY = 0.25  # seconds between two tries to connect
FIRST_WORD = 2.5  # seconds

log = logging.getLogger(__name__)


class Probe(Protocol):
    """A connection of the asking thread's own. Every method raises what its library raises."""

    def open(self) -> None: ...

    def ask(self) -> None: ...

    def answered(self, seconds: float) -> bool: ...

    def close(self) -> None: ...


class Line:
    """Frozen, cut off and dead are one thing here: `lost`. Nobody but the asking thread finds out, so nobody queues
    for it, and whoever is in the middle of a call can look whether to go on waiting.

    When the server answers again, the calls of `on_return` come first, in the asking thread, to which the line is
    open by then; where one raises, the server stays lost. Where no thread asks, `lost` is False.
    """

    def __init__(self, name: str, probe: Probe) -> None:
        self.name = name
        self.lost = False
        self.watched = False
        self.on_return: list[Callable[[], object]] = []
        self._probe = probe
        self.patience = PATIENCE
        self._thread = threading.Thread(target=self._ask_forever, name=f"line-{name}", daemon=True)
        self._news = threading.Condition()
        self._hurry = threading.Event()
        self._asked = self._answered = 0  # questions, counted
        self.returning = False  # while the calls of `on_return` are made
        self._losses = 0  # counted
        self._lost_at = 0.0  # monotonic seconds

    def watch(self, patience: float) -> None:
        if self.watched:
            return
        self.patience, self.lost, self.watched = patience, True, True
        self._lost_at = time.monotonic()
        self._thread.start()

    def first_word(self) -> None:
        """Waits, bounded, until the server has answered once."""
        with self._news:
            self._news.wait_for(lambda: self._answered > 0, FIRST_WORD)

    @property
    def asking(self) -> bool:
        """Whether this is the thread that asks."""
        return threading.current_thread() is self._thread

    @property
    def closed(self) -> bool:
        """Whether this thread had better not begin anything on the server."""
        return self.lost and not self.asking

    def lose(self, why: object) -> None:
        """For whoever met a broken connection: nobody goes on until the server has answered the next question."""
        self._losses += 1
        if self.watched and not self.lost:
            self._lost_at = time.monotonic()
            self.lost = True
            log.warning("%s does not answer: %s", self.name, why)
            with self._news:
                self._news.notify_all()
        self._hurry.set()

    def answers(self) -> bool:
        """Whether the server answers a question that is asked from now on; where no thread asks, True."""
        if not self.watched or self.lost:
            return not self.lost
        with self._news:
            asked = self._asked
            self._hurry.set()
            self._news.wait_for(lambda: self.lost or self._answered > asked, 2 * self.patience)
            return not self.lost

    def _ask_forever(self) -> None:
        while True:
            try:
                self._probe.open()
                while True:
                    self._ask()
            except Exception as error:  # of two libraries; the thread outlives whatever it meets
                self.lose(error)
            try:
                self._probe.close()
            except Exception as error:
                log.debug("%s: %s", self.name, error)
            time.sleep(RETRY)

    def _ask(self) -> None:
        self._asked += 1
        self._probe.ask()
        if not self._probe.answered(self.patience):
            self.lose(f"nothing came for {self.patience:g} s")
            # A frozen server that goes on answers the question that it has; asking on new connections meanwhile would
            # leave it a heap of them.
            if not self._probe.answered(REDIAL):
                raise TimeoutError(f"nothing came for {self.patience + REDIAL:g} s")
        if self.lost:
            self._come_back()
        with self._news:
            self._answered = self._asked
            self._news.notify_all()
        self._hurry.wait(self.patience / 4)  # seconds
        self._hurry.clear()

    def _come_back(self) -> None:
        losses, self.returning = self._losses, True
        try:
            for call in self.on_return:
                call()
        finally:
            self.returning = False
        if self._losses > losses:
            raise ConnectionError("it was lost again while what was missed was made up for")
        self.lost = False
        if self._answered:
            log.warning("%s answers again after %.1f s", self.name, time.monotonic() - self._lost_at)
