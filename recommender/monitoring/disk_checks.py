"""Check the disks that this machine writes to."""

import threading
import time
from pathlib import Path

from django.conf import settings

from infrastructure import disk_space
from infrastructure.disk_space import DiskUsage, format_bytes
from recommender import process_state
from recommender.monitoring.checks import Check, Status

ANSWER_SECONDS = 1.0  # a mounted folder whose server is gone never answers
MIN_FREE_FILES = 1_000  # inodes


class _DiskReader(threading.Thread):
    """Measure a folder's disk in a thread of its own, as the kernel may block the reader for ever."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name=f"disk-{folder.name}", daemon=True)
        self.folder, self.started_at = folder, time.monotonic()
        self.outcome: DiskUsage | OSError | None = None

    def run(self) -> None:
        """Measure once and keep the outcome."""
        try:
            self.outcome = disk_space.measure(self.folder)
        except OSError as error:
            self.outcome = error


_readers: dict[Path, _DiskReader] = {}  # the last reader of each folder
process_state.register("disk checks: the last reader of each folder", _readers.clear)


def check_disks() -> list[Check]:
    """Check each file system once, named by what the settings write to it, and each folder that cannot be read."""
    disks: dict[int, tuple[DiskUsage, list[str]]] = {}
    unreadable = []
    for use, folder in settings.WRITTEN_FOLDERS.items():
        name, label = f"disk:{folder}", f"Disk: {use}"
        try:
            disk = _read_disk(folder)
        except TimeoutError:
            detail = f"{folder} has not answered for {ANSWER_SECONDS:.0f} s: its server is gone, or frozen."
            remedy = "See to the machine it is on."
            unreadable.append(Check(name, label, Status.FAIL, "does not answer", detail, remedy))
        except OSError as error:
            remedy = "Make the folder again, or mount it, so that movierec's user may read it and write to it."
            unreadable.append(Check(name, label, Status.FAIL, "unreadable", f"{folder}: {error}.", remedy))
        else:
            disks.setdefault(disk.path.stat().st_dev, (disk, []))[1].append(use)
    return [_check_disk(disk, uses) for disk, uses in disks.values()] + unreadable


def disk_warnings() -> list[str]:
    """Return a sentence for each disk that is full or nearly so."""
    return [f"{check.detail} {check.remedy}" for check in check_disks() if check.status != Status.OK]


def _check_disk(disk: DiskUsage, uses: list[str]) -> Check:
    required, used_for = settings.DISK_THRESHOLDS.required_bytes(disk.total), ", ".join(uses)
    free, total = format_bytes(disk.free), format_bytes(disk.total)
    figures: dict[str, float] = {"free_bytes": disk.free, "total_bytes": disk.total, "wanted_bytes": required}
    name, label, value = f"disk:{disk.path}", f"Disk: {used_for}", f"{free} free"
    if disk.read_only:
        detail = f"{disk.path} is read-only ({used_for})."
        return Check(name, label, Status.FAIL, "read-only", detail, "Mount it writable; see to its health.", figures)
    if disk.free_files is not None and disk.free_files < MIN_FREE_FILES:
        detail = f"{disk.path} has room for {disk.free_files:,} more files (inodes; {used_for})."
        return Check(
            name,
            label,
            Status.FAIL,
            "no more files",
            detail,
            "Delete many small files there: old logs, caches, models.",
            figures,
        )
    detail = f"{disk.path} ({used_for}) has {free} of {total} free; at least {format_bytes(required)} should be free."
    remedy = "Make room: old backups, logs, a lower MOVIEREC_MODELS_KEPT; docs/operations.md, Incidents."
    if disk.free < settings.DISK_THRESHOLDS.full_bytes:
        return Check(name, label, Status.FAIL, f"full: {value}", detail, remedy, figures)
    if disk.free < required:
        return Check(name, label, Status.WARN, f"nearly full: {value}", detail, remedy, figures)
    return Check(name, label, Status.OK, value, detail, figures=figures)


def _read_disk(folder: Path) -> DiskUsage:
    """Measure a folder's disk within ANSWER_SECONDS. Raises TimeoutError, OSError.

    Concurrent callers wait for the same reader, so that a folder that hangs holds one thread.
    """
    reader = _readers.get(folder)
    if reader is None or not reader.is_alive():
        reader = _readers[folder] = _DiskReader(folder)
        reader.start()
    reader.join(max(0.0, reader.started_at + ANSWER_SECONDS - time.monotonic()))
    if reader.outcome is None:
        raise TimeoutError
    if isinstance(reader.outcome, OSError):
        raise reader.outcome
    return reader.outcome
