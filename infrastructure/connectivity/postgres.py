"""A connection to Postgres that only asks whether it is there."""

import select
import time
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.pq import ExecStatus

CONNECT_TIMEOUT = 2  # the least that psycopg takes


class PostgresProbe:
    _connection: Connection[Any] | None = None

    def connect(self) -> None:
        from django.db import connection

        parameters = connection.get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT}
        parameters.pop("pool", None)
        self._connection = Connection.connect(**parameters)

    def send_ping(self) -> None:
        self._server.send_query(b"SELECT 1")

    def wait_for_answer(self, seconds: float) -> bool:
        until, poll = time.monotonic() + seconds, select.poll()
        poll.register(self._server.socket, select.POLLIN)
        while True:
            while not self._server.is_busy():
                result = self._server.get_result()
                if result is None:
                    return True
                if result.status == ExecStatus.FATAL_ERROR:
                    raise OperationalError(result.error_message.decode(errors="replace").strip())
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                return False
            self._server.consume_input()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _server(self) -> Any:
        assert self._connection is not None
        return self._connection.pgconn
