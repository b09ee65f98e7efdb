"""The connections of Django: nobody asks for one while Postgres is lost, and a pool that has died is replaced."""

import threading
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg_pool import ConnectionPool, PoolClosed

from movierec.lines import POSTGRES
from movierec.postgres import driver
from movierec.postgres.connection import ServerLost

# Of a web process: a client that was cut off leaves its transaction, and the rows that it locked, to a server that does
# not know. No request thinks for that long between two statements.
ABANDONED_SECONDS = 5

_renewing = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    Database = driver

    @property
    def lost(self) -> bool:
        """Whether Postgres does not answer this process."""
        return POSTGRES.lost

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        make = super().get_new_connection
        if POSTGRES.closed:
            raise ServerLost("Postgres does not answer; it is asked again all the time.")
        if not self.pool:
            return make(conn_params)
        try:
            connection = make(conn_params)
        except PoolClosed:  # another thread has given it up
            connection = make(conn_params)
        if not _answers(connection):
            left = connection._pool
            left.putconn(connection)
            if not POSTGRES.answers():
                raise ServerLost("Postgres does not answer; it is asked again all the time.")
            _give_up(self.alias, left)  # Postgres was gone for a moment: whatever the pool holds has died
            connection = make(conn_params)
        return connection

    def _configure_connection(self, connection: Any) -> bool:
        if self.pool:
            connection.execute(f"SET idle_in_transaction_session_timeout = '{ABANDONED_SECONDS}s'")
        return bool(super()._configure_connection(connection))  # type: ignore[misc]  # not in the stubs


def _give_up(alias: str, left: ConnectionPool) -> None:
    with _renewing:
        pools = DatabaseWrapper._connection_pools  # type: ignore[attr-defined]
        if pools.get(alias) is left:
            del pools[alias]
    left.close(0)


def _give_up_all() -> None:
    """Its connections have died, or it waits for longer and longer until it tries to make others."""
    for alias, left in list(DatabaseWrapper._connection_pools.items()):  # type: ignore[attr-defined]
        _give_up(alias, left)


POSTGRES.on_return.append(_give_up_all)


def _answers(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
