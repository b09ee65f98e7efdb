"""Admission control: how much is computed at once. Reading a stored list is not counted: it costs next to nothing.

Past the bound a request is refused at once, to come again soon: a queue without an end makes everyone wait for nothing.
Interactive calls go first: bulk work is done in short turns, one at a time on a machine, between which it rests four
times as long as it worked while somebody waits for a list.
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

from recommender import process_state

MAX_RUNNING = 2  # requests that compute side by side in one process
MAX_QUEUED = 16  # requests that wait for them
RESERVED_FOR_OTHERS = 4  # places in the queue that no client takes who has all the others
QUEUE_TIMEOUT = 10.0  # seconds

INTERACTIVE_WINDOW = 1.0  # seconds after a call for which somebody is thought to be waiting
MAX_YIELD = 1.0  # seconds that a turn waits for lists that are being computed
REST_RATIO = 4.0  # of the time that a turn took
MAX_REST = 1.0  # seconds between two turns

_slots = threading.BoundedSemaphore(MAX_RUNNING)
_lock = threading.Lock()
_thread = threading.local()  # .client: whose call this thread works on
_queued = 0
_running = 0
_queued_by_client: Counter[str] = Counter()
# The counts above need no clearing: each call takes back what it added. This one is in monotonic seconds.
_last_interactive_at = process_state.Value("concurrency: when somebody last waited for a list", float("-inf"))

Item = TypeVar("Item")


class Overloaded(Exception):
    """As many requests wait as may wait, or one waited for too long. The caller may come again soon."""


def begin_call(client: str, *, interactive: bool) -> None:
    """Note whose call this thread works on from here, and whether somebody waits for the answer."""
    _thread.client = client
    if interactive:
        _last_interactive_at.current = time.monotonic()


def _client() -> str:
    return getattr(_thread, "client", "")


def _release_connection() -> None:
    """Give the database connection back before waiting in a queue: a request that runs may need it."""
    if not connection.in_atomic_block:
        connection.close()


def _wait_for_slot() -> bool:
    """Wait for a slot; say whether one became free in time."""
    _release_connection()
    return _slots.acquire(timeout=QUEUE_TIMEOUT)


@contextmanager
def compute_slot() -> Iterator[None]:
    """Hold one of the slots of this process for computing lists. Not to be nested. Raises Overloaded."""
    global _queued, _running
    client = _client()
    with _lock:
        if _queued >= MAX_QUEUED or _queued_by_client[client] >= max(1, MAX_QUEUED - RESERVED_FOR_OTHERS):
            raise Overloaded(f"{MAX_RUNNING} requests are being computed and {_queued} wait, which is the limit.")
        _queued += 1
        _queued_by_client[client] += 1
    try:
        acquired = _slots.acquire(blocking=False) or _wait_for_slot()
    finally:
        with _lock:
            _queued -= 1
            _queued_by_client[client] -= 1
            if not _queued_by_client[client]:
                del _queued_by_client[client]
    if not acquired:
        raise Overloaded(f"Nothing was computed for {QUEUE_TIMEOUT:.0f} seconds.")
    with _lock:
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
        _slots.release()


class Bulkhead:
    """Holds back calls of one costly kind: a few run in this process at once, `per_client` of them for one client.

    No client has more than half of the places in the queue.
    """

    def __init__(self, name: str, *, slots: int, per_client: int, max_queued: int, timeout: float) -> None:
        """Set the bounds; `timeout`: seconds that a call waits for a slot."""
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
        """Hold a slot. Not to be nested. Raises Overloaded."""
        client = self.acquire()
        try:
            yield
        finally:
            self.release(client)

    def acquire(self) -> str:
        """Wait for a slot and return the client that it is for; `release` gives it back. Raises Overloaded."""
        client = _client()
        with self._change:
            if self._queue.total() >= self.max_queued or self._queue[client] >= max(1, self.max_queued // 2):
                raise Overloaded(f"As many calls for {self.name} are at work and wait as may, which is the limit.")
            self._queue[client] += 1
            if not self._has_slot_for(client):
                _release_connection()
            try:
                acquired = self._change.wait_for(lambda: self._has_slot_for(client), self.timeout)
            finally:
                self._queue -= Counter({client: 1})
            if not acquired:
                raise Overloaded(f"Other calls for {self.name} took more than {self.timeout:.0f} seconds.")
            self._running[client] += 1
        return client

    def _has_slot_for(self, client: str) -> bool:
        return self._running.total() < self.slots and self._running[client] < self.per_client

    def release(self, client: str) -> None:
        """Give a slot of this client back."""
        with self._change:
            self._running -= Counter({client: 1})
            self._change.notify_all()

    def stream(self, pieces: Iterable[Item]) -> "SlotStream[Item]":
        """Return the pieces of an answer, which holds a slot until it is closed. Raises Overloaded."""
        return SlotStream(self, self.acquire(), pieces)


class SlotStream(Iterable[Item]):
    """The pieces of an answer, each made in a bulk turn, under a slot of a bulkhead."""

    def __init__(self, bulkhead: Bulkhead, client: str, pieces: Iterable[Item]) -> None:
        self._bulkhead, self._client, self._pieces = bulkhead, client, pieces
        self._open = True

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from in_bulk_turns(self._pieces)
        finally:
            self.close()

    def close(self) -> None:
        """Give the slot back, once; whoever sends the answer calls it in the end, whatever became of the client."""
        if self._open:
            self._open = False
            self._bulkhead.release(self._client)

    def __del__(self) -> None:
        self.close()  # of an answer that nobody got to close: a slot must not be lost for good


BULK_LISTS = Bulkhead("many viewers", slots=2, per_client=1, max_queued=4, timeout=5)
FILE_TRANSFERS = Bulkhead("files", slots=2, per_client=1, max_queued=2, timeout=5)
# One at a time, so that a slot to compute in is left for others.
GROUPS_AND_EXPLANATIONS = Bulkhead("groups and reasons", slots=1, per_client=1, max_queued=12, timeout=10)


@contextmanager
def bulk_turn() -> Iterator[None]:
    """Run one short block of bulk work: after the lists that somebody waits for, and on this machine one at a time."""
    until = time.monotonic() + MAX_YIELD
    while (_running or _queued) and time.monotonic() < until:
        time.sleep(0.002)
    with _machine_lock():
        started = time.monotonic()
        try:
            yield
        finally:
            duration = time.monotonic() - started
    if time.monotonic() - _last_interactive_at.current < INTERACTIVE_WINDOW:
        time.sleep(min(MAX_REST, REST_RATIO * duration))


@contextmanager
def _machine_lock() -> Iterator[None]:
    """Lock out the other web processes of this state folder; the lock ends with its process. Nobody waits where the
    disk is full."""
    with ExitStack() as stack:
        with suppress(OSError):
            file = stack.enter_context((settings.STATE_DIR / "bulk.lock").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def in_bulk_turns(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, each of which is made in a bulk turn."""
    iterator = iter(items)
    while True:
        with bulk_turn():
            item = next(iterator, _END)
        if item is _END:
            return
        yield item  # type: ignore[misc]


_END = object()
