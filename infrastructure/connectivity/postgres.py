"""A connection to Postgres that only asks whether it is there."""

import select
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import Connection, OperationalError
from psycopg.pq import ExecStatus

CONNECT_TIMEOUT = 2  # seconds; the least that psycopg takes


class PostgresProbe:
    """The probe of a ServerMonitor for Postgres, with the parameters of Django's connection of that alias."""

    _connection: Connection[Any] | None = None

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias

    def connect(self) -> None:
        """Open a connection beside Django's pool. Raises OperationalError."""
        parameters = connections[self._alias].get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT}
        parameters.pop("pool", None)
        self._connection = Connection.connect(**parameters)

    def send_ping(self) -> None:
        """Send a query that needs no table."""
        self._libpq.send_query(b"SELECT 1")

    def wait_for_answer(self, timeout: float) -> bool:
        """Return whether the answer came within so many seconds. Raises OperationalError."""
        deadline, poll = time.monotonic() + timeout, select.poll()
        poll.register(self._libpq.socket, select.POLLIN)
        while True:
            while not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    return True
                if result.status == ExecStatus.FATAL_ERROR:
                    raise OperationalError(result.error_message.decode(errors="replace").strip())
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return False
            self._libpq.consume_input()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _libpq(self) -> Any:
        assert self._connection is not None
        return self._connection.pgconn
