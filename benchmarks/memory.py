"""Resident memory of processes, shared pages included."""

import os
import resource
import sys
from pathlib import Path


def worker_pids(master: int) -> list[int]:
    """Return the process ids of gunicorn's workers."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def max_mb(pids: list[int], *, peak: bool = False) -> float:
    """Return the memory of the largest process, now or at its peak."""
    field = "VmHWM:" if peak else "VmRSS:"
    statuses = [Path(f"/proc/{pid}/status").read_text().splitlines() for pid in pids]
    return max(int(line.split()[1]) for lines in statuses for line in lines if line.startswith(field)) / 1024


def pss_mb(pid: int) -> float:
    """Return the memory of a process (Linux), each page that others share by its share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def max_pss_mb(pids: list[int]) -> float:
    """Return the memory of the largest process as `pss_mb` counts it; 0 where the system does not tell (macOS)."""
    return max(map(pss_mb, pids)) if Path("/proc/self/smaps_rollup").exists() else 0.0


def peak_mb() -> float:
    """Return the peak of this process. On Linux ru_maxrss would be wrong: a process that is forked from a larger one
    inherits its peak."""
    if sys.platform == "linux":
        return max_mb([os.getpid()], peak=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)  # macOS counts bytes
