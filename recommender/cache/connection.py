"""This process's connections to the Redis of the lists, and to that of the counters where it is another.

It has one kind of error, does not wait while Redis is down, and trusts no other server than the one known.
"""

import math
import os
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from redis import Redis
from redis.backoff import NoBackoff
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
from redis.retry import Retry

from infrastructure import tracing
from infrastructure.connectivity import REDIS, ServerMonitor
from infrastructure.redis_address import RedisAddress
from recommender import process_state
from recommender.cache.keys import full_key, trusted_server_key

PROBE_INTERVAL = 1.0  # seconds
LEASE_SECONDS = 1.5  # for which the word of Sentinels, or of a cluster's masters, is taken
LEASE_MARGIN = 1.1  # of the lease that a new master is not used for: clocks run at different rates
RENEWAL_SECONDS = LEASE_SECONDS / 5  # between two questions of a monitor
MAX_REDIRECTS = 8  # of a command in a cluster, while slots move
TRY_AGAIN_SECONDS = 0.02  # until a command is sent again whose keys are between two servers

ServerIds = frozenset[str]


class CacheUnavailable(Exception):
    """Redis did not answer, or refused the command. Nothing is known to have been read or written."""


class RawRead(NamedTuple):
    """A read and its reply: while the same command has the same reply, nothing that it reads has changed."""

    command: tuple[str, ...]
    reply: Any  # as it came


class _Answer(NamedTuple):
    """Who answers, and where. `term`: of Sentinels, another one whenever a master took another's place. A master that
    takes its place again without having been a replica has the same id, and not what was written meanwhile."""

    server_ids: ServerIds
    place: RedisAddress
    term: str = ""


class _Trust:
    """A server whose contents are trusted, or the masters of a cluster, and this process's connections to it. None of
    them leads to another server."""

    def __init__(self, found: _Answer, client: Any) -> None:
        self.server_ids, self.term, self.client = found.server_ids, found.term, client
        self.masters: frozenset[str] = frozenset()  # names of a cluster's
        self.idle: defaultdict[str, deque[Any]] = defaultdict(deque)  # connections of `run`, by master
        self.until = math.inf  # monotonic seconds


