"""How much memory the web workers hold, shared pages included."""

from pathlib import Path


def workers(master: int) -> list[int]:
    """Process ids of gunicorn's workers."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def most_mb(pids: list[int], *, ever: bool = False) -> float:
    """That of the worker with most: now, or at its peak."""
    return max(_kilobytes(pid, "VmHWM:" if ever else "VmRSS:") for pid in pids) / 1024


def _kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
