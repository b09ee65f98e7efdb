"""What this process has to do with the Redis of the lists: errors in one kind, no waiting while it is lost, and no
trust in a server that is not the one known."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import caches
from django.db import DatabaseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from infrastructure.connectivity import REDIS

PROBE_INTERVAL = 1.0


class CacheUnavailable(Exception):
    """Redis did not answer, or refused the command. Nothing is known to have been read or written."""


class RedisConnection:
    """While Redis is lost every contact fails at once. When it answers again and is another server (restarted, or a
    copy that lagged), `on_new_server` is called before any thread may read from it.

    In a web process a thread of its own finds out both (infrastructure.connectivity); elsewhere whoever needs Redis tries, once a
    second, and nobody waits for that try."""

    def __init__(self, on_new_server: Callable[[], None]) -> None:
        self.on_new_server = on_new_server
        self.is_down = False
        self.server_id: str | None = None  # identity of the server whose contents are trusted
        self.next_probe_at = 0.0  # monotonic seconds
        self.lock = threading.RLock()
        self.restoring = False  # by the thread that has the lock: what it writes meanwhile goes through

    @contextmanager
    def checked_client(self) -> Iterator[Any]:
        """The client, for the commands of the block. Raises CacheUnavailable."""
        if REDIS.is_running:
            if REDIS.blocks_this_thread:
                raise CacheUnavailable("Redis does not answer; it is asked again all the time.")
        elif self.is_down or self.server_id is None:
            self._probe()
        with self._translate_errors():
            yield self.client()

    @staticmethod
    def client() -> Any:
        return caches["lists"].client.get_client(write=True)  # type: ignore[attr-defined]

    def _probe(self) -> None:
        if not self.lock.acquire(blocking=self.server_id is None):
            raise CacheUnavailable("Redis was lost; it is asked this moment whether it is back.")
        try:
            if self.restoring or (self.server_id is not None and not self.is_down):  # or another thread was faster
                return
            now = time.monotonic()
            if now < self.next_probe_at:
                raise CacheUnavailable("Redis was lost less than a second ago; it is asked again shortly.")
            self.next_probe_at = now + PROBE_INTERVAL
            with self._translate_errors():
                self.verify_server()
            self.next_probe_at = 0.0
        finally:
            self.lock.release()

    def verify_server(self) -> None:
        with self.lock:
            client = self.client()
            server = f"{client.info('server')['run_id']} {client.info('replication').get('master_replid')}"
            if self.server_id not in (None, server):
                if (
                    REDIS.is_running and not REDIS.in_monitor_thread
                ):  # for the thread that asks, while everybody else keeps out
                    REDIS.report_failure("another server answers")
                    raise CacheUnavailable("Redis is another server than before.")
                self.is_down = self.restoring = True
                try:
                    self.on_new_server()
                finally:
                    self.restoring = False
            self.server_id, self.is_down = server, False

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            self.is_down = True
            REDIS.report_failure(error)
            raise CacheUnavailable(f"Redis is unreachable: {error}") from error
        except RedisError as error:  # out of memory, read-only, ...
            raise CacheUnavailable(f"Redis refused: {error}") from error
        except DatabaseError as error:  # the epoch could not be raised, so nothing here may be trusted yet
            words = "Redis is another server than before, and Postgres did not answer"
            raise CacheUnavailable(f"{words}: {error}") from error
