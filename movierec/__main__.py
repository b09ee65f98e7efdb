"""The commands that the script `run` passes on: start, check, manage and clean.

`check` runs by any Python before packages are installed, so nothing here imports one at module level.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word while the rest is being imported

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from infrastructure.addresses import configured_address, wait_until_free
from infrastructure.errors import SetupError
from movierec.local.arguments import prepare_arguments
from movierec.local.environment import check_environment, set_open_api
from movierec.local.launcher import launch
from movierec.local.processes import die_with_parent
from movierec.local.server_paths import state_dir
from movierec.local.services import ROOT
from movierec.local.state_folder import create_state_folder, delete_state, load_or_create_secrets, shared_servers

STARTED_AT = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start."""
    with contextlib.suppress(OSError):  # the terminal may be gone, and what is being stopped must still stop
        print(f"[{time.monotonic() - STARTED_AT:5.1f} s] {line}", flush=True)


def start_command(arguments: Sequence[str]) -> int:
    """Start everything and run until a signal comes."""
    prepared = prepare_arguments(arguments)
    check_environment()
    set_open_api(say)
    launch(state_dir(), prepared, say)
    return 0


def check_command(arguments: Sequence[str]) -> int:
    """Check, with nothing but Python, what would stop `./run ARGUMENTS`. Raises SetupError."""
    if arguments[:1] == ["start"]:
        prepare_arguments(arguments[1:])
        check_environment()
        wait_until_free(configured_address(), 0.0)
    create_state_folder(state_dir())
    return 0


def manage_command(arguments: Sequence[str]) -> int:
    """Run manage.py with the servers up: those that run already, else started for this one command."""
    state = state_dir()
    create_state_folder(state)
    load_or_create_secrets(state)
    holder = f"./run manage {' '.join(arguments[:1])}".rstrip()
    servers = shared_servers(state, holder, lambda line: print(line, file=sys.stderr, flush=True))
    reports_servers = arguments[:1] == ["status"]  # it must not start the servers whose state it reports, nor wait
    with contextlib.nullcontext() if reports_servers else servers:
        die = die_with_parent(signal.SIGTERM)
        child = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *arguments], preexec_fn=die)
        # A terminal sends Ctrl-C to the child as well, which answers it; a SIGTERM comes to us alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
        code = child.wait()
    return code if code >= 0 else 128 - code


def clean_command(arguments: Sequence[str]) -> int:
    """Delete the state folder, after a question."""
    parser = argparse.ArgumentParser(prog="./run clean", description="Deletes the state folder: data, models, logs.")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options, state = parser.parse_args(arguments), state_dir()
    if state.exists() and not options.yes:
        if not sys.stdin.isatty():
            raise SetupError(f"Nothing was deleted: there is no terminal to ask at. ./run clean --yes deletes {state}.")
        if input(f"Delete {state} with its database, models and logs? [y/N] ").strip().lower() != "y":
            print("Nothing was deleted.")
            return 1
    deleted = delete_state(state)
    print("\n".join(f"deleted {folder}" for folder in deleted) or f"{state} does not exist: nothing to delete.")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "start": start_command,
    "check": check_command,
    "manage": manage_command,
    "clean": clean_command,
}


def main() -> int:
    """Run the command of sys.argv; a SetupError ends it in one line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        os.environ["MOVIEREC_STATE"] = str(state_dir())  # absolute for every child
        return COMMANDS[sys.argv[1]](sys.argv[2:])
    except SetupError as error:
        print(f"movierec: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
