"""Room on the file systems that this machine writes to, and the one place that knows an error that means "full".

Libraries say it in many ways: an errno, a SQLSTATE, the words of another program, an object store's code. Nothing here
needs Django; where it is set up, its settings say how much room is wanted and which folders are written to.
"""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MB, GB = 1_000_000, 1_000_000_000  # bytes

_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_FULL_MESSAGES = {  # of other programs and libraries, which pass no number on
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "No usable temporary directory found": errno.ENOSPC,
}
_DISK_FULL, _READ_ONLY = "53100", "25006"  # SQLSTATE
_REDIS_MESSAGES = {  # what it refuses a write with -> what that means
    "command not allowed when used memory": "Redis is full: raise its maxmemory, or set maxmemory-policy volatile-lru.",
    "MISCONF Redis": "Redis refuses writes, as it cannot save to its disk. Make room on its machine.",
    "can't write against a read only replica": "Redis is a replica and takes no writes: name its primary in REDIS_URL.",
}
_STORE_FULL_CODES = re.compile(r"XMinioStorageFull|InsufficientStorage|QuotaExceeded|InsufficientCapacity")


@dataclass(frozen=True, slots=True)
class DiskThresholds:
    """How much of a file system has to be free."""

    warn_bytes: int = GB
    warn_share: float = 0.05
    full_bytes: int = 100 * MB

    def required_bytes(self, total_bytes: int) -> int:
        """Bytes, of a file system of so many."""
        return max(self.warn_bytes, int(self.warn_share * total_bytes))


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """A file system as it was seen from a folder in it. `free` is what a process without root's rights may take."""

    path: Path
    free: int  # bytes
    total: int  # bytes
    free_files: int | None  # None: it has no fixed number of them
    read_only: bool


@dataclass(frozen=True, slots=True)
class StorageProblem:
    """What is full, for a client's `code`, and in words that say what to do."""

    code: str
    message: str


def measure(path: Path) -> DiskUsage:
    """The file system of the folder or, where there is none yet, of the nearest one above it. Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return DiskUsage(
        path,
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail if found.f_files else None,
        bool(found.f_flag & os.ST_RDONLY),
    )


def format_bytes(count: float) -> str:
    """Bytes as people read them."""
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", MB)):
        if count >= size:
            return f"{count / size:,.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1000:,.0f} kB"


def storage_problem(error: BaseException, path: Path | None = None) -> StorageProblem | None:
    """What an error, or one behind it, says of a full or closed disk, store or Redis. None: it means something else.
    `where`: what was being written, for an error that names no file."""
    return next((found for one in _cause_chain(error) if (found := _problem_of(one, path)) is not None), None)


def is_full(path: Path) -> bool:
    """Whether next to nothing can be written there, as when Postgres stops for it."""
    try:
        return measure(path).free < _thresholds().full_bytes / 10
    except OSError:
        return False


def is_nearly_full(path: Path) -> bool:
    """Whether less is free there than has to be."""
    try:
        disk = measure(path)
    except OSError:
        return False
    return disk.free < _thresholds().required_bytes(disk.total)


def disk_full_message(path: Path, number: int = errno.ENOSPC) -> str:
    """The sentence for a folder whose file system took no more."""
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
        words = f"A file in {disk.path} may not grow: the size limit of the process or of the file system is reached"
        return f"{words} ({state}). Raise the limit, then start it again."
    if disk.free_files == 0:
        return f"The disk of {disk.path} has no room for one more file (inodes). Delete files, then start it again."
    if disk.free >= _thresholds().required_bytes(disk.total):  # what was half written is gone by now
        return f"The disk of {disk.path} had no room for all that was to be written ({state}). Make room there first."
    return f"The disk of {disk.path} is full: {state}. Make room there, then start it again."


def _cause_chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it, each once."""
    met: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in met:
        met.append(one)
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _problem_of(error: BaseException, path: Path | None) -> StorageProblem | None:
    words, state = str(error), getattr(error, "sqlstate", None)
    if state == _DISK_FULL:
        return StorageProblem("disk_full", _database_full_message(words))
    if state == _READ_ONLY:
        words = (
            "The database takes no writes: it is a standby, or its server made it read-only (often as its disk is full)"
        )
        return StorageProblem(
            "database_read_only", f"{words}. See to its disk, then to its default_transaction_read_only."
        )
    if (refusal := next((meant for said, meant in _REDIS_MESSAGES.items() if said in words), None)) is not None:
        return StorageProblem("redis_full", refusal)
    if _STORE_FULL_CODES.search(words):
        return StorageProblem("disk_full", f"The model store is full, or its quota is used up: {words}")
    number = error.errno if isinstance(error, OSError) else None
    if number not in _FULL_ERRNOS:
        number = next((number for said, number in _FULL_MESSAGES.items() if said in words), None)
    return (
        None
        if number is None
        else StorageProblem("disk_full", disk_full_message(_path_of_error(error) or path or _fullest_folder(), number))
    )


def _database_full_message(words: str) -> str:
    path = _written_folders().get("database")
    if path is not None and is_nearly_full(path):
        return disk_full_message(path)
    return f"A disk of the database is full: make room on its server. Postgres says: {words.splitlines()[0]}."


def _path_of_error(error: BaseException) -> Path | None:
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return Path(os.fsdecode(named)).absolute() if isinstance(named, str | bytes | os.PathLike) else None


def _fullest_folder() -> Path:
    """The folder with the least room among those written to."""
    seen = []
    for folder in _written_folders().values():
        try:
            seen.append(measure(folder))
        except OSError:
            continue
    return min(seen, key=lambda disk: disk.free).path if seen else Path.cwd()


def _thresholds() -> DiskThresholds:
    from django.conf import settings

    return settings.DISK_ROOM if settings.configured else DiskThresholds()


def _written_folders() -> dict[str, Path]:
    from django.conf import settings

    return settings.WRITTEN_FOLDERS if settings.configured else {}
