"""The system's own errors, in place of what torch and safetensors make of them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # how safetensors spells the system's error number


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Raise the system's error, with the file's name, in place of a library's.

    torch reports a full disk as "enforce fail at inline_container.cc".
    """
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
