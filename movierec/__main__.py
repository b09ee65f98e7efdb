"""What `./run` calls: start, manage, clean; and check, by any Python, before the environment is there."""

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
from pathlib import Path

from infrastructure.addresses import check_environment, configured_address, exposure_reason, wait_until_free
from movierec.local.arguments import prepare_arguments
from movierec.local.embedded_servers import SetupError, state_dir
from movierec.local.launcher import ROOT, launch
from movierec.local.processes import die_with_parent
from movierec.local.state_folder import create_state_folder, delete_state, load_or_create_secrets, shared_servers

STARTED_AT = time.monotonic()


def say(line: str) -> None:
    with contextlib.suppress(OSError):  # whoever watched may be gone, and what is being stopped must still stop
        print(f"[{time.monotonic() - STARTED_AT:5.1f} s] {line}", flush=True)


def start_command(words: Sequence[str]) -> int:
    arguments = prepare_arguments(words)
    check_environment()
    decide_open_api()
    launch(state_dir(), arguments, say)
    return 0


def decide_open_api() -> None:
    """Opens reads without a key where nothing is said of that, and nothing says that others reach the site."""
    if "MOVIEREC_API_OPEN" in os.environ:
        return
    import environ  # not at the top: check_command runs before any package is there

    env = environ.Env()
    hosts, origins = (env.list(f"MOVIEREC_{name}", default=[]) for name in ("ALLOWED_HOSTS", "TRUSTED_ORIGINS"))
    behind_proxy = env.bool("MOVIEREC_BEHIND_PROXY", default=False)
    reason = exposure_reason(configured_address().host, hosts, origins, behind_proxy)
    production = env.bool("MOVIEREC_PRODUCTION", default=False)
    if reason and not production:
        say(f"reads need a key, as {reason} says that others reach this site")
    os.environ["MOVIEREC_API_OPEN"] = "0" if reason or production else "1"


def check_command(words: Sequence[str]) -> int:
    """What would stop `./run WORDS`, with nothing but Python: asked before packages are downloaded."""
    if words[:1] == ["start"]:
        prepare_arguments(words[1:])
        check_environment()
        wait_until_free(configured_address(), 0.0)
    create_state_folder(state_dir())
    return 0


def manage_command(words: Sequence[str]) -> int:
    """manage.py with the servers up: those that run already, else started for this one command."""
    state = state_dir()
    create_state_folder(state)
    load_or_create_secrets(state)
    shown = f"./run manage {' '.join(words[:1])}".rstrip()
    alone = words[:1] == ["status"]  # it tells how the servers are: it must not start them, nor wait for them
    servers = shared_servers(state, shown, lambda line: print(line, file=sys.stderr, flush=True))
    with contextlib.nullcontext() if alone else servers:
        death = die_with_parent(signal.SIGTERM)
        child = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *words], preexec_fn=death)
        # A terminal sends Ctrl-C to the child as well, which answers it; a SIGTERM comes to us alone.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
        code = child.wait()
    return code if code >= 0 else 128 - code


def clean_command(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run clean", description="Deletes the state folder: data, models, logs.")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given, state = parser.parse_args(words), state_dir()
    if state.exists() and not given.yes:
        if not sys.stdin.isatty():
            raise SetupError(f"Nothing was deleted: there is no terminal to ask at. ./run clean --yes deletes {state}.")
        if not _confirmed(state):
            print("Nothing was deleted.")
            return 1
    gone = delete_state(state)
    print("\n".join(f"deleted {folder}" for folder in gone) or f"{state} does not exist: nothing to delete.")
    return 0


def _confirmed(state: Path) -> bool:
    return input(f"Delete {state} with its database, models and logs? [y/N] ").strip().lower() == "y"


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "start": start_command,
    "check": check_command,
    "manage": manage_command,
    "clean": clean_command,
}


def main() -> int:
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
