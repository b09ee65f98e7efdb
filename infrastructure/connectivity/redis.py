"""Connections to Redis that only ask whether it is there."""

import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

CONNECT_TIMEOUT = 1.0  # seconds


class RedisProbe:
    """The probe of a ServerMonitor for the Redis of the list cache: of every master where that is a cluster."""

    def __init__(self) -> None:
        self._connections: list[Any] = []
        self._pools: list[Any] = []  # connections know theirs by a weak reference

    def connect(self) -> None:
        """Open connections beside the pools of the cache. Raises redis' ConnectionError or TimeoutError."""
        timeouts = {"socket_timeout": CONNECT_TIMEOUT, "socket_connect_timeout": CONNECT_TIMEOUT}
        address = settings.LISTS_REDIS
        if address.nodes:
            cluster = address.cluster(**timeouts)
            self._pools = [node.redis_connection.connection_pool for node in cluster.get_primaries()]
        else:
            self._pools = [address.connection_pool(**timeouts)]
        for pool in self._pools:
            self._connections.append(pool.make_connection())
            self._connections[-1].connect()

    def send_ping(self) -> None:
        """Send a PING; in a cluster the question whether all of it is there."""
        question = ("CLUSTER", "INFO") if settings.LISTS_REDIS.nodes else ("PING",)
        for connection in self._connections:
            connection.send_command(*question, check_health=False)

    def wait_for_answer(self, timeout: float) -> bool:
        """Return whether the answers came within so many seconds. A refusal is one: the server is there.

        Raises redis' ConnectionError where a part of a cluster says that it is down.
        """
        deadline = time.monotonic() + timeout
        for connection in self._connections:
            if not connection.can_read(max(0.0, deadline - time.monotonic())):
                return False
        for connection in self._connections:
            with suppress(ResponseError):
                answer = connection.read_response()
                if settings.LISTS_REDIS.nodes and b"cluster_state:ok" not in answer:
                    raise RedisConnectionError("the cluster says that it is down")
        return True

    def close(self) -> None:
        """Close the connections, if there are any."""
        while self._connections:
            self._connections.pop().disconnect()
