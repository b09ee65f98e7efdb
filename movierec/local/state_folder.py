"""The state folder of one system: its lock, its secrets, and the embedded servers shared by commands."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from infrastructure.errors import SetupError
from movierec.local.embedded_servers import Server, required_servers, running_servers
from movierec.local.server_paths import root_data_dir, socket_dir

CREATED_MARKER = ".movierec"  # in a folder that was empty before us, so that ./run clean may delete all of it


class StateFolderLocked(SetupError):
    """Another process works with the state folder; the message names it."""


def create_state_folder(state: Path) -> None:
    """Make the folder and its folder of logs. Raises SetupError where that cannot be."""
    try:
        if not state.exists() or not any(state.iterdir()):
            state.mkdir(parents=True, exist_ok=True)
            (state / CREATED_MARKER).touch()
        (state / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise SetupError(f"The state folder {state} cannot be written ({error}): set MOVIEREC_STATE.") from error


@contextlib.contextmanager
def exclusive_lock(state: Path, holder: str) -> Iterator[None]:
    """Lock the folder for this process; the kernel unlocks it however the process ends. Raises StateFolderLocked.

    `holder`: what another process is told about this one.
    """
    try:
        file = (state / "lock").open("a+")
    except OSError as error:
        raise SetupError(f"{state} belongs to another user ({error}): set MOVIEREC_STATE to another.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise StateFolderLocked(file.read().strip() or "another process") from error
        file.truncate(0)
        file.write(f"{holder} (process {os.getpid()})")
        file.flush()
        yield


def load_or_create_secrets(state: Path) -> dict[str, str]:
    """Return the signing key and the admin's password, made the first time; only their owner can read the file."""
    file = state / "secrets.json"
    if not file.exists():
        fresh = {"secret_key": secrets.token_urlsafe(48), "admin_password": secrets.token_urlsafe(12)}
        descriptor, aside = tempfile.mkstemp(prefix="secrets.", dir=state)  # 0600, and another writer has another name
        with os.fdopen(descriptor, "w") as out:
            json.dump(fresh, out)
        with contextlib.suppress(FileExistsError):  # another process was first: its secrets count, so no atomic_file
            os.link(aside, file)
        os.unlink(aside)
    return dict(json.loads(file.read_text()))


# --- the servers for the length of one command --------------------------------------------------------------------
@contextlib.contextmanager
def shared_servers(state: Path, holder: str, say: Callable[[str], None]) -> Iterator[None]:
    """Have the embedded servers up for the block: those that run already, else started for it.

    Several commands may share them: each locks `users` shared, and the one that started the servers stops them when it
    gets that lock alone.
    """
    servers = required_servers()
    if not servers:
        yield
        return
    with (state / "users").open("a") as users:
        while True:
            with contextlib.suppress(StateFolderLocked), exclusive_lock(state, holder):
                fcntl.flock(users, fcntl.LOCK_SH)
                with running_servers(state, servers=servers, say=say):
                    try:
                        yield
                    finally:
                        _wait_for_other_commands(users, say)
                return
            fcntl.flock(users, fcntl.LOCK_SH)  # waits here while the servers are being stopped
            if _wait_for_servers(state, servers):
                yield
                return
            fcntl.flock(users, fcntl.LOCK_UN)


def _wait_for_other_commands(users: IO[str], say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Other commands still use the servers that this one started: waiting for them.")
        fcntl.flock(users, fcntl.LOCK_EX)


def _wait_for_servers(state: Path, servers: list[Server], timeout: float = 60) -> bool:
    """Return whether the servers of the process that has the lock answer; False once no process has it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if all(server.is_ready(state) for server in servers):
            return True
        with contextlib.suppress(StateFolderLocked), exclusive_lock(state, "a command that looks"):
            return False
        time.sleep(0.1)
    raise SetupError(f"{state} is in use, but its servers did not answer within {timeout:.0f} s.")


def delete_state(state: Path) -> list[Path]:
    """Delete all that movierec keeps for this folder, also outside it, and return what is gone. Raises SetupError."""
    if not state.exists():
        return []
    if not (state / CREATED_MARKER).exists():
        raise SetupError(f"{state} was not empty before movierec used it: delete by hand what you no longer need.")
    try:
        with exclusive_lock(state, "./run clean"):
            candidates = (root_data_dir(state), socket_dir(state), state)
            folders = [folder for folder in candidates if folder is not None and folder.exists()]
            for folder in folders:
                shutil.rmtree(folder)
    except StateFolderLocked as holder:
        raise SetupError(f"Nothing was deleted: {state} is in use by {holder}. Stop that first.") from holder
    return folders
