"""The disks that this machine writes to."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from infrastructure import disk_space
from infrastructure.disk_space import DiskUsage, format_bytes
from recommender.monitoring.checks import Check, Status

ANSWER_SECONDS = 1.0  # a mounted folder whose server is gone answers nobody
MIN_FREE_FILES = 1_000  # that must still find room


def check_disks() -> list[Check]:
    """A check for each file system, named by what lies on it."""
    seen: dict[str, tuple[DiskUsage, list[str]]] = {}
    silent = []
    for use, folder in settings.WRITTEN_FOLDERS.items():
        try:
            disk = _read_disk(folder)
        except TimeoutError:
            silent.append(_silent_folder(use, folder))
        except OSError as error:
            silent.append(Check(f"disk:{folder}", f"Disk: {use}", Status.FAIL, "unreadable", f"{folder}: {error}"))
        else:
            seen.setdefault(_identity(disk), (disk, []))[1].append(use)
    return [_check_disk(disk, uses) for disk, uses in seen.values()] + silent


def disk_warnings() -> list[str]:
    """A sentence for each disk that is full or nearly so."""
    return [f"{one.detail} {one.remedy}" for one in check_disks() if one.status != Status.OK]


def _identity(disk: DiskUsage) -> str:
    return str(disk.path.stat().st_dev)


def _check_disk(disk: DiskUsage, uses: list[str]) -> Check:
    wanted, named = settings.DISK_THRESHOLDS.required_bytes(disk.total), ", ".join(uses)
    free, few = format_bytes(disk.free), disk.free_files is not None and disk.free_files < MIN_FREE_FILES
    figures: Mapping[str, float] = {"free_bytes": disk.free, "total_bytes": disk.total, "wanted_bytes": wanted}
    detail = f"{disk.path} ({named}) has {free} of {format_bytes(disk.total)} free; at least {format_bytes(wanted)} should be free."
    remedy = "Make room: old backups, logs, a lower MOVIEREC_MODELS_KEPT; docs/operations.md, Incidents."
    name, label, value = f"disk:{disk.path}", f"Disk: {named}", f"{free} free"
    if disk.read_only:
        detail = f"{disk.path} is read-only ({named})."
        return Check(name, label, Status.FAIL, "read-only", detail, "Mount it writable; see to its health.", figures)
    if few:
        detail = f"{disk.path} has room for {disk.free_files:,} more files (inodes; {named})."
        return Check(name, label, Status.FAIL, "no more files", detail, "Delete many small files there.", figures)
    if disk.free < settings.DISK_THRESHOLDS.full_bytes:
        return Check(name, label, Status.FAIL, f"full: {value}", detail, remedy, figures)
    if disk.free < wanted:
        return Check(name, label, Status.WARN, f"nearly full: {value}", detail, remedy, figures)
    return Check(name, label, Status.OK, value, detail, figures=figures)


def _silent_folder(use: str, folder: Path) -> Check:
    detail = f"{folder} has not answered for {ANSWER_SECONDS:.0f} s: its server is gone, or frozen."
    return Check(
        f"disk:{folder}", f"Disk: {use}", Status.FAIL, "does not answer", detail, "See to the machine it is on."
    )


def _read_disk(folder: Path) -> DiskUsage:
    """Raises TimeoutError, OSError. Whoever asks while another is asking waits for the same answer, so that a folder
    that hangs holds one thread."""
    look = _readers.get(folder)
    if look is None or not look.is_alive():
        look = _readers[folder] = _DiskReader(folder)
        look.start()
    look.join(max(0.0, look.started_at + ANSWER_SECONDS - time.monotonic()))
    if look.outcome is None:
        raise TimeoutError
    if isinstance(look.outcome, OSError):
        raise look.outcome
    return look.outcome


class _DiskReader(threading.Thread):
    """Asks in a thread of its own, as the kernel may hold whoever asks for ever."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name=f"disk-{folder.name}", daemon=True)
        self.folder, self.started_at = folder, time.monotonic()
        self.outcome: DiskUsage | OSError | None = None

    def run(self) -> None:
        try:
            self.outcome = disk_space.measure(self.folder)
        except OSError as error:
            self.outcome = error


_readers: dict[Path, _DiskReader] = {}  # the last look at each folder
