"""This process's connections to the Redis of the lists, and to that of the counters where it is another.

It has one kind of error, does not wait while Redis is down, and trusts no other server than the one known.
"""

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import SentinelConnectionPool

from infrastructure.connectivity import REDIS, ServerMonitor
from recommender import process_state

PROBE_INTERVAL = 1.0  # seconds
MAX_REDIRECTS = 8  # of a command in a cluster, while slots move
TRY_AGAIN_SECONDS = 0.02  # until a command is sent again whose keys are between two servers


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

    is_cluster = False

    def __init__(self, alias: str, monitor: ServerMonitor | None) -> None:
        self._alias, self._monitor = alias, monitor
        self.on_new_server: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._restoring = False  # by the thread that has the lock: what it writes meanwhile goes through
        self._idle: deque[Any] = deque()  # connections of `run`
        self.reset()
        os.register_at_fork(after_in_child=self._forget_idle)

    def reset(self) -> None:
        """Forget which server was known, as in a process that has just started."""
        self.is_down = False
        self.server_ids: frozenset[str] = frozenset()  # of the server whose contents are trusted, or of each master
        self._next_probe_at = 0.0  # monotonic seconds
        self._masters: frozenset[Any] = frozenset()  # the addresses that `server_ids` are of, where they may change
        self._forget_idle()

    def _forget_idle(self) -> None:
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

    def read_values(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of keys, None for one that is absent. Raises CacheUnavailable."""
        if not keys:
            return []
        [values] = self.run(("MGET", *keys))
        if isinstance(values, Exception):
            raise CacheUnavailable(f"Redis refused: {values}") from values
        return values

    def _refuse_other_master(self) -> None:
        """Raise CacheUnavailable where a connection that was made meanwhile leads to another master than the one known:
        it may lack what the former one had, and answered before anybody asked who it is."""
        if self._masters and not self._current_masters(self.client()) <= self._masters:
            raise self._other_master()

    def _other_master(self) -> CacheUnavailable:
        self.is_down = True
        if self._monitor is not None:
            self._monitor.report_failure("another master answers")
        return CacheUnavailable("Another master answers than before.")

    def _current_masters(self, client: Any) -> frozenset[Any]:
        """Return where the client takes the master to be; nothing where its server has an address of its own."""
        pool = client.connection_pool
        return frozenset({pool.master_address}) if isinstance(pool, SentinelConnectionPool) else frozenset()

    def _check(self) -> None:
        if self._monitor is not None and self._monitor.is_running:
            if self._monitor.blocks_this_thread:
                raise CacheUnavailable("Redis does not answer; the monitor of this process asks it again all the time.")
        elif self.is_down or not self.server_ids:
            self._probe()

    def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._send(self.client().connection_pool, self._idle, commands)

    def _send(self, pool: Any, idle: deque[Any], commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        while True:
            was_idle = True
            try:
                connection = idle.pop()
            except IndexError:
                connection, was_idle = pool.make_connection(), False
            try:
                if not was_idle:
                    connection.connect()  # sending connects too, but asks no Sentinel where to
                connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                replies = [_read_reply(connection) for _ in commands]
            except BaseException as error:
                connection.disconnect()  # it may hold what is left of the replies
                if not was_idle or not isinstance(error, RedisConnectionError):
                    raise
                idle.clear()  # the server has closed them, as when it was restarted
                continue
            idle.append(connection)
            return replies

    def client(self) -> Any:
        """Return Django's client as it is: unchecked, and with the library's own errors."""
        return caches[self._alias].client.get_client(write=True)  # type: ignore[attr-defined]

    def _probe(self) -> None:
        if not self._lock.acquire(blocking=not self.server_ids):
            raise CacheUnavailable("Redis is down; another thread is asking whether it is back.")
        try:
            if self._restoring or (self.server_ids and not self.is_down):  # or another thread was faster
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
            found, monitor = frozenset(map(_server_id, self._servers(client))), self._monitor
            is_other = bool(self.server_ids) and not found <= self.server_ids
            if is_other and monitor is not None and monitor.is_running and not monitor.in_monitor_thread:
                # The monitor calls `on_new_server`, while all other threads keep out.
                monitor.report_failure("another server answers")
                raise CacheUnavailable("Redis is another server than before.")
            self._masters = self._current_masters(client)
            if is_other:
                self.is_down = self._restoring = True
                try:
                    self.on_new_server()
                finally:
                    self._restoring = False
            self.server_ids, self.is_down = found, False

    def _servers(self, client: Any) -> list[Any]:
        """Return the clients of all servers whose contents are trusted together."""
        return [client]

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError, ClusterDownError, RedisClusterException, OSError) as error:
            self.is_down = True
            if self._monitor is not None:
                self._monitor.report_failure(error)
            raise CacheUnavailable(f"Redis is unreachable: {error}") from error
        except RedisError as error:  # out of memory, read-only, ...
            raise CacheUnavailable(f"Redis refused: {error}") from error
        except DatabaseError as error:  # the epoch could not be raised, so nothing here may be trusted yet
            message = "Redis is another server than before, and Postgres did not answer"
            raise CacheUnavailable(f"{message}: {error}") from error


class ClusterConnection(RedisConnection):
    """The same for a cluster. Its masters are trusted together: one that is gone makes all of it unavailable, and one
    that was not known, by a failover or as it was added, is another server.

    Commands go to the masters of their keys, to one master after another; of those with several keys MGET may have
    them anywhere.
    """

    is_cluster = True

    def __init__(self, alias: str, monitor: ServerMonitor | None) -> None:
        self._idle_of: dict[str, deque[Any]] = defaultdict(deque)  # by master
        super().__init__(alias, monitor)

    def _forget_idle(self) -> None:
        self._idle_of.clear()

    def _servers(self, client: Any) -> list[Any]:
        client.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
        return [client.get_redis_connection(node) for node in client.get_primaries()]

    def _current_masters(self, client: Any) -> frozenset[Any]:
        return frozenset(node.name for node in client.get_primaries())

    def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the replies to commands. One MGET is sent as a GET for each key: in the middle of a move some keys of
        a slot are here and some there, and each finds its own way."""
        parts = [part for command in commands for part in _by_key(command)]
        replies = iter(self._exchange_parts(parts))
        joined: list[Any] = []
        for command in commands:
            part_replies = [next(replies) for _ in _by_key(command)]
            errors = [reply for reply in part_replies if isinstance(reply, Exception)]
            is_split = command[0] == "MGET"
            joined.append(errors[0] if is_split and errors else part_replies if is_split else part_replies[0])
        return joined

    def _exchange_parts(self, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        client = self.client()
        replies: list[Any] = [None] * len(parts)
        places = {number: self._master_of(client, part) for number, part in enumerate(parts)}
        asking: set[int] = set()
        for _ in range(MAX_REDIRECTS):
            by_master: dict[str, list[int]] = {}
            for number, master in places.items():
                by_master.setdefault(master, []).append(number)
            for master, numbers in by_master.items():
                sent = [
                    command
                    for number in numbers
                    for command in ([("ASKING",), parts[number]] if number in asking else [parts[number]])
                ]
                pool = client.get_node(node_name=master).redis_connection.connection_pool
                answers = iter(self._send(pool, self._idle_of[master], sent))
                for number in numbers:
                    if number in asking:
                        next(answers)
                    replies[number] = next(answers)
            places, asking = self._redirected(client, parts, {number: replies[number] for number in places})
            if not places:
                break
        return replies

    def _redirected(
        self, client: Any, parts: Sequence[tuple[Any, ...]], replies: dict[int, Any]
    ) -> tuple[dict[int, str], set[int]]:
        """Return number of a part -> where it is to be sent again, and those that say ASKING before."""
        places: dict[int, str] = {}
        asking: set[int] = set()
        if any(type(reply) is MovedError for reply in replies.values()):
            client.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
        for number, reply in replies.items():
            if isinstance(reply, ClusterDownError):
                raise reply
            if isinstance(reply, TryAgainError):
                time.sleep(TRY_AGAIN_SECONDS)
                places[number] = self._master_of(client, parts[number])
            elif type(reply) is MovedError:
                # The others may not have heard of it yet.
                places[number] = self._known(f"{reply.host}:{reply.port}")
            elif type(reply) is AskError:
                places[number] = self._known(f"{reply.host}:{reply.port}")
                asking.add(number)
        return places, asking

    def _master_of(self, client: Any, part: tuple[Any, ...]) -> str:
        key = part[3] if part[0] in ("EVAL", "EVALSHA") else part[1]
        return self._known(client.nodes_manager.get_node_from_slot(client.keyslot(key)).name)

    def _known(self, master: str) -> str:
        """Return the master; report it and raise CacheUnavailable where it is not known."""
        if master not in self._masters:
            raise self._other_master()
        return master


def _by_key(command: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [("GET", key) for key in command[1:]] if command[0] == "MGET" else [command]


def _server_id(server: Any) -> str:
    return f"{server.info('server')['run_id']} {server.info('replication').get('master_replid')}"


def _read_reply(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


redis_connection = (ClusterConnection if settings.LISTS_REDIS.nodes else RedisConnection)("lists", REDIS)
process_state.register("cache: the Redis server that is known", redis_connection.reset)
# A server of its own has no monitor: where it does not answer nothing is counted, and nobody waits for it.
counters_connection = redis_connection
if settings.COUNTERS_REDIS != settings.LISTS_REDIS:
    counters_connection = RedisConnection("counters", None)
    process_state.register("cache: the Redis server of the counters", counters_connection.reset)
