"""Processors and memory that this process may use, as its container (cgroup v1 or v2) and its affinity leave them."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

MIB = 1024**2
UNLIMITED = 2**60  # bytes; cgroup v1 writes "no limit" as about 2^63


class Resources(NamedTuple):
    """What a process may use."""

    cpus: int  # whole ones, 1 at least
    memory: int  # bytes


def available_resources(root: Path = Path("/")) -> Resources:
    """Return the least of what the machine has and what each cgroup above this process allows.

    `root`: the folder that has /proc and /sys.
    """
    cpus, memory = float(_cpu_count()), float(_total_memory(root))
    for folder in _cgroup_folders(root, "cpu"):
        cpus = min(cpus, _cpu_quota(folder))
    for folder in _cgroup_folders(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            limit = _read_int(folder / name)
            memory = min(memory, limit if limit and limit < UNLIMITED else memory)
    return Resources(max(1, int(cpus)), int(memory))


def limit_threads(processes: int = 1) -> None:
    """Limit torch, here and in children, to the share of the processors where so many processes work side by side.

    Call it before torch is loaded. OMP_NUM_THREADS in the environment wins.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, available_resources().cpus // max(1, processes))))


def default_web_workers() -> int:
    """Return how many web processes gunicorn runs: two where each has a processor and a GiB of memory, else one."""
    resources = available_resources()
    return max(1, min(2, resources.cpus, resources.memory // (1024 * MIB)))


def _cpu_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _total_memory(root: Path) -> int:
    for line in _read_text(root / "proc/meminfo").splitlines():
        name, _, size = line.partition(":")
        if name == "MemTotal":
            return int(size.split()[0]) * 1024
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's cgroup and of all above it.

    In a container with a namespace of its own the path may not be there, and the mount itself is the group.
    """
    for line in _read_text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mount = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            mount = next((m for m in _cgroup_mounts(root, controllers, controller) if m.is_dir()), root / "nowhere")
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        yield from (mount / part for part in (inside, *inside.parents))


def _cgroup_mounts(root: Path, controllers: str, controller: str) -> Iterator[Path]:
    for name in (controllers, controller):
        yield root / "sys/fs/cgroup" / name


def _cpu_quota(folder: Path) -> float:
    """Return the processors that the cgroup allows; infinity where there is no quota."""
    v2 = _read_text(folder / "cpu.max").split()
    if len(v2) == 2 and v2[0].isdigit():
        return int(v2[0]) / int(v2[1])
    quota, period = _read_int(folder / "cpu.cfs_quota_us"), _read_int(folder / "cpu.cfs_period_us")
    return quota / period if quota and period else float("inf")


def _read_int(file: Path) -> int | None:
    text = _read_text(file).strip()
    return int(text) if text.isdigit() else None  # "max", "-1" and no file at all are no limit


def _read_text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
