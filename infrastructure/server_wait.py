"""Waits for a Postgres and a Redis that are on their way up, as beside containers that start at the same moment."""

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django_redis import get_redis_connection
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, TimeoutError

TIMEOUT = 90.0
POLL_INTERVAL = 1.1  # seconds: the line to Postgres asks once a second
REFUSAL_GRACE = 5.0  # seconds: a server that has just come up may get its database and its roles a moment later
# What a Postgres answers that is there but not open yet; any other refusal of its own stays one.
STARTUP_MESSAGES = ("starting up", "shutting down", "not yet accepting", "recovery")


def wait_for_postgres(say: Callable[[str], None], seconds: float = TIMEOUT) -> None:
    """Returns once Postgres takes a connection. Raises CommandError for a refusal that waiting does not change (a wrong
    password, no such database), and when it is not there within so many seconds."""

    def passing(error: Exception) -> bool:
        text = str(error)
        return "FATAL" not in text or any(words in text for words in STARTUP_MESSAGES)

    _wait_until("Postgres", "DATABASE_URL", connection.ensure_connection, OperationalError, passing, say, seconds)


def wait_for_redis(say: Callable[[str], None], seconds: float = TIMEOUT) -> None:
    """Returns once Redis answers. Raises CommandError as `postgres` does."""

    def passing(error: Exception) -> bool:
        return isinstance(error, ConnectionError | TimeoutError) and not isinstance(error, AuthenticationError)

    _wait_until("Redis", "REDIS_URL", lambda: get_redis_connection("lists").ping(), RedisError, passing, say, seconds)


def _wait_until(
    name: str,
    variable: str,
    ask: Callable[[], Any],
    refusal: type[Exception],
    passing: Callable[[Exception], bool],
    say: Callable[[str], None],
    seconds: float,
) -> None:
    until, said = time.monotonic() + seconds, False
    while True:
        try:
            ask()
            return
        except refusal as error:
            now, words = time.monotonic(), " ".join(str(error).split())
            if not passing(error):
                until = min(until, now + REFUSAL_GRACE)
            if now > until:
                raise CommandError(f"{name} cannot be reached: {words}. {variable} says where it is.") from error
            if not said:
                say(f"waiting up to {until - now:.0f} s for {name}: {words}")
                said = True
            time.sleep(POLL_INTERVAL)
