"""Keep the logs of long-lived processes short while they are being written."""

import contextlib
import os
from pathlib import Path

MAX_LOG_BYTES = 5 * 1024 * 1024  # a longer log is emptied; its end goes into a second file, one generation deep


def rotate_long_logs(folder: Path) -> None:
    """Rotate each log of the folder that is longer than MAX_LOG_BYTES."""
    for path in folder.glob("*.log"):
        with contextlib.suppress(OSError):
            if path.stat().st_size > MAX_LOG_BYTES:
                rotate_log(path)


def rotate_log(log: Path) -> None:
    """Copy the log's last MAX_LOG_BYTES beside it and empty it; on a full disk it is only emptied.

    The process writes on meanwhile, as it appends to the same file.
    """
    former = log.with_suffix(".log.1")
    try:
        former.unlink(missing_ok=True)  # its room is for the next
        with log.open("rb") as source, former.open("wb") as target:
            source.seek(-min(MAX_LOG_BYTES, os.fstat(source.fileno()).st_size), os.SEEK_END)
            target.write(source.read(MAX_LOG_BYTES))  # no more, though it is written on
    except OSError:
        with contextlib.suppress(OSError):
            former.unlink(missing_ok=True)
    os.truncate(log, 0)
