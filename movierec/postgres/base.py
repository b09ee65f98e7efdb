"""The connections of Django: nobody asks for one while Postgres is lost, and a pool that has died is replaced."""

import threading
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg_pool import ConnectionPool, PoolClosed

from infrastructure.connectivity import POSTGRES
from movierec.postgres import driver
from movierec.postgres.connection import PostgresUnreachable

# Of a web process: a client that was cut off leaves its transaction, and the rows that it locked, to a server that does
# not know. No request thinks for that long between two statements.
IDLE_TRANSACTION_SECONDS = 5

_pools_lock = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    Database = driver

    @property
    def is_down(self) -> bool:
        """Whether Postgres does not answer this process."""
        return POSTGRES.is_down

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        make = super().get_new_connection
        if POSTGRES.blocks_this_thread:
            raise PostgresUnreachable("Postgres does not answer; it is asked again all the time.")
        if not self.pool:
            return make(conn_params)
        try:
            connection = make(conn_params)
        except PoolClosed:  # another thread has given it up
            connection = make(conn_params)
        if not _is_alive(connection):
            left = connection._pool
            left.putconn(connection)
            if not POSTGRES.confirm_up():
                raise PostgresUnreachable("Postgres does not answer; it is asked again all the time.")
            _discard_pool(self.alias, left)  # Postgres was gone for a moment: whatever the pool holds has died
            connection = make(conn_params)
        return connection

    def _configure_connection(self, connection: Any) -> bool:
        if self.pool:
            connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS}s'")
        return bool(super()._configure_connection(connection))  # type: ignore[misc]  # not in the stubs


def _discard_pool(alias: str, left: ConnectionPool) -> None:
    with _pools_lock:
        pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
        if pools.get(alias) is left:
            del pools[alias]
    left.close(0)


def _discard_all_pools() -> None:
    """Its connections have died, or it waits for longer and longer until it tries to make others."""
    for alias, left in list(DatabaseWrapper._connection_pools.items()):  # type: ignore[attr-defined]
        _discard_pool(alias, left)


POSTGRES.on_recovery.append(_discard_all_pools)


def _is_alive(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
