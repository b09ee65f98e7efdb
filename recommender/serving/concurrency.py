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

MAX_RUNNING = 2  # requests that compute side by side in one process
MAX_QUEUED = 16  # that wait for them
RESERVED_FOR_OTHERS = 4  # of these places, which no client takes who has all the others
QUEUE_TIMEOUT = 10.0  # seconds

INTERACTIVE_WINDOW = 1.0  # seconds after a call for which somebody is thought to be waiting
MAX_YIELD = 1.0  # seconds that a turn waits for lists that are being computed
REST_RATIO = 4.0  # of the time that a turn took
MAX_REST = 1.0  # seconds between two turns

_slots = threading.BoundedSemaphore(MAX_RUNNING)
_lock = threading.Lock()
_thread = threading.local()
_queued = 0
_running = 0
_queued_by_client: Counter[str] = Counter()
_last_interactive_at = float("-inf")  # monotonic seconds

Item = TypeVar("Item")


class Overloaded(Exception):
    """As many requests wait as may wait."""


def begin_call(client: str, *, interactive: bool) -> None:
    """Notes whose call this thread works on, and whether somebody waits for its answer as it is made."""
    global _last_interactive_at
    _thread.client = client
    if interactive:
        _last_interactive_at = time.monotonic()


def _client() -> str:
    return getattr(_thread, "client", "")


# --- lists that somebody waits for ----------------------------------------------------------------------------------
def _release_connection() -> None:
    """Takes no database connection along into a queue: whoever has a place may need it."""
    if not connection.in_atomic_block:
        connection.close()


def _wait_for_slot() -> bool:
    """Says whether a place became free in time."""
    _release_connection()
    return _slots.acquire(timeout=QUEUE_TIMEOUT)


@contextmanager
def compute_slot() -> Iterator[None]:
    """Waits for a place; what a page computes for its rows has the page's. Raises Busy."""
    global _queued, _running
    if getattr(_thread, "place", False):
        yield
        return
    client = _client()
    with _lock:
        if _queued >= MAX_QUEUED or _queued_by_client[client] >= max(1, MAX_QUEUED - RESERVED_FOR_OTHERS):
            raise Overloaded(f"{MAX_RUNNING} requests are being computed and {_queued} wait, which is the limit.")
        _queued += 1
        _queued_by_client[client] += 1
    try:
        found = _slots.acquire(blocking=False) or _wait_for_slot()
    finally:
        with _lock:
            _queued -= 1
            _queued_by_client[client] -= 1
            if not _queued_by_client[client]:
                del _queued_by_client[client]
    if not found:
        raise Overloaded(f"Nothing was computed for {QUEUE_TIMEOUT:.0f} seconds.")
    _thread.place = True
    with _lock:
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
        _thread.place = False
        _slots.release()


# --- what costs as much as many lists ---------------------------------------------------------------------------------
class Bulkhead:
    """A few places in this process for calls of one costly kind. No client has more than `each` of them, and none has
    more than half of those to wait in."""

    def __init__(self, name: str, *, slots: int, per_client: int, max_queued: int, timeout: float) -> None:
        self.name, self.slots, self.per_client, self.max_queued, self.timeout = (
            name,
            slots,
            per_client,
            max_queued,
            timeout,
        )
        self._change = threading.Condition()
        self._running: Counter[str] = Counter()
        self._queue: Counter[str] = Counter()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Waits for a place, which what is called inside shares. Raises Busy."""
        within: set[Bulkhead] = _thread.__dict__.setdefault("lanes", set())
        if self in within:
            yield
            return
        client = self.acquire()
        within.add(self)
        try:
            yield
        finally:
            within.discard(self)
            self.release(client)

    def acquire(self) -> str:
        """Takes a place and returns whom it is for; `leave` gives it back. Raises Busy."""
        client = _client()
        with self._change:
            if self._queue.total() >= self.max_queued or self._queue[client] >= max(1, self.max_queued // 2):
                raise Overloaded(f"As many calls for {self.name} are at work and wait as may, which is the limit.")
            self._queue[client] += 1
            if not self._may_enter(client):
                _release_connection()
            try:
                found = self._change.wait_for(lambda: self._may_enter(client), self.timeout)
            finally:
                self._queue -= Counter({client: 1})
            if not found:
                raise Overloaded(f"Other calls for {self.name} took more than {self.timeout:.0f} seconds.")
            self._running[client] += 1
        return client

    def _may_enter(self, client: str) -> bool:
        return self._running.total() < self.slots and self._running[client] < self.per_client

    def release(self, client: str) -> None:
        with self._change:
            self._running -= Counter({client: 1})
            self._change.notify_all()

    def stream(self, pieces: Iterable[Item]) -> "SlotStream[Item]":
        """Returns the pieces of an answer, which has a place until it is closed. Raises Busy."""
        return SlotStream(self, self.acquire(), pieces)


class SlotStream(Iterable[Item]):
    def __init__(self, lane: Bulkhead, client: str, pieces: Iterable[Item]) -> None:
        self._lane, self._client, self._pieces = lane, client, pieces
        self._open = True

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from in_bulk_turns(self._pieces)
        finally:
            self.close()

    def close(self) -> None:
        """Gives the place back; what answers calls it in the end, whatever became of the client."""
        if self._open:
            self._open = False
            self._lane.release(self._client)

    def __del__(self) -> None:
        self.close()  # of an answer that nobody got to close: a place must not be lost for good


BULK_LISTS = Bulkhead("many viewers", slots=2, per_client=1, max_queued=4, timeout=5)
FILE_TRANSFERS = Bulkhead("files", slots=2, per_client=1, max_queued=2, timeout=5)
GROUPS_AND_EXPLANATIONS = Bulkhead(
    "groups and reasons", slots=1, per_client=1, max_queued=12, timeout=10
)  # so a place to compute in is left


# --- work in bulk -----------------------------------------------------------------------------------------------------
@contextmanager
def bulk_turn() -> Iterator[None]:
    """One short block of work in bulk: after the lists that somebody waits for, and on this machine one at a time."""
    until = time.monotonic() + MAX_YIELD
    while (_running or _queued) and time.monotonic() < until:
        time.sleep(0.002)
    with _machine_lock():
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
    if time.monotonic() - _last_interactive_at < INTERACTIVE_WINDOW:
        time.sleep(min(MAX_REST, REST_RATIO * took))


@contextmanager
def _machine_lock() -> Iterator[None]:
    """Among the web processes of this state folder; the lock goes with its holder. Where the disk is full, nobody
    waits."""
    with ExitStack() as stack:
        with suppress(OSError):
            file = stack.enter_context((settings.STATE_DIR / "bulk.lock").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def in_bulk_turns(items: Iterable[Item]) -> Iterator[Item]:
    """Yields the items, each of which is made in a turn."""
    rest = iter(items)
    while True:
        with bulk_turn():
            found = next(rest, _END)
        if found is _END:
            return
        yield found  # type: ignore[misc]


_END = object()
