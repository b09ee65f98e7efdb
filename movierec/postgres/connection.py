"""psycopg's connection, which waits for a server only while it is up.

psycopg wakes every few hundredths of a second while nothing comes; then the process's monitor of Postgres is read. On a
unix socket, where the kernel has no time-outs, nothing else would end a call to a frozen server. A server that answers
the monitor may take for a query as long as it needs. A late answer to the monitor ends a single read, which can be
answered in another way; a transaction, which may write, waits until the server counts as lost.
"""

import time
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Self

import psycopg
from psycopg import OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout

from infrastructure.connectivity import POSTGRES, REPLICA, ServerMonitor

POLL_INTERVAL = 0.05  # seconds
CONNECT_TIMEOUT_FACTOR = 5  # times the monitor's timeout: a server that answers and yet takes no connection
RECOVERY_TIMEOUT = 5.0  # seconds, of the monitor's own thread, for which no monitor asks


UNREACHABLE = "Postgres does not answer; it is asked again all the time."


class PostgresUnreachable(OperationalError):
    """Postgres does not answer; whether it will carry out the last statement is not known."""


class TransactionTimedOut(OperationalError):
    """Postgres ended a transaction that did nothing for too long; nothing of it is stored."""


class Connection(psycopg.Connection[Any]):
    """A connection whose every wait ends when Postgres is down."""

    monitor: ClassVar[ServerMonitor] = POSTGRES
    checked_at = float("-inf")  # monotonic seconds: when the server last said over it that it is there
    is_writing = False  # whether a statement that is a transaction of its own writes

    def wait(self, gen: Any, interval: float = POLL_INTERVAL, timeout: float | None = None) -> Any:
        """Wait as psycopg does. Raises PostgresUnreachable."""
        return super().wait(
            self._close_when_unreachable(
                _check_while_waiting(
                    gen, _unreachable_check(self.monitor, in_transaction=self.is_writing or not self.autocommit)
                )
            ),
            interval=interval,
            timeout=timeout,
        )

    def _close_when_unreachable(self, waiting: Any) -> Generator[Any, Any, Any]:
        try:
            return (yield from waiting)
        except IdleInTransactionSessionTimeout as error:  # for psycopg an error of the program's
            raise TransactionTimedOut("This process was too slow between two statements of a transaction.") from error
        except PostgresUnreachable:
            self.pgconn.finish()  # what still comes would be taken for the answer to another statement
            raise

    @classmethod
    def connect(cls, conninfo: str = "", **more: Any) -> Self:
        """Connect as psycopg does. Raises PostgresUnreachable at once while Postgres is down."""
        _unreachable_check(cls.monitor)()
        return super().connect(conninfo, **more)

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Any:
        seconds = CONNECT_TIMEOUT_FACTOR * cls.monitor.timeout if cls.monitor.is_running else None
        return _check_while_waiting(super()._connect_gen(conninfo), _unreachable_check(cls.monitor, seconds))


class ReplicaConnection(Connection):
    """The same of the replica, which may stand still while Postgres answers."""

    monitor = REPLICA


def _unreachable_check(
    monitor: ServerMonitor, seconds: float | None = None, *, in_transaction: bool = False
) -> Callable[[], None]:
    """Return a function that raises PostgresUnreachable while Postgres is down (in a transaction: lost), and after so
    many seconds."""
    started_at = time.monotonic()
    if monitor.in_monitor_thread:
        seconds = RECOVERY_TIMEOUT

    def check() -> None:
        is_gone = monitor.is_lost if in_transaction else monitor.is_down
        if is_gone and not monitor.recovering:  # then only the calls of on_recovery have connections
            raise PostgresUnreachable(f"{monitor.name} does not answer; it is asked again all the time.")
        if seconds is not None and time.monotonic() - started_at > seconds:
            raise PostgresUnreachable(f"{monitor.name} did not answer within {seconds:g} s.")

    return check


def _check_while_waiting(waiting: Any, check: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Run `waiting`, a generator of psycopg's, and call `check` whenever POLL_INTERVAL has brought nothing."""
    try:
        state = next(waiting)
        while True:
            ready = yield state
            if not ready:
                check()
            state = waiting.send(ready)
    except StopIteration as end:
        return end.value
