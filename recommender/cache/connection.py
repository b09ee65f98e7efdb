"""This process's connections to the Redis of the lists, and to that of the counters where it is another.

It has one kind of error, does not wait while Redis is down, and trusts no other server than the one known.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import SentinelConnectionPool

from infrastructure.connectivity import REDIS, ServerMonitor
from recommender import process_state

PROBE_INTERVAL = 1.0  # seconds


class CacheUnavailable(Exception):
    """Redis did not answer, or refused the command. Nothing is known to have been read or written."""


class RawRead(NamedTuple):
    """A read and its reply: while the same command has the same reply, nothing that it reads has changed."""

    command: tuple[str, ...]
    reply: Any  # as it came


class RedisConnection:
    """A circuit breaker around Django's client.

    While Redis is down every call fails at once. When it answers again and is another server (restarted, or a copy that
    lagged), `on_new_server` is called before any thread may read from it. In a web process a thread of its own finds
    out both (infrastructure.connectivity); elsewhere the caller that needs Redis tries, once in PROBE_INTERVAL, and no
    other caller waits for it. Behind Sentinel no answer counts that came from another master than the one known.

    `alias`: of Django's cache. `monitor`: of its server, if there is one.
    """

    def __init__(self, alias: str, monitor: ServerMonitor | None) -> None:
        self._alias, self._monitor = alias, monitor
        self.on_new_server: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._restoring = False  # by the thread that has the lock: what it writes meanwhile goes through
        self._idle: deque[Any] = deque()  # connections of `run`
        self.reset()
        os.register_at_fork(after_in_child=self._idle.clear)

    def reset(self) -> None:
        """Forget which server was known, as in a process that has just started."""
        self.is_down = False
        self.server_id: str | None = None  # of the server whose contents are trusted
        self._next_probe_at = 0.0  # monotonic seconds
        self._sentinel_pool: Any = None  # of the client; None: its server has an address of its own
        self._master: tuple[str, int] | None = None  # the address behind Sentinel that `server_id` is of
        self._idle.clear()

    @contextmanager
    def checked_client(self) -> Iterator[Any]:
        """Yield the client, for the commands of the block. Raises CacheUnavailable."""
        self._check()
        with self._translate_errors():
            yield self.client()
        self._refuse_other_master()

    def run(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Return the replies to commands, as they came, after one round trip; a command that was refused has its error
        there. Raises CacheUnavailable.

        For what nearly every request does: the client takes four times as long.
        """
        self._check()
        with self._translate_errors():
            replies = self._exchange(commands)
        self._refuse_other_master()
        return replies

    def _refuse_other_master(self) -> None:
        """Raise CacheUnavailable where a connection that was made meanwhile leads to another master than the one known:
        it may lack what the former one had, and answered before anybody asked who it is."""
        if self._sentinel_pool is not None and self._sentinel_pool.master_address != self._master:
            self.is_down = True
            if self._monitor is not None:
                self._monitor.report_failure("Sentinel names another master")
            raise CacheUnavailable("Sentinel names another master than before.")

    def _check(self) -> None:
        if self._monitor is not None and self._monitor.is_running:
            if self._monitor.blocks_this_thread:
                raise CacheUnavailable("Redis does not answer; the monitor of this process asks it again all the time.")
        elif self.is_down or self.server_id is None:
            self._probe()

    def _exchange(self, commands: tuple[tuple[Any, ...], ...]) -> list[Any]:
        while True:
            was_idle = True
            try:
                connection = self._idle.pop()
            except IndexError:
                connection, was_idle = self.client().connection_pool.make_connection(), False
            try:
                if not was_idle:
                    connection.connect()  # sending connects too, but asks no Sentinel where to
                connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                replies = [_read_reply(connection) for _ in commands]
            except BaseException as error:
                connection.disconnect()  # it may hold what is left of the replies
                if not was_idle or not isinstance(error, RedisConnectionError):
                    raise
                self._idle.clear()  # the server has closed them, as when it was restarted
                continue
            self._idle.append(connection)
            return replies

    def client(self) -> Any:
        """Return Django's client as it is: unchecked, and with the library's own errors."""
        return caches[self._alias].client.get_client(write=True)  # type: ignore[attr-defined]

    def _probe(self) -> None:
        if not self._lock.acquire(blocking=self.server_id is None):
            raise CacheUnavailable("Redis is down; another thread is asking whether it is back.")
        try:
            if self._restoring or (self.server_id is not None and not self.is_down):  # or another thread was faster
                return
            now = time.monotonic()
            if now < self._next_probe_at:
                raise CacheUnavailable("Redis is down; it was asked less than a second ago.")
            self._next_probe_at = now + PROBE_INTERVAL
            with self._translate_errors():
                self.verify_server()
            self._next_probe_at = 0.0
        finally:
            self._lock.release()

    def verify_server(self) -> None:
        """Ask the server who it is; where it is another one than before, call `on_new_server` before it is trusted."""
        with self._lock:
            client = self.client()
            server_id = f"{client.info('server')['run_id']} {client.info('replication').get('master_replid')}"
            is_other, monitor = self.server_id not in (None, server_id), self._monitor
            if is_other and monitor is not None and monitor.is_running and not monitor.in_monitor_thread:
                # The monitor calls `on_new_server`, while all other threads keep out.
                monitor.report_failure("another server answers")
                raise CacheUnavailable("Redis is another server than before.")
            pool = client.connection_pool
            if isinstance(pool, SentinelConnectionPool):
                self._sentinel_pool, self._master = pool, pool.master_address
            if is_other:
                self.is_down = self._restoring = True
                try:
                    self.on_new_server()
                finally:
                    self._restoring = False
            self.server_id, self.is_down = server_id, False

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            self.is_down = True
            if self._monitor is not None:
                self._monitor.report_failure(error)
            raise CacheUnavailable(f"Redis is unreachable: {error}") from error
        except RedisError as error:  # out of memory, read-only, ...
            raise CacheUnavailable(f"Redis refused: {error}") from error
        except DatabaseError as error:  # the epoch could not be raised, so nothing here may be trusted yet
            message = "Redis is another server than before, and Postgres did not answer"
            raise CacheUnavailable(f"{message}: {error}") from error


def _read_reply(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


redis_connection = RedisConnection("lists", REDIS)
process_state.register("cache: the Redis server that is known", redis_connection.reset)
# A server of its own has no monitor: where it does not answer nothing is counted, and nobody waits for it.
counters_connection = redis_connection
if settings.COUNTERS_REDIS != settings.LISTS_REDIS:
    counters_connection = RedisConnection("counters", None)
    process_state.register("cache: the Redis server of the counters", counters_connection.reset)
