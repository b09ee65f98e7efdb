"""Child processes that never outlive their parent: started, stopped, and found again after the parent was killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from infrastructure.atomic_files import write_text

Child = subprocess.Popen[bytes]


def spawn(command: list[str], *, log: IO[bytes], death_signal: int, **options: Any) -> Child:
    """Start a direct child, leader of its own group, which on Linux gets `death_signal` when this process dies.

    `options` go to subprocess.Popen. Call it from the main thread: the kernel sends that signal when the *thread* that
    forked ends.
    """
    defaults: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
    options = defaults | options
    return subprocess.Popen(command, start_new_session=True, preexec_fn=die_with_parent(death_signal), **options)


def die_with_parent(death_signal: int) -> Callable[[], None] | None:
    """Return what a child runs before exec so that the kernel signals it when we die; None where no kernel does."""
    if sys.platform != "linux":
        return None
    import ctypes  # for Linux alone; loaded before the fork

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask_kernel() -> None:
        prctl(1, death_signal)  # PR_SET_PDEATHSIG; after setuid, which would clear it
        if os.getppid() != parent:  # we died between fork and prctl
            os._exit(1)

    return ask_kernel


def stop(child: Child, stop_signal: int, timeout: float) -> None:
    """Send the signal and wait; what is left after `timeout` seconds is killed with its whole group."""
    if child.poll() is None:
        child.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout)
    kill_group(child)


def kill_group(child: Child) -> None:
    """Kill the child and everything that it started itself.

    Postgres' children lead groups of their own. Where they stand still they would outlive it, hold its shared memory
    and so refuse every further start.
    """
    groups = [child.pid]
    if child.poll() is None:
        with contextlib.suppress(OSError):  # Linux
            groups += map(int, Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split())
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    child.wait()


def program_name(pid: int) -> str:
    """Return the name of the program that a process runs; "" where there is no such process."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/comm").read_text().strip()
        return ""
    return _ps(pid, "comm=")


def _identity(pid: int) -> str:
    """Return what tells a process from a later one with the same number; "" for none, or only its remains."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            started = fields[19]  # clock ticks after boot
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return "" if fields[0] in "ZX" else f"{boot} {started}"
        return ""
    return _ps(pid, "lstart=")


def _ps(pid: int, field: str) -> str:
    return subprocess.run(["ps", "-p", str(pid), "-o", field], capture_output=True, text=True).stdout.strip()  # noqa: S607


class PidFile:
    """A file with the running children, read by the start after a kill -9 of their parent."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.children: dict[str, tuple[int, str]] = {}  # name -> process id, identity

    def record(self, name: str, pid: int) -> None:
        """Add a child and write the file. Raises OSError; the child is known to this process all the same."""
        self.children[name] = (pid, _identity(pid))
        write_text(self.file, json.dumps(self.children))

    def stop_orphans(self, timeout: float = 20) -> list[str]:
        """End what an earlier parent left running, and return the names of those. On Linux they are ending already."""
        with contextlib.suppress(OSError, ValueError):
            recorded = json.loads(self.file.read_text())
            self.children = {name: (pid, identity) for name, (pid, identity) in recorded.items()}
        orphans = self._running()
        deadline = time.monotonic() + timeout
        while running := self._running():
            for name in running:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if time.monotonic() > deadline:
                        os.killpg(self.children[name][0], signal.SIGKILL)
                    elif sys.platform != "linux":
                        os.kill(self.children[name][0], signal.SIGINT if name == "postgres" else signal.SIGTERM)
            time.sleep(0.1)
        self.children = {}
        return orphans

    def _running(self) -> list[str]:
        return [name for name, (pid, identity) in self.children.items() if identity and _identity(pid) == identity]
