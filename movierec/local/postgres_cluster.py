"""The data folder of the embedded Postgres: made the first time, and checked before every other start."""

import os
import shutil
import signal
import stat
import subprocess
from typing import Any

from infrastructure.errors import SetupError
from movierec.local.processes import die_with_parent
from movierec.local.server_paths import DATABASE_NAME, ServerLayout

CLUSTER_MARKER = "movierec.cluster"  # a file that tells our data folder from anyone else's


def make_socket_dir(layout: ServerLayout) -> None:
    """Make the folder of the servers' sockets. Raises SetupError where it belongs to another user."""
    folder = layout.socket_dir
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SetupError(f"The servers' sockets need the folder {folder}: {error.strerror}.") from error
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.getuid(), layout.owner):
        raise SetupError(f"{folder}, where the servers' sockets belong, is another user's: remove it.")
    os.chown(folder, layout.owner, -1)
    folder.chmod(0o700)


def prepare_cluster(layout: ServerLayout, *, durable: bool = True) -> None:
    """Make the cluster the first time, else check that this Postgres can run it.

    Raises SetupError for a folder that movierec did not make, or that another version of Postgres made.
    """
    data = layout.data_dir
    try:
        is_filled = data.exists() and (not data.is_dir() or any(data.iterdir()))
    except PermissionError as error:
        message = f"{data} belongs to another user: start as that user, or set MOVIEREC_STATE to another folder."
        raise SetupError(message) from error
    if is_filled:
        _check_cluster(layout)
    else:
        _make_cluster(layout, durable=durable)


def _check_cluster(layout: ServerLayout) -> None:
    data, version = layout.data_dir, layout.data_dir / "PG_VERSION"
    if not (data / CLUSTER_MARKER).exists() or not version.exists():
        message = f"{data} is there already, but movierec did not make it"
        raise SetupError(f"{message}: move it away, or set MOVIEREC_STATE to another folder.")
    made_by = version.read_text().strip()
    printed = subprocess.run([layout.postgres_bin / "postgres", "--version"], capture_output=True, text=True).stdout
    installed = printed.split()[-1]  # "postgres (PostgreSQL) 18.6"
    if installed.split(".")[0] != made_by:
        message = f"{data} was made by Postgres {made_by}, and the installed one is {installed}"
        raise SetupError(f"{message}: dump it with the former version and restore into a fresh MOVIEREC_STATE.")


def _make_cluster(layout: ServerLayout, *, durable: bool) -> None:
    aside = layout.data_dir.with_name("postgres.new")  # renamed when complete: a killed initdb leaves no half cluster
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    if layout.uid is not None:
        os.chown(aside, layout.uid, layout.uid)
    command = [str(layout.postgres_bin / "initdb"), "-D", str(aside), "-U", DATABASE_NAME, "--auth=trust"]
    command += ["-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += [] if durable else ["--no-sync"]
    # In a session of its own: a terminal's Ctrl-C is for us, and half a cluster is no reason to complain of.
    options: dict[str, Any] = {"capture_output": True, "text": True, "start_new_session": True}
    options["preexec_fn"] = die_with_parent(signal.SIGKILL)
    completed = subprocess.run(command, cwd="/", **options, **layout.user_arguments())
    if "could not look up effective user ID" in completed.stderr:
        message = f"Postgres does not start for user id {layout.owner}, which has no name on this machine"
        raise SetupError(f"{message}: give it one in /etc/passwd, or set DATABASE_URL to a Postgres elsewhere.")
    if completed.returncode:
        raise SetupError(f"initdb could not make {layout.data_dir}: {completed.stderr.strip()[-500:]}")
    (aside / CLUSTER_MARKER).write_text("Made by movierec.\n")
    if layout.data_dir.exists():
        layout.data_dir.rmdir()
    aside.rename(layout.data_dir)
