"""psycopg's connection, which waits for a server only while it is there.

psycopg wakes every few hundredths of a second while nothing comes; the process's line is looked at then. On a unix
socket, where the kernel has no time-outs, nothing else would end a call to a frozen server. A server that answers the
line may take for a query as long as it needs.
"""

import time
from collections.abc import Callable, Generator
from typing import Any, Self

import psycopg
from psycopg import OperationalError

from infrastructure.connectivity import POSTGRES

POLL_INTERVAL = 0.05  # seconds
CONNECT_TIMEOUT_FACTOR = 5  # times the line's: a server that answers and yet takes no connection
RECOVERY_TIMEOUT = 5.0  # of the asking thread itself, for which nobody asks


class PostgresUnreachable(OperationalError):
    """Postgres does not answer; whether it will do what it was last told is not known."""


class Connection(psycopg.Connection[Any]):
    def wait(self, gen: Any, interval: float = POLL_INTERVAL, timeout: float | None = None) -> Any:
        return super().wait(
            self._close_when_unreachable(_check_while_waiting(gen, _unreachable_check())),
            interval=interval,
            timeout=timeout,
        )

    def _close_when_unreachable(self, waiting: Any) -> Generator[Any, Any, Any]:
        try:
            return (yield from waiting)
        except PostgresUnreachable:
            self.pgconn.finish()  # what still comes is nobody's answer any more
            raise

    @classmethod
    def connect(cls, conninfo: str = "", **more: Any) -> Self:
        _unreachable_check()()
        return super().connect(conninfo, **more)

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Any:
        seconds = CONNECT_TIMEOUT_FACTOR * POSTGRES.timeout if POSTGRES.is_running else None
        return _check_while_waiting(super()._connect_gen(conninfo), _unreachable_check(seconds))


def _unreachable_check(seconds: float | None = None) -> Callable[[], None]:
    """What raises ServerLost when it is called while Postgres is lost, or after so many seconds."""
    begun = time.monotonic()
    if POSTGRES.in_monitor_thread:
        seconds = RECOVERY_TIMEOUT

    def look() -> None:
        if POSTGRES.is_down and not POSTGRES.recovering:  # then whoever has a connection got it for what is made up for
            raise PostgresUnreachable("Postgres does not answer; it is asked again all the time.")
        if seconds is not None and time.monotonic() - begun > seconds:
            raise PostgresUnreachable(f"Postgres did not answer within {seconds:g} s.")

    return look


def _check_while_waiting(waiting: Any, look: Callable[[], None]) -> Generator[Any, Any, Any]:
    """What `waiting`, a generator of psycopg's, comes to; `look` is called whenever a tick has brought nothing."""
    try:
        state = next(waiting)
        while True:
            ready = yield state
            if not ready:
                look()
            state = waiting.send(ready)
    except StopIteration as end:
        return end.value
