"""Write files and folders that no reader, and no crash, ever meets half written.

What is written lies aside, in the same folder, until it is complete and on the disk; then it takes its name. Standard
library alone: the launcher uses it before any package is installed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def atomic_file(path: Path, *, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` when the block ends. After an error `path` is as it was before.

    `mode`: permissions of the new file, less the umask. The file's `name` is where it lies until then. Raises OSError.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "w+b", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:  # what is left of it would fill a full disk further
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Replace the file's content by `text`, whole or not at all. Raises OSError."""
    with atomic_file(path, mode=mode) as file:
        file.write(text.encode())


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `folder` when the block ends. After an error `folder` is as it was before.

    Raises OSError. Between the removal of a former `folder` and the renaming there is a moment without one.
    """
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        for path in aside.iterdir():
            sync(path)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    except BaseException:  # as above
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync(folder.parent)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk. Raises OSError with the path."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(opened)
