"""A connection to Redis that only asks whether it is there."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from redis.exceptions import ResponseError

CONNECT_TIMEOUT = 1.0  # seconds


class RedisProbe:
    """The probe of a ServerMonitor for the Redis of the list cache."""

    _connection: Any = None
    _pool: Any = None

    def connect(self) -> None:
        """Open a connection beside the pools of the cache. Raises redis' ConnectionError or TimeoutError."""
        timeouts = {"socket_timeout": CONNECT_TIMEOUT, "socket_connect_timeout": CONNECT_TIMEOUT}
        self._pool = settings.LISTS_REDIS.connection_pool(**timeouts)  # its connections know it by a weak reference
        self._connection = self._pool.make_connection()
        self._connection.connect()

    def send_ping(self) -> None:
        """Send a PING."""
        self._connection.send_command("PING", check_health=False)

    def wait_for_answer(self, timeout: float) -> bool:
        """Return whether the answer came within so many seconds. A refusal is one: the server is there."""
        if not self._connection.can_read(timeout):
            return False
        with suppress(ResponseError):
            self._connection.read_response()
        return True

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
