"""Records that this process has not sent to Redis yet: for half a second, and never more than MAX_BYTES of a log."""

import logging
import threading
import time
from collections.abc import Sequence

from django.conf import settings

from recommender import cache, process_state
from recommender.cache import CacheUnavailable

SERVED_LISTS, OUTCOMES = "lists", "outcomes"  # names of the logs, and of their counters: lists_sent, lists_dropped
LOGS = (SERVED_LISTS, OUTCOMES)
FLUSH_SECONDS = 0.5
MAX_BYTES = 8 << 20

log = logging.getLogger(__name__)


class RecordBuffer:
    """Collects the records of all threads, and sends them together. What finds no room or no Redis is counted."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything, as in a process that has just started."""
        with self._lock:
            self._packed: list[bytes] = []
            self._bytes = 0
            self._dropped = 0

    def add(self, packed: Sequence[bytes]) -> None:
        """Take records over."""
        size = sum(map(len, packed))
        with self._lock:
            if self._bytes + size > MAX_BYTES:
                self._dropped += len(packed)
            else:
                self._packed += packed
                self._bytes += size

    def flush(self) -> None:
        """Send all records to Redis. Those that it does not take are dropped and counted: nobody waits for them."""
        with self._lock:
            packed, dropped = self._packed, self._dropped
            self._packed, self._bytes, self._dropped = [], 0, 0
        if not packed and not dropped:
            return
        sent = 0
        try:
            if packed:
                cache.append_records(self._name, packed, settings.LOG_BACKLOG)
                sent = len(packed)
            counts = {f"{self._name}_sent": sent, f"{self._name}_dropped": dropped}
            cache.add_counters(int(time.time()), {name: count for name, count in counts.items() if count})
        except CacheUnavailable:
            with self._lock:
                self._dropped += dropped + len(packed) - sent


_buffers = {name: RecordBuffer(name) for name in LOGS}
_has_thread = threading.Event()  # set in a web process, for good


def _forget() -> None:
    for buffer in _buffers.values():
        buffer.reset()


process_state.register("record log: what was not sent yet", _forget)


def add_records(name: str, packed: Sequence[bytes]) -> None:
    """Hand records over to a log. Where no thread of this process sends them, they are sent at once."""
    _buffers[name].add(packed)
    if not _has_thread.is_set():
        _buffers[name].flush()


def flush_all() -> None:
    """Send what all logs of this process hold."""
    for buffer in _buffers.values():
        buffer.flush()


def start_thread() -> None:
    """Have a thread send what is collected; for a web process."""
    _has_thread.set()
    threading.Thread(target=_flush_forever, name="record-log", daemon=True).start()


def _flush_forever() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        try:
            flush_all()
        except Exception:  # the thread must outlive whatever one round meets
            log.exception("Records were not sent to their logs; the next ones are tried again.")
