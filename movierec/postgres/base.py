"""The connections of Django: a pool whose connections have died is noticed before anyone waits for it."""

import threading
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from movierec.postgres.line import LINE

_renewing = threading.Lock()
CLOSE_SECONDS = 1.0  # for the threads of a pool that is given up


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def lost(self) -> bool:
        """Whether Postgres was not there when this process last tried to connect."""
        return LINE.lost

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        make = super().get_new_connection
        if not self.pool:
            return LINE.made(lambda: make(conn_params))
        if LINE.lost:
            self._knock(conn_params)
            self._renew(self.pool)
        try:
            connection = make(conn_params)
        except PoolClosed:  # another thread has given it up
            connection = make(conn_params)
        except PoolTimeout:
            self._knock(conn_params)  # gone, or as busy as it seems
            raise
        if not _answers(connection):
            left = connection._pool
            left.putconn(connection)
            self._knock(conn_params)
            self._renew(left)
            connection = make(conn_params)
        return connection

    def _knock(self, conn_params: dict[str, Any]) -> None:
        """Connects past the pool, which would wait and try again. Raises OperationalError."""
        LINE.made(lambda: self.Database.connect(**conn_params)).close()

    def _renew(self, left: ConnectionPool) -> None:
        """Postgres was gone a moment ago: what the pool holds has died, or waits for minutes until it tries again."""
        with _renewing:
            pools = self._connection_pools  # type: ignore[attr-defined]
            if pools.get(self.alias) is left:
                del pools[self.alias]
        left.close(CLOSE_SECONDS)


def _answers(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
