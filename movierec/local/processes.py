"""Child processes that never outlive their keeper: started, stopped, and found again after a kill."""

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

Child = subprocess.Popen[bytes]


def spawn(command: list[str], *, log: IO[bytes], death_signal: int, **more: Any) -> Child:
    """Starts a direct child, leader of its own group, which on Linux gets `on_death` when this process dies.

    Call from the main thread: the kernel sends that signal when the *thread* that forked ends.
    """
    how: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT} | more
    return subprocess.Popen(command, start_new_session=True, preexec_fn=die_with_parent(death_signal), **how)


def die_with_parent(death_signal: int) -> Callable[[], None] | None:
    """What a child runs before exec, where the kernel can tell it of our death."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()  # loaded before the fork

    def ask_kernel() -> None:
        prctl(1, death_signal)  # PR_SET_PDEATHSIG; after setuid, which would clear it
        if os.getppid() != parent:  # we died between fork and prctl
            os._exit(1)

    return ask_kernel


def stop(child: Child, number: int, seconds: float) -> None:
    """Sends the signal; what is left after `seconds` is killed with its whole group."""
    if child.poll() is None:
        child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    kill_group(child)


def kill_group(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def program_name(pid: int) -> str:
    """The name of a process' program, empty where there is none."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/comm").read_text().strip()
        return ""
    return _ps(pid, "comm=")


def _identity(pid: int) -> str:
    """Tells a process from a later one with the same number; empty where there is none (or only its remains)."""
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
    """A file with the running children, for the start after a kill -9 of their keeper."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.children: dict[str, tuple[int, str]] = {}

    def record(self, name: str, pid: int) -> None:
        """Raises OSError where the file cannot be written; what is known by this process stands all the same."""
        self.children[name] = (pid, _identity(pid))
        aside = self.file.with_suffix(".new")
        try:
            aside.write_text(json.dumps(self.children))
            aside.replace(self.file)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise

    def stop_orphans(self, seconds: float = 20) -> list[str]:
        """Ends what an earlier keeper left: on Linux its children are ending already. The names of those met."""
        with contextlib.suppress(OSError, ValueError):
            self.children = {name: (pid, born) for name, (pid, born) in json.loads(self.file.read_text()).items()}
        met = self._running()
        until = time.monotonic() + seconds
        while left := self._running():
            for name in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if time.monotonic() > until:
                        os.killpg(self.children[name][0], signal.SIGKILL)
                    elif sys.platform != "linux":
                        os.kill(self.children[name][0], signal.SIGINT if name == "postgres" else signal.SIGTERM)
            time.sleep(0.1)
        self.children = {}
        return met

    def _running(self) -> list[str]:
        return [name for name, (pid, born) in self.children.items() if born and _identity(pid) == born]
