"""How much is computed at once. Reading a stored list is not counted: it costs next to nothing.

Past the bound a request is told to come back, soon: a queue without an end makes everyone wait for nobody's sake. Lists
that somebody waits for go first: work in bulk is done in short turns, one at a time on a machine, between which it
rests four times as long as it worked while others ask.
"""

import fcntl
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

from django.conf import settings
from django.db import connection

COMPUTED = 2  # requests that compute side by side in one process
WAITING = 16  # that wait for them
FOR_OTHERS = 4  # of these places, which no client takes who has all the others
LONGEST_WAIT = 10.0  # seconds

LATELY = 1.0  # seconds after a call for which somebody is thought to be waiting
LONGEST_PATIENCE = 1.0  # seconds that a turn waits for lists that are being computed
REST = 4.0  # of the time that a turn took
LONGEST_REST = 1.0  # seconds between two turns

_free = threading.BoundedSemaphore(COMPUTED)
_lock = threading.Lock()
_mine = threading.local()
_waiting = 0
_computing = 0
_waiting_of: Counter[str] = Counter()
_asked_at = float("-inf")  # monotonic seconds

Item = TypeVar("Item")


class Busy(Exception):
    """As many requests wait as may wait."""


def begin(client: str, *, interactive: bool) -> None:
    """Notes whose call this thread works on, and whether somebody waits for its answer as it is made."""
    global _asked_at
    _mine.client = client
    if interactive:
        _asked_at = time.monotonic()


def _client() -> str:
    return getattr(_mine, "client", "")


# --- lists that somebody waits for ----------------------------------------------------------------------------------
def _leave_connection() -> None:
    """Takes no database connection along into a queue: whoever has a place may need it."""
    if not connection.in_atomic_block:
        connection.close()


def _waited() -> bool:
    """Says whether a place became free in time."""
    _leave_connection()
    return _free.acquire(timeout=LONGEST_WAIT)


@contextmanager
def computing() -> Iterator[None]:
    """Waits for a place; what a page computes for its rows has the page's. Raises Busy."""
    global _waiting, _computing
    if getattr(_mine, "place", False):
        yield
        return
    client = _client()
    with _lock:
        if _waiting >= WAITING or _waiting_of[client] >= max(1, WAITING - FOR_OTHERS):
            raise Busy(f"{COMPUTED} requests are being computed and {_waiting} wait, which is the limit.")
        _waiting += 1
        _waiting_of[client] += 1
    try:
        found = _free.acquire(blocking=False) or _waited()
    finally:
        with _lock:
            _waiting -= 1
            _waiting_of[client] -= 1
            if not _waiting_of[client]:
                del _waiting_of[client]
    if not found:
        raise Busy(f"Nothing was computed for {LONGEST_WAIT:.0f} seconds.")
    _mine.place = True
    with _lock:
        _computing += 1
    try:
        yield
    finally:
        with _lock:
            _computing -= 1
        _mine.place = False
        _free.release()


# --- what costs as much as many lists ---------------------------------------------------------------------------------
class Lane:
    """A few places in this process for calls of one costly kind. No client has more than `each` of them, and none has
    more than half of those to wait in."""

    def __init__(self, what: str, *, places: int, each: int, waiting: int, seconds: float) -> None:
        self.what, self.places, self.each, self.waiting, self.seconds = what, places, each, waiting, seconds
        self._change = threading.Condition()
        self._inside: Counter[str] = Counter()
        self._queue: Counter[str] = Counter()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Waits for a place, which what is called inside shares. Raises Busy."""
        within: set[Lane] = _mine.__dict__.setdefault("lanes", set())
        if self in within:
            yield
            return
        client = self.enter()
        within.add(self)
        try:
            yield
        finally:
            within.discard(self)
            self.leave(client)

    def enter(self) -> str:
        """Takes a place and returns whom it is for; `leave` gives it back. Raises Busy."""
        client = _client()
        with self._change:
            if self._queue.total() >= self.waiting or self._queue[client] >= max(1, self.waiting // 2):
                raise Busy(f"As many calls for {self.what} are at work and wait as may, which is the limit.")
            self._queue[client] += 1
            if not self._may_enter(client):
                _leave_connection()
            try:
                found = self._change.wait_for(lambda: self._may_enter(client), self.seconds)
            finally:
                self._queue -= Counter({client: 1})
            if not found:
                raise Busy(f"Other calls for {self.what} took more than {self.seconds:.0f} seconds.")
            self._inside[client] += 1
        return client

    def _may_enter(self, client: str) -> bool:
        return self._inside.total() < self.places and self._inside[client] < self.each

    def leave(self, client: str) -> None:
        with self._change:
            self._inside -= Counter({client: 1})
            self._change.notify_all()

    def streamed(self, pieces: Iterable[Item]) -> "Stream[Item]":
        """Returns the pieces of an answer, which has a place until it is closed. Raises Busy."""
        return Stream(self, self.enter(), pieces)


class Stream(Iterable[Item]):
    def __init__(self, lane: Lane, client: str, pieces: Iterable[Item]) -> None:
        self._lane, self._client, self._pieces = lane, client, pieces
        self._open = True

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from paced(self._pieces)
        finally:
            self.close()

    def close(self) -> None:
        """Gives the place back; what answers calls it in the end, whatever became of the client."""
        if self._open:
            self._open = False
            self._lane.leave(self._client)

    def __del__(self) -> None:
        self.close()  # of an answer that nobody got to close: a place must not be lost for good


MANY = Lane("many viewers", places=2, each=1, waiting=4, seconds=5)
FILES = Lane("files", places=2, each=1, waiting=2, seconds=5)
HEAVY = Lane("groups and reasons", places=1, each=1, waiting=12, seconds=10)  # so a place to compute in is left


# --- work in bulk -----------------------------------------------------------------------------------------------------
@contextmanager
def turn() -> Iterator[None]:
    """One short block of work in bulk: after the lists that somebody waits for, and on this machine one at a time."""
    until = time.monotonic() + LONGEST_PATIENCE
    while (_computing or _waiting) and time.monotonic() < until:
        time.sleep(0.002)
    with _alone():
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
    if time.monotonic() - _asked_at < LATELY:
        time.sleep(min(LONGEST_REST, REST * took))


@contextmanager
def _alone() -> Iterator[None]:
    """Among the web processes of this state folder; the lock goes with its holder. Where the disk is full, nobody
    waits."""
    with ExitStack() as stack:
        with suppress(OSError):
            file = stack.enter_context((settings.STATE_DIR / "bulk.lock").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def paced(items: Iterable[Item]) -> Iterator[Item]:
    """Yields the items, each of which is made in a turn."""
    rest = iter(items)
    while True:
        with turn():
            found = next(rest, _END)
        if found is _END:
            return
        yield found  # type: ignore[misc]


_END = object()
