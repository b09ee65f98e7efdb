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

_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_WORDS = {  # of other programs and libraries, which pass no number on
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "No usable temporary directory found": errno.ENOSPC,
}
_DISK_FULL, _READ_ONLY = "53100", "25006"  # SQLSTATE
_REDIS = {  # what it refuses a write with -> what that means
    "command not allowed when used memory": "Redis is full: raise its maxmemory, or set maxmemory-policy volatile-lru.",
    "MISCONF Redis": "Redis refuses writes, as it cannot save to its disk. Make room on its machine.",
    "can't write against a read only replica": "Redis is a replica and takes no writes: name its primary in REDIS_URL.",
}
_STORE_FULL = re.compile(r"XMinioStorageFull|InsufficientStorage|QuotaExceeded|InsufficientCapacity")


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a file system has to be free."""

    warn_bytes: int = GB
    warn_share: float = 0.05
    full_bytes: int = 100 * MB

    def wanted(self, total: int) -> int:
        """Bytes, of a file system of so many."""
        return max(self.warn_bytes, int(self.warn_share * total))


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system as it was seen from a folder in it. `free` is what a process without root's rights may take."""

    path: Path
    free: int  # bytes
    total: int  # bytes
    free_files: int | None  # None: it has no fixed number of them
    read_only: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is full, for a client's `code`, and in words that say what to do."""

    code: str
    words: str


def look(path: Path) -> Disk:
    """The file system of the folder or, where there is none yet, of the nearest one above it. Raises OSError."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return Disk(
        path,
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail if found.f_files else None,
        bool(found.f_flag & os.ST_RDONLY),
    )


def amount(count: float) -> str:
    """Bytes as people read them."""
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", MB)):
        if count >= size:
            return f"{count / size:,.1f} {unit}" if count < 10 * size else f"{count / size:,.0f} {unit}"
    return f"{count / 1000:,.0f} kB"


def explained(error: BaseException, where: Path | None = None) -> Trouble | None:
    """What an error, or one behind it, says of a full or closed disk, store or Redis. None: it means something else.
    `where`: what was being written, for an error that names no file."""
    return next((found for one in _chain(error) if (found := _trouble(one, where)) is not None), None)


def is_full(path: Path) -> bool:
    """Whether next to nothing can be written there, as when Postgres stops for it."""
    try:
        return look(path).free < _room().full_bytes / 10
    except OSError:
        return False


def nearly_full(path: Path) -> bool:
    """Whether less is free there than has to be."""
    try:
        disk = look(path)
    except OSError:
        return False
    return disk.free < _room().wanted(disk.total)


def full_disk(path: Path, number: int = errno.ENOSPC) -> str:
    """The sentence for a folder whose file system took no more."""
    try:
        disk = look(path)
    except OSError:
        return f"The disk of {path} is full. Make room there, then start it again."
    state = f"{amount(disk.free)} of {amount(disk.total)} free, at least {amount(_room().wanted(disk.total))} needed"
    if number == errno.EROFS:
        return f"The disk of {disk.path} is read-only. Mount it writable (its file system may be damaged)."
    if number == errno.EDQUOT:
        return f"The disk quota of {disk.path} is used up ({state}). Raise it or delete files, then start it again."
    if number == errno.EFBIG:
        words = f"A file in {disk.path} may not grow: the size limit of the process or of the file system is reached"
        return f"{words} ({state}). Raise the limit, then start it again."
    if disk.free_files == 0:
        return f"The disk of {disk.path} has no room for one more file (inodes). Delete files, then start it again."
    if disk.free >= _room().wanted(disk.total):  # what was half written is gone by now
        return f"The disk of {disk.path} had no room for all that was to be written ({state}). Make room there first."
    return f"The disk of {disk.path} is full: {state}. Make room there, then start it again."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it, each once."""
    met: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in met:
        met.append(one)
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _trouble(error: BaseException, where: Path | None) -> Trouble | None:
    words, state = str(error), getattr(error, "sqlstate", None)
    if state == _DISK_FULL:
        return Trouble("disk_full", _database_full(words))
    if state == _READ_ONLY:
        words = (
            "The database takes no writes: it is a standby, or its server made it read-only (often as its disk is full)"
        )
        return Trouble("database_read_only", f"{words}. See to its disk, then to its default_transaction_read_only.")
    if (refusal := next((meant for said, meant in _REDIS.items() if said in words), None)) is not None:
        return Trouble("redis_full", refusal)
    if _STORE_FULL.search(words):
        return Trouble("disk_full", f"The model store is full, or its quota is used up: {words}")
    number = error.errno if isinstance(error, OSError) else None
    if number not in _ERRNOS:
        number = next((number for said, number in _WORDS.items() if said in words), None)
    return None if number is None else Trouble("disk_full", full_disk(_named(error) or where or _fullest(), number))


def _database_full(words: str) -> str:
    path = _folders().get("database")
    if path is not None and nearly_full(path):
        return full_disk(path)
    return f"A disk of the database is full: make room on its server. Postgres says: {words.splitlines()[0]}."


def _named(error: BaseException) -> Path | None:
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    return Path(os.fsdecode(named)).absolute() if isinstance(named, str | bytes | os.PathLike) else None


def _fullest() -> Path:
    """The folder with the least room among those written to."""
    seen = []
    for folder in _folders().values():
        try:
            seen.append(look(folder))
        except OSError:
            continue
    return min(seen, key=lambda disk: disk.free).path if seen else Path.cwd()


def _room() -> Room:
    from django.conf import settings

    return settings.DISK_ROOM if settings.configured else Room()


def _folders() -> dict[str, Path]:
    from django.conf import settings

    return settings.WRITTEN_FOLDERS if settings.configured else {}
