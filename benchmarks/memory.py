"""How much memory processes hold (resident, shared pages included)."""

import os
import resource
import sys
from pathlib import Path


def worker_pids(master: int) -> list[int]:
    """Process ids of gunicorn's workers."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def max_mb(pids: list[int], *, peak: bool = False) -> float:
    """That of the process with most: now, or at its peak."""
    return max(_kilobytes(pid, "VmHWM:" if peak else "VmRSS:") for pid in pids) / 1024


def peak_mb() -> float:
    """The most that this process ever held. Linux' ru_maxrss does not tell it: where a process starts as a copy of a
    large one, the large one's peak is in it, whatever the new one holds."""
    if sys.platform == "linux":
        return max_mb([os.getpid()], peak=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)  # macOS counts bytes


def _kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