class RedisConnection:
    """A circuit breaker around a client.

    While Redis is down every call fails at once. When it answers again and is another server (restarted, or a copy that
    lagged), `on_new_server` is called before any process reads from it: the server holds a mark of its own id, which
    whoever called it has set. In a web process a thread of its own finds out both (infrastructure.connectivity);
    elsewhere the caller that needs Redis tries, once in PROBE_INTERVAL, and no other caller waits for it.

    `alias`: of Django's cache, whose options say where the server is. `monitor`: of the server, if there is one.
    """

    is_cluster = False
    lease_seconds = math.inf  # a server that has an address to itself does not change while a connection to it lives

    def __init__(self, alias: str, monitor: ServerMonitor | None) -> None:
        self._alias, self._monitor = alias, monitor
        self.on_new_server: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._restoring = False  # by the thread that has the lock: what it writes meanwhile goes through
        self.reset()
        os.register_at_fork(after_in_child=self._forget_connections)

    def reset(self) -> None:
        """Forget which server was known, as in a process that has just started."""
        self.is_down = False
        self._trust: _Trust | None = None
        self._next_probe_at = self._next_renewal_at = 0.0  # monotonic seconds
        self._forget_connections()

    def _forget_connections(self) -> None:
        self._asker: Any = None  # the client that asks who a server is, and which place it asks
        self._asked_place: RedisAddress | None = None
        if self._trust is not None:
            self._trust.idle.clear()

    @contextmanager
    def checked_client(self) -> Iterator[Any]:
        """Yield the client, for the commands of the block. Raises CacheUnavailable."""
        trust = self._trusted()
        with self._translate_errors():
            yield trust.client
        self._confirm(trust)

    def run(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Return the replies to commands, as they came, after one round trip; a command that was refused has its error
        there. Raises CacheUnavailable.

        For what nearly every request does: the client takes four times as long.
        """
        trust = self._trusted()
        with self._translate_errors():
            replies = self._exchange(trust, commands)
        self._confirm(trust)
        return replies

    def read_values(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of keys, None for one that is absent. Raises CacheUnavailable."""
        if not keys:
            return []
        [values] = self.run(("MGET", *keys))
        if isinstance(values, Exception):
            raise CacheUnavailable(f"Redis refused: {values}") from values
        return values

    def client(self) -> Any:
        """Return Django's client as it is: unchecked, and with the library's own errors."""
        return caches[self._alias].client.get_client(write=True)  # type: ignore[attr-defined]

    def renew(self) -> None:
        """Find out a few times within a lease whether the server is the one known still; for the monitor's thread.

        Raises CacheUnavailable where it is not, and what the library raises where nobody has said so for a whole lease.
        """
        trust, now = self._trust, time.monotonic()
        if trust is None or now < self._next_renewal_at:
            return
        self._next_renewal_at = now + RENEWAL_SECONDS
        try:
            self.verify_server()
        except (RedisError, OSError):
            if time.monotonic() >= trust.until:
                raise

    def verify_server(self) -> None:
        """Ask the server who it is; where it is another one than before, call `on_new_server` before it is trusted."""
        with self._lock:
            asked_at = time.monotonic()
            found = self._ask()
            trust, monitor = self._trust, self._monitor
            if trust is not None and found.server_ids <= trust.server_ids and found.term == trust.term:
                trust.until, self.is_down = asked_at + self.lease_seconds, False
                return
            self.is_down = True
            is_accepting = (
                monitor is None or not monitor.is_running or (monitor.recovering and monitor.in_monitor_thread)
            )
            if trust is not None and monitor is not None and not is_accepting:
                # The monitor accepts it, while all other threads keep out.
                monitor.report_failure("another server answers")
                raise CacheUnavailable("Redis is another server than before.")
            self._accept(found, asked_at)
            self.is_down = False

    def _accept(self, found: _Answer, asked_at: float) -> None:
        """Trust a server that said at `asked_at` who it is, after `on_new_server` where no process did so before.

        One that took another's place is not used until every process has stopped to use the former one: two masters may
        be there for seconds, and who asks the former would not see what is written here.
        """
        if not all(server.endswith(" master") for server in found.server_ids):
            raise RedisConnectionError("it is a replica now")
        trust = self._connect(found)
        mark, name = _digest(found), full_key(trusted_server_key(self._alias))
        if trust.client.get(name) != mark:
            if self.lease_seconds < math.inf:
                time.sleep(self.lease_seconds * LEASE_MARGIN)
                asked_at = time.monotonic()
                if self._ask() != found:
                    raise RedisConnectionError("its place was taken by another one again")
            if trust.client.get(name) != mark:
                if (
                    self._trust is not None or trust.client.dbsize()
                ):  # the first one may be empty: nothing is out of date
                    self._restore(trust)
                with suppress(ResponseError):  # it is full: the next process does the same again
                    trust.client.set(name, mark)
        trust.until = asked_at + self.lease_seconds
        self._trust = trust

    def _restore(self, trust: _Trust) -> None:
        """Call `on_new_server`, whose commands go to the server that is not trusted yet."""
        former, self._trust, self._restoring = self._trust, trust, True
        try:
            self.on_new_server()
        except BaseException:
            self._trust = former
            raise
        finally:
            self._restoring = False

    def _trusted(self) -> _Trust:
        """Return what may be used now. Raises CacheUnavailable where nothing may."""
        monitor = self._monitor
        if monitor is not None and monitor.is_running:
            if monitor.blocks_this_thread:
                raise CacheUnavailable("Redis does not answer; the monitor of this process asks it again all the time.")
            if self._trust is None or time.monotonic() >= self._trust.until:
                raise CacheUnavailable("Nobody has said lately which Redis is the master.")
        elif self.is_down or self._trust is None or time.monotonic() >= self._trust.until:
            self._probe()
        assert self._trust is not None
        return self._trust

    def _confirm(self, trust: _Trust) -> None:
        """Raise CacheUnavailable where what was just used may have lost its place meanwhile."""
        is_over = time.monotonic() >= trust.until
        if is_over and not (self._monitor is not None and self._monitor.is_running):
            with self._translate_errors():
                self.verify_server()
            is_over = False
        if is_over or self._trust is not trust:
            raise CacheUnavailable("Another server may be the master by now.")

    def _probe(self) -> None:
        if not self._lock.acquire(blocking=not self.is_down):
            raise CacheUnavailable("Redis is down; another thread is asking whether it is back.")
        try:
            trust = self._trust
            if self._restoring or (trust is not None and not self.is_down and time.monotonic() < trust.until):
                return  # another thread was faster
            now = time.monotonic()
            if now < self._next_probe_at:
                raise CacheUnavailable("Redis is down; it was asked less than a second ago.")
            self._next_probe_at = now + PROBE_INTERVAL
            with self._translate_errors():
                self.verify_server()
            self._next_probe_at = 0.0
        finally:
            self._lock.release()

    def _address(self) -> RedisAddress:
        options: dict[str, Any] = settings.CACHES[self._alias]
        address: RedisAddress | None = options["OPTIONS"].get("ADDRESS")
        return address or RedisAddress.parse(options["LOCATION"])

    def _ask(self) -> _Answer:
        """Ask the server who it is. Raises what the library raises."""
        place = self._address()
        return _Answer(frozenset({_server_id(self._asking_client(place).info)}), place)

    def _asking_client(self, place: RedisAddress) -> Any:
        if self._asker is None or self._asked_place != place:
            self._asker = Redis.from_pool(place.connection_pool(**settings.REDIS_TIMEOUTS))
            self._asked_place = place
        return self._asker

    def _connect(self, found: _Answer) -> _Trust:
        def connect(connection: Any) -> None:
            connection.on_connect()
            _refuse_others(connection, found.server_ids)

        pool = found.place.connection_pool(redis_connect_func=connect, **_options())
        return _Trust(found, Redis.from_pool(pool))

    def _exchange(self, trust: _Trust, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._send(trust.client.connection_pool, trust.idle[""], commands)

    def _send(self, pool: Any, idle: deque[Any], commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        if not tracing.is_on():
            return self._send_now(pool, idle, commands)
        with tracing.redis_span([str(command[0]) for command in commands]):
            return self._send_now(pool, idle, commands)

    def _send_now(self, pool: Any, idle: deque[Any], commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        while True:
            was_idle = True
            try:
                connection = idle.pop()
            except IndexError:
                connection, was_idle = pool.make_connection(), False
            try:
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


class SentinelConnection(RedisConnection):
    """The same for the master of a service that Sentinels watch.

    The former master may answer for seconds after another took its place. So the word of a majority of the Sentinels is
    asked for again and again, and holds for LEASE_SECONDS: two majorities share one of them, which never goes back.
    """

    lease_seconds = LEASE_SECONDS

    def _forget_connections(self) -> None:
        super()._forget_connections()
        self._sentinels: list[Any] = []  # clients, those that answered first

    def _ask(self) -> _Answer:
        host, port, term = self._agreed_master()
        place = self._address().at(host, port)
        return _Answer(frozenset({_server_id(self._asking_client(place).info)}), place, str(term))

    def _agreed_master(self) -> tuple[str, int, int]:
        """Return the host, the port and the term (`config-epoch`) that a majority of the Sentinels names."""
        address = self._address()
        assert address.sentinels is not None
        if not self._sentinels:
            self._sentinels = address.sentinel_clients(**settings.REDIS_TIMEOUTS)
        votes: Counter[tuple[str, int, int]] = Counter()
        for sentinel in list(self._sentinels):
            try:
                state = sentinel.sentinel_master(address.sentinels.service)
            except (RedisConnectionError, RedisTimeoutError):
                self._sentinels.remove(sentinel)
                self._sentinels.append(sentinel)
                continue
            except ResponseError:  # it does not know the service
                continue
            master = (state["ip"], int(state["port"]), int(state["config-epoch"]))
            votes[master] += 1
            if votes[master] > len(self._sentinels) // 2:
                return master
        raise RedisConnectionError(f"no majority of the Sentinels names one master: {dict(votes)}")


class ClusterConnection(RedisConnection):
    """The same for a cluster. Its masters are trusted together: one that is gone makes all of it unavailable, and one
    that was not known, by a failover or as it was added, is another server. Their word who the masters are holds for
    LEASE_SECONDS where all say the same: one that was frozen says for a moment what was true before.

    Commands go to the masters of their keys, to one master after another; of those with several keys MGET may have
    them anywhere.
    """

    is_cluster = True
    lease_seconds = LEASE_SECONDS

    def _ask(self) -> _Answer:
        place = self._address()
        if self._asker is None:
            self._asker = place.cluster(**settings.REDIS_TIMEOUTS)
        self._asker.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
        masters = self._asker.get_primaries()
        servers = [self._asker.get_redis_connection(node) for node in masters]
        named = {_masters_named_by(server) for server in servers}
        if len(named) > 1 or len(next(iter(named))) != len(masters):
            raise RedisConnectionError("the masters of the cluster do not agree who they are")
        return _Answer(frozenset(_server_id(server.info) for server in servers), place)

    def _connect(self, found: _Answer) -> _Trust:
        client = found.place.cluster(
            redis_connect_func=lambda connection: _refuse_others(connection, found.server_ids),
            **settings.REDIS_TIMEOUTS,
        )
        trust = _Trust(found, client)
        trust.masters = frozenset(node.name for node in client.get_primaries())
        return trust

    def _exchange(self, trust: _Trust, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the replies to commands. One MGET is sent as a GET for each key: in the middle of a move some keys of
        a slot are here and some there, and each finds its own way."""
        parts = [part for command in commands for part in _by_key(command)]
        replies = iter(self._exchange_parts(trust, parts))
        joined: list[Any] = []
        for command in commands:
            part_replies = [next(replies) for _ in _by_key(command)]
            errors = [reply for reply in part_replies if isinstance(reply, Exception)]
            is_split = command[0] == "MGET"
            joined.append(errors[0] if is_split and errors else part_replies if is_split else part_replies[0])
        return joined

    def _exchange_parts(self, trust: _Trust, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        client = trust.client
        replies: list[Any] = [None] * len(parts)
        places = {number: self._master_of(trust, part) for number, part in enumerate(parts)}
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
                answers = iter(self._send(pool, trust.idle[master], sent))
                for number in numbers:
                    if number in asking:
                        next(answers)
                    replies[number] = next(answers)
            places, asking = self._redirected(trust, parts, {number: replies[number] for number in places})
            if not places:
                break
        return replies

    def _redirected(
        self, trust: _Trust, parts: Sequence[tuple[Any, ...]], replies: dict[int, Any]
    ) -> tuple[dict[int, str], set[int]]:
        """Return number of a part -> where it is to be sent again, and those that say ASKING before."""
        places: dict[int, str] = {}
        asking: set[int] = set()
        if any(type(reply) is MovedError for reply in replies.values()):
            trust.client.nodes_manager.initialize(disconnect_startup_nodes_pools=False)
        for number, reply in replies.items():
            if isinstance(reply, ClusterDownError):
                raise reply
            if isinstance(reply, TryAgainError):
                time.sleep(TRY_AGAIN_SECONDS)
                places[number] = self._master_of(trust, parts[number])
            elif type(reply) is MovedError:
                # The others may not have heard of it yet.
                places[number] = self._known(trust, f"{reply.host}:{reply.port}")
            elif type(reply) is AskError:
                places[number] = self._known(trust, f"{reply.host}:{reply.port}")
                asking.add(number)
        return places, asking

    def _master_of(self, trust: _Trust, part: tuple[Any, ...]) -> str:
        key = part[3] if part[0] in ("EVAL", "EVALSHA") else part[1]
        client = trust.client
        return self._known(trust, client.nodes_manager.get_node_from_slot(client.keyslot(key)).name)

    def _known(self, trust: _Trust, master: str) -> str:
        """Return the master. Raises RedisConnectionError where it is not known."""
        if master not in trust.masters:
            raise RedisConnectionError("another master answers than before")
        return master


def _options() -> dict[str, Any]:
    """Return the options of the connections that commands go through. One retry at once covers a connection that went
    stale; a call that timed out is not tried again."""
    return {"retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)), **settings.REDIS_TIMEOUTS}


def _by_key(command: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [("GET", key) for key in command[1:]] if command[0] == "MGET" else [command]


def _masters_named_by(server: Any) -> frozenset[bytes]:
    """Return the ids of the masters that have slots, as one server of a cluster knows them."""
    return frozenset(master[2] for _, _, master, *_ in server.execute_command("CLUSTER SLOTS"))


def _server_id(info: Callable[[str], Mapping[str, Any]]) -> str:
    """Return the id of a run of a server with its data and its role, by what its INFO says of a section."""
    replication = info("replication")
    return f"{info('server')['run_id']} {replication.get('master_replid')} {replication['role']}"


def _refuse_others(connection: Any, server_ids: ServerIds) -> None:
    """Raise RedisConnectionError where a connection that was just made leads to a server that is not one of these."""

    def info(section: str) -> dict[str, str]:
        connection.send_command("INFO", section, check_health=False)
        lines = bytes(connection.read_response(disable_decoding=True)).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    if _server_id(info) not in server_ids:
        raise RedisConnectionError("another server answers than before")


def _digest(found: _Answer) -> bytes:
    return blake2b(" ".join([*sorted(found.server_ids), found.term]).encode(), digest_size=16).hexdigest().encode()


def _read_reply(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


def _make_connection(alias: str, address: RedisAddress, monitor: ServerMonitor | None) -> RedisConnection:
    kind = ClusterConnection if address.nodes else SentinelConnection if address.sentinels else RedisConnection
    return kind(alias, monitor)


redis_connection = _make_connection("lists", settings.LISTS_REDIS, REDIS)
process_state.register("cache: the Redis server that is known", redis_connection.reset)
# A server of its own has no monitor: where it does not answer nothing is counted, and nobody waits for it.
counters_connection = redis_connection
if settings.COUNTERS_REDIS != settings.LISTS_REDIS:
    counters_connection = _make_connection("counters", settings.COUNTERS_REDIS, None)
    process_state.register("cache: the Redis server of the counters", counters_connection.reset)
