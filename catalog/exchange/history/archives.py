"""Zip archives as sites hand them out: the files in them, within bounds, whatever the archive says of itself."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from catalog.errors import DataFileError

MAX_FILES = 5_000
MAX_FILE_BYTES = 16 * 1024 * 1024  # of one file
MAX_UNPACKED = 64 * 1024 * 1024  # bytes, of all files that are read
ZIP_MAGIC = b"PK"
_READ_SUFFIXES = frozenset({".csv", ".json", ".tsv", ".txt"})
_WORKBOOK = "[Content_Types].xml"


class PackedFile(NamedTuple):
    """A file of an archive."""

    path: str
    content: io.BytesIO


def is_zip(file: BinaryIO) -> bool:
    """Say whether a file is a zip archive, or something packed as one. Goes back to the beginning."""
    file.seek(0)
    begins = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    file.seek(0)
    return begins


def unpack(file: BinaryIO, name: str) -> Iterator[PackedFile]:
    """Yield the files of an archive that may hold rows, in the order of their paths. Raises DataFileError."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _unpack(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DataFileError(name, None, f"is a zip archive that cannot be read ({error}): send it as it came") from None


def _unpack(archive: zipfile.ZipFile, name: str) -> Iterator[PackedFile]:
    members = [member for member in archive.infolist() if member.filename and not member.filename.endswith("/")]
    if len(members) > MAX_FILES:
        raise DataFileError(name, None, f"has {len(members):,} files; the limit is {MAX_FILES:,}")
    if any(member.filename == _WORKBOOK for member in members):
        raise DataFileError(name, None, "is a workbook: save the sheet as CSV UTF-8 and send that")
    left = MAX_UNPACKED
    for member in sorted(members, key=lambda one: one.filename):
        path = PurePosixPath(member.filename)
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if hidden or path.suffix.lower() not in _READ_SUFFIXES:
            continue
        with archive.open(member) as packed:
            content = packed.read(min(left, MAX_FILE_BYTES) + 1)
        if len(content) > MAX_FILE_BYTES:
            raise DataFileError(f"{name}, {path}", None, f"has more than {MAX_FILE_BYTES:,} bytes")
        left -= len(content)
        if left < 0:
            raise DataFileError(name, None, f"unpacks to more than {MAX_UNPACKED:,} bytes")
        yield PackedFile(str(path), io.BytesIO(content))
