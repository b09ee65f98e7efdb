"""One writer of a folder of shards at a time, on the machine that has it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_lock(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Yield whether this process may write into `folder`; with `wait` it waits for its turn.

    The kernel lets go of the lock however the process ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
