"""How much is computed at once. Reading a stored list is not counted: it costs next to nothing.

Past the bound a request is told to come back, at once: a queue without an end makes everyone wait for nobody's sake.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

COMPUTED = 2  # requests that compute side by side in one process
WAITING = 16  # that wait for them
LONGEST_WAIT = 10.0  # seconds: a batch of 1,000 viewers may be ahead

_free = threading.BoundedSemaphore(COMPUTED)
_lock = threading.Lock()
_mine = threading.local()
_waiting = 0


class Busy(Exception):
    """As many requests wait as may wait."""


def _waited() -> bool:
    """Whether a place became free. Nobody takes a connection along into the queue: whoever has a place may need it."""
    if not connection.in_atomic_block:
        connection.close()
    return _free.acquire(timeout=LONGEST_WAIT)


@contextmanager
def computing() -> Iterator[None]:
    """Waits for a place; what a page computes for its rows has the page's. Raises Busy."""
    global _waiting
    if getattr(_mine, "place", False):
        yield
        return
    with _lock:
        if _waiting >= WAITING:
            raise Busy(f"{COMPUTED} requests are being computed and {WAITING} wait, which is the limit.")
        _waiting += 1
    try:
        found = _free.acquire(blocking=False) or _waited()
    finally:
        with _lock:
            _waiting -= 1
    if not found:
        raise Busy(f"Nothing was computed for {LONGEST_WAIT:.0f} seconds.")
    _mine.place = True
    try:
        yield
    finally:
        _mine.place = False
        _free.release()
