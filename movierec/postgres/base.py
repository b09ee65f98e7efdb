"""Django's connections: none is made while Postgres is down, and a pool whose connections have died is replaced."""

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg_pool import ConnectionPool, PoolClosed

from infrastructure.connectivity import POSTGRES, REPLICA_ALIAS
from movierec.postgres import driver, replica_driver
from movierec.postgres.connection import UNREACHABLE, PostgresUnreachable

# Of a web process: a client that was cut off leaves its transaction, and the rows that it locked, to a server that does
# not know. No request thinks for that long between two statements.
IDLE_TRANSACTION_SECONDS = 5
CHECK_SECONDS = 5.0  # between two questions to the server whether a connection of the pool is good

_pools_lock = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper of a connection, which fails at once while Postgres is down."""

    Database: Any = driver

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.alias == REPLICA_ALIAS:
            self.Database = replica_driver

    @property
    def is_down(self) -> bool:
        """Return whether Postgres does not answer this process."""
        return POSTGRES.is_down

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that answers, of the pool in a web process. Raises PostgresUnreachable."""
        make = super().get_new_connection
        if POSTGRES.blocks_this_thread:
            raise PostgresUnreachable(UNREACHABLE)
        if not self.pool:
            return make(conn_params)
        try:
            connection = make(conn_params)
        except PoolClosed:  # another thread has discarded it
            connection = make(conn_params)
        if not _is_alive(connection):
            pool = connection._pool
            pool.putconn(connection)
            if not POSTGRES.confirm_up():
                raise PostgresUnreachable(UNREACHABLE)
            _discard_pool(self.alias, pool)  # Postgres was gone for a moment: the pool's connections have died
            connection = make(conn_params)
        return connection

    @contextmanager
    def single_write(self) -> Iterator[None]:
        """Have a statement that writes without a transaction around it waited for as transactions are."""
        self.ensure_connection()
        self.connection.is_writing = True
        try:
            yield
        finally:
            if self.connection is not None:
                self.connection.is_writing = False

    def _configure_connection(self, connection: Any) -> bool:
        if self.pool:
            connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'")
        return bool(super()._configure_connection(connection))  # type: ignore[misc]  # not in the stubs


def _discard_pool(alias: str, pool: ConnectionPool) -> None:
    with _pools_lock:
        pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
        if pools.get(alias) is pool:
            del pools[alias]
    pool.close(0)


def _discard_all_pools() -> None:
    """Discard every pool: its connections have died, or it waits longer and longer before it makes others."""
    for alias, pool in list(DatabaseWrapper._connection_pools.items()):  # type: ignore[attr-defined]
        _discard_pool(alias, pool)


POSTGRES.on_recovery.append(_discard_all_pools)


def _is_alive(connection: Any) -> bool:
    """Say whether the server holds the other end. It is not asked again within CHECK_SECONDS while it says nothing
    unbidden, as it does when it closes."""
    now = time.monotonic()
    if not connection.closed and now < connection.checked_at + CHECK_SECONDS and not _has_input(connection):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    connection.checked_at = now
    return True


def _has_input(connection: Any) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
