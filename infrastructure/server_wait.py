"""Wait for a Postgres and a Redis that are on their way up, as beside containers that start at the same moment."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, TimeoutError

from infrastructure.redis_address import RedisAddress

TIMEOUT = 90.0  # seconds
PING_TIMEOUT = 3.0  # seconds
POLL_INTERVAL = 1.1  # seconds: the monitor of Postgres asks once a second
REFUSAL_GRACE = 5.0  # seconds: a server that has just come up may get its database and its roles a moment later
# What a Postgres answers that is there but not open yet; any other refusal of its own stays one.
STARTUP_MESSAGES = ("starting up", "shutting down", "not yet accepting", "recovery")


def wait_for_postgres(say: Callable[[str], None], timeout: float = TIMEOUT) -> None:
    """Wait until Postgres takes a connection.

    Raises CommandError for a refusal that waiting does not change (a wrong password, no such database), and when it is
    not there within `timeout` seconds.
    """

    def is_passing(error: Exception) -> bool:
        text = str(error)
        return "FATAL" not in text or any(message in text for message in STARTUP_MESSAGES)

    _wait_until("Postgres", "DATABASE_URL", connection.ensure_connection, OperationalError, is_passing, say, timeout)


def wait_for_redis(say: Callable[[str], None], timeout: float = TIMEOUT) -> None:
    """Wait until every Redis in use answers. Raises CommandError as `wait_for_postgres` does."""

    def is_passing(error: Exception) -> bool:
        return isinstance(error, ConnectionError | TimeoutError) and not isinstance(error, AuthenticationError)

    uses = {settings.LISTS_REDIS: "lists", settings.COUNTERS_REDIS: "counters", settings.BROKER_REDIS: "broker"}
    for address, use in uses.items():
        own = f"MOVIEREC_{use.upper()}_URL"
        variable = own if os.environ.get(own) else "REDIS_URL"
        _wait_until("Redis", variable, partial(_ping, address), RedisError, is_passing, say, timeout)


def _ping(address: RedisAddress) -> None:
    timeouts = {"socket_timeout": PING_TIMEOUT, "socket_connect_timeout": PING_TIMEOUT}
    with address.servers(**timeouts) as servers:
        for server in servers:
            server.ping()


def _wait_until(
    name: str,
    variable: str,
    connect: Callable[[], Any],
    refusal: type[Exception],
    is_passing: Callable[[Exception], bool],
    say: Callable[[str], None],
    timeout: float,
) -> None:
    deadline, is_announced = time.monotonic() + timeout, False
    while True:
        try:
            connect()
            return
        except refusal as error:
            now, reason = time.monotonic(), " ".join(str(error).split())
            if not is_passing(error):
                deadline = min(deadline, now + REFUSAL_GRACE)
            if now > deadline:
                raise CommandError(f"{name} cannot be reached: {reason}. {variable} says where it is.") from error
            if not is_announced:
                say(f"waiting up to {deadline - now:.0f} s for {name}: {reason}")
                is_announced = True
            time.sleep(POLL_INTERVAL)
