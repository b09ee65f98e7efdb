"""Write files and folders so that a half-written one is never seen, and a full disk is reported as one."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # how safetensors spells the system's error number


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder beside `folder` to write to; rename it to `folder` at the end, or remove it on any error."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        with os_errors(aside):
            for path in aside.iterdir():
                fsync(path)
    except BaseException:  # what is left of it would fill a full disk further
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(folder)
    aside.rename(folder)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` at the end, or remove it on any error."""
    aside = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os_errors(path):
            yield aside
            fsync(aside)
    except BaseException:  # what is left of it would fill a full disk further
        aside.unlink(missing_ok=True)
        raise
    aside.rename(path)


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Raise the system's error, with the file's name, in place of a library's: torch reports a full disk as "enforce
    fail at inline_container.cc"."""
    try:
        yield
    except (RuntimeError, SafetensorError, OSError) as error:
        number = _errno_of(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _errno_of(error: BaseException) -> int | None:
    if match := _OS_ERROR.search(str(error)):
        return int(match[1])
    if isinstance(error, OSError):
        return error.errno
    return None if error.__context__ is None else _errno_of(error.__context__)


def fsync(path: Path) -> None:
    """Flush a file's contents to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
