"""Free space on the file systems that this machine writes to, and the one place that knows an error that means "full".

Libraries report it in many ways: an errno, a SQLSTATE, another program's message, an object store's code. Nothing here
needs Django; where it is set up, its settings say how much space is required and which folders are written to.
"""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MB, GB = 1_000_000, 1_000_000_000  # bytes

_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_FULL_MESSAGES = {  # of programs and libraries that pass no errno on
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "No usable temporary directory found": errno.ENOSPC,
}
_DISK_FULL, _READ_ONLY = "53100", "25006"  # SQLSTATE
_REDIS_MESSAGES = {  # Redis' refusal of a write -> our message
    "command not allowed when used memory": "Redis is full: raise its maxmemory, or set maxmemory-policy volatile-lru.",
    "MISCONF Redis": "Redis refuses writes, as it cannot save to its disk. Make room on its machine.",
    "can't write against a read only replica": "Redis is a replica and takes no writes: name its primary in REDIS_URL.",
}
_STORE_FULL_CODES = re.compile(r"XMinioStorageFull|InsufficientStorage|QuotaExceeded|InsufficientCapacity")


@dataclass(frozen=True, slots=True)
class DiskThresholds:
    """How much of a file system has to be free: a warning below the larger of two bounds, full below a third."""

    warn_bytes: int = GB
    warn_share: float = 0.05
    full_bytes: int = 100 * MB

    def required_bytes(self, total_bytes: int) -> int:
        """Return how many bytes have to be free on a file system of `total_bytes`."""
        return max(self.warn_bytes, int(self.warn_share * total_bytes))


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """The file system of a folder, as measured. `free` is what a process without root's rights may take."""

    path: Path
    free: int  # bytes
    total: int  # bytes
    free_files: int | None  # None: it has no fixed number of them
    read_only: bool


@dataclass(frozen=True, slots=True)
class StorageProblem:
    """A disk, store or Redis that takes no more: a `code` for programs, a message that says what to do."""

    code: str
    message: str


def measure(path: Path) -> DiskUsage:
    """Measure the file system of the folder, or of the nearest folder above it that exists. Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    status = os.statvfs(path)
    return DiskUsage(
        path,
        status.f_bavail * status.f_frsize,
        status.f_blocks * status.f_frsize,
        status.f_favail if status.f_files else None,
        bool(status.f_flag & os.ST_RDONLY),
    )


def format_bytes(count: float) -> str:
    """Return a number of bytes as people read it, for example "1.5 GB"."""
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", MB)):
        if count >= size:
            return f"{count / size:,.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1000:,.0f} kB"


def storage_problem(error: BaseException, path: Path | None = None) -> StorageProblem | None:
    """Return what an error, or one behind it, says of a full or closed disk, store or Redis; None for another error.

    `path`: what was being written, for an error that names no file.
    """
    problems = (_problem_of(cause, path) for cause in _cause_chain(error))
    return next((problem for problem in problems if problem is not None), None)


def is_full(path: Path) -> bool:
    """Return whether next to nothing can be written there, so that Postgres stops."""
    try:
        return measure(path).free < _thresholds().full_bytes / 10
    except OSError:
        return False


def is_nearly_full(path: Path) -> bool:
    """Return whether less is free there than required."""
    try:
        disk = measure(path)
    except OSError:
        return False
    return disk.free < _thresholds().required_bytes(disk.total)


def disk_full_message(path: Path, number: int = errno.ENOSPC) -> str:
    """Return the message for a folder whose file system refused a write with the errno `number`."""
    try:
        disk = measure(path)
    except OSError:
        return f"The disk of {path} is full. Make room there, then start it again."
    required = _thresholds().required_bytes(disk.total)
    state = f"{format_bytes(disk.free)} of {format_bytes(disk.total)} free, at least {format_bytes(required)} needed"
    if number == errno.EROFS:
        return f"The disk of {disk.path} is read-only. Mount it writable (its file system may be damaged)."
    if number == errno.EDQUOT:
        return f"The disk quota of {disk.path} is used up ({state}). Raise it or delete files, then start it again."
    if number == errno.EFBIG:
        message = f"A file in {disk.path} may not grow: the size limit of the process or of the file system is reached"
        return f"{message} ({state}). Raise the limit, then start it again."
    if disk.free_files == 0:
        return f"The disk of {disk.path} has no room for one more file (inodes). Delete files, then start it again."
    if disk.free >= required:  # what was half written is gone by now
        return f"The disk of {disk.path} had no room for all that was to be written ({state}). Make room there first."
    return f"The disk of {disk.path} is full: {state}. Make room there, then start it again."


def _cause_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those that led to it, each once."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _problem_of(error: BaseException, path: Path | None) -> StorageProblem | None:
    text, state = str(error), getattr(error, "sqlstate", None)
    if state == _DISK_FULL:
        folder = _written_folders().get("database")
        if folder is not None and is_nearly_full(folder):
            return StorageProblem("disk_full", disk_full_message(folder))
        message = f"A disk of the database is full: make room on its server. Postgres says: {text.splitlines()[0]}."
        return StorageProblem("disk_full", message)
    if state == _READ_ONLY:
        message = (
            "The database takes no writes: it is a standby, or its server made it read-only (often as its disk is "
            "full). See to its disk, then to its default_transaction_read_only."
        )
        return StorageProblem("database_read_only", message)
    for refusal, message in _REDIS_MESSAGES.items():
        if refusal in text:
            return StorageProblem("redis_full", message)
    if _STORE_FULL_CODES.search(text):
        return StorageProblem("disk_full", f"The model store is full, or its quota is used up: {text}")
    number = error.errno if isinstance(error, OSError) else None
    if number not in _FULL_ERRNOS:
        number = next((errno for message, errno in _FULL_MESSAGES.items() if message in text), None)
    if number is None:
        return None
    return StorageProblem("disk_full", disk_full_message(_path_of_error(error) or path or _fullest_folder(), number))


def _path_of_error(error: BaseException) -> Path | None:
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return Path(os.fsdecode(name)).absolute() if isinstance(name, str | bytes | os.PathLike) else None


def _fullest_folder() -> Path:
    """Return the folder with the least free space among those written to."""
    measured = []
    for folder in _written_folders().values():
        try:
            measured.append(measure(folder))
        except OSError:
            continue
    return min(measured, key=lambda disk: disk.free).path if measured else Path.cwd()


def _thresholds() -> DiskThresholds:
    from django.conf import settings  # a package: the launcher imports this module before any is installed

    return settings.DISK_THRESHOLDS if settings.configured else DiskThresholds()


def _written_folders() -> dict[str, Path]:
    from django.conf import settings  # as above

    return settings.WRITTEN_FOLDERS if settings.configured else {}
