"""A connection to Redis that only asks whether it is there."""

from contextlib import suppress
from typing import Any

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

CONNECT_TIMEOUT = 1.0


class RedisProbe:
    _connection: Any = None

    def connect(self) -> None:
        from django.conf import settings

        bounds = {"socket_timeout": CONNECT_TIMEOUT, "socket_connect_timeout": CONNECT_TIMEOUT}
        address = str(settings.CACHES["lists"]["LOCATION"])
        pool = ConnectionPool.from_url(address, retry=Retry(NoBackoff(), 0), **bounds)
        self._connection = pool.make_connection()
        self._connection.connect()

    def send_ping(self) -> None:
        self._connection.send_command("PING", check_health=False)

    def wait_for_answer(self, seconds: float) -> bool:
        if not self._connection.can_read(seconds):
            return False
        with suppress(ResponseError):  # who refuses is there
            self._connection.read_response()
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
