"""Admission control: how much is computed at once. Reading a stored list is not counted: it costs next to nothing.

Past the bound a request is refused at once: a queue without an end makes everyone wait for nothing. Whoever waits is
served by turns of the clients, so that none waits longer for the many requests of another. Interactive calls go first:
bulk work is done in short turns, one at a time on a machine, between which it rests four times as long as it worked
while somebody waits for a list.
"""

import fcntl
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

from django.conf import settings
from django.db import connection

from recommender import process_state

INTERACTIVE_WINDOW = 1.0  # seconds after a call for which somebody is thought to be waiting
MAX_YIELD = 1.0  # seconds that a turn waits for lists that are being computed
REST_RATIO = 4.0  # of the time that a turn took
MAX_REST = 1.0  # seconds between two turns

_thread = threading.local()  # .client: whose call this thread works on
# The counts of slots need no clearing: each call takes back what it added. This one is in monotonic seconds.
_last_interactive_at = process_state.Value("concurrency: when somebody last waited for a list", float("-inf"))

Item = TypeVar("Item")


class Overloaded(Exception):
    """As many requests wait as may wait, or one waited for too long. The caller may come again soon."""


def begin_call(client: str, *, interactive: bool) -> None:
    """Note whose call this thread works on from here, and whether somebody waits for the answer."""
    _thread.client = client
    if interactive:
        _last_interactive_at.current = time.monotonic()


def end_call() -> None:
    """Forget whose call this thread worked on."""
    _thread.client = ""


def _client() -> str:
    return getattr(_thread, "client", "")


def _release_connection() -> None:
    """Give the database connection back before waiting in a queue: a request that runs may need it."""
    if not connection.in_atomic_block:
        connection.close()


class _Waiter:
    """A request that waits for a slot, until `done` is set: admitted, or put out to let another client wait."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.admitted = False


class Bulkhead:
    """Holds back calls of one costly kind: `slots` run in this process at once, `per_client` of them for one client.

    A slot that becomes free goes to the client that has the fewest, and among those by turns. Where the queue is full,
    the client with the most requests in it loses its newest to one that has fewer: no client can take all places.
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
        self._lock = threading.RLock()  # the collector of garbage may close a stream, whose slot it is, inside
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[_Waiter]] = {}  # by client, the one that was served last at the end; none empty

    @property
    def is_busy(self) -> bool:
        """Whether a call runs or waits."""
        return bool(self._running or self._queues)

    @contextmanager
    def slot(self, timeout: float | None = None) -> Iterator[None]:
        """Hold a slot. Not to be nested. `timeout`: seconds to wait, in place of the usual. Raises Overloaded."""
        client = self.acquire(timeout)
        try:
            yield
        finally:
            self.release(client)

    def acquire(self, timeout: float | None = None) -> str:
        """Wait for a slot and return the client that it is for; `release` gives it back. Raises Overloaded."""
        client, waiter = _client(), _Waiter()
        timeout = self.timeout if timeout is None else timeout
        with self._lock:
            if self._may_run(client):  # whoever waits cannot: a slot that is free for them is given at once
                self._running[client] += 1
                return client
            self._make_room(client)
            self._queues.setdefault(client, deque()).append(waiter)
        _release_connection()
        waiter.done.wait(timeout)
        with self._lock:
            if waiter.admitted:
                return client
            was_put_out = waiter.done.is_set()
            if not was_put_out:
                self._take_out(client, waiter)
        if was_put_out:
            raise Overloaded(f"Other clients have their turn for {self.name}, and the queue is at its limit.")
        raise Overloaded(f"Other calls for {self.name} took more than {timeout:g} seconds.")

    def _may_run(self, client: str) -> bool:
        return self._running.total() < self.slots and self._running[client] < self.per_client

    def _make_room(self, client: str) -> None:
        """Put a waiter out where the queue is full. Raises Overloaded where this client itself waits most."""
        queued = sum(map(len, self._queues.values()))
        if queued < self.max_queued:
            return
        longest = max(self._queues, key=lambda other: len(self._queues[other]), default=client)
        if longest not in self._queues or len(self._queues[longest]) < len(self._queues.get(client, ())) + 2:
            raise Overloaded(
                f"{self._running.total()} of the calls for {self.name} are at work and {queued} wait: the limit."
            )
        newest = self._queues[longest][-1]
        self._take_out(longest, newest)
        newest.done.set()

    def _take_out(self, client: str, waiter: _Waiter) -> None:
        self._queues[client].remove(waiter)
        if not self._queues[client]:
            del self._queues[client]

    def release(self, client: str) -> None:
        """Give a slot of this client back."""
        with self._lock:
            self._running -= Counter({client: 1})
            while may_run := [waiting for waiting in self._queues if self._may_run(waiting)]:
                next_client = min(may_run, key=lambda waiting: self._running[waiting])  # of equals the first
                queue = self._queues.pop(next_client)
                waiter = queue.popleft()
                if queue:
                    self._queues[next_client] = queue
                self._running[next_client] += 1
                waiter.admitted = True
                waiter.done.set()

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


PATIENCE = 10.0  # seconds that staff wait for a slot: what they look at is as viewers get it, or not there
# One client may have all slots while no other waits; the next that is free is another's. Nobody waits long: there are
# stored lists and popular films to answer with.
COMPUTING = Bulkhead("lists", slots=2, per_client=2, max_queued=16, timeout=0.2)
BULK_LISTS = Bulkhead("many viewers", slots=2, per_client=1, max_queued=4, timeout=5)
FILE_TRANSFERS = Bulkhead("files", slots=2, per_client=1, max_queued=2, timeout=5)
# One at a time, so that a slot to compute in is left for others.
GROUPS_AND_EXPLANATIONS = Bulkhead("groups and reasons", slots=1, per_client=1, max_queued=12, timeout=1)


@contextmanager
def bulk_turn() -> Iterator[None]:
    """Run one short block of bulk work: after the lists that somebody waits for, and on this machine one at a time."""
    until = time.monotonic() + MAX_YIELD
    while COMPUTING.is_busy and time.monotonic() < until:
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
