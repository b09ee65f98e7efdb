"""The files of a data set, in a zip or a folder, flat or one folder down."""

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from catalog.errors import DataFileError

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class DataFile:
    """One file of the set. `label`: the name for people; `size`: bytes, unpacked."""

    label: str
    size: int
    path: Path
    member: str | None = None  # its name inside the zip

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file, unpacked. Raises DataFileError where it is cut or damaged, also in the middle of reading."""
        try:
            with self._open_stored() as stored:
                # A browser may have unpacked it and left its name.
                if stored.peek(2)[:2] == b"\x1f\x8b":
                    with gzip.open(stored) as stream:
                        yield cast(BinaryIO, stream)
                else:
                    yield cast(BinaryIO, stored)
        except _DAMAGE as error:
            raise damaged_file(self.label, error) from error

    @contextmanager
    def _open_stored(self) -> Iterator[io.BufferedReader | zipfile.ZipExtFile]:
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
                yield cast(zipfile.ZipExtFile, member)

    def text(self) -> str:
        """Read the whole file, for small ones.

        UTF-8, or UTF-16 with its mark; a .dat that is neither is Latin-1, as in MovieLens 1M. Raises DataFileError.
        """
        text = self._decoded()
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise DataFileError(self.label, line, "has a NUL character, which no text has; copy or save it again")
        return text

    def _decoded(self) -> str:
        with self.open() as stream:
            content = stream.read()
        try:
            return content.decode(
                "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
            )
        except UnicodeDecodeError as error:
            if self.label.endswith(".dat"):
                return content.decode("latin-1")
            line = content.count(b"\n", 0, error.start) + 1
            raise DataFileError(self.label, line, "is not UTF-8 text; convert the file to UTF-8") from error

    def lines(self) -> io.StringIO:
        """Read the whole file, for iterating over its lines."""
        return io.StringIO(self.text(), newline="")


def damaged_file(label: str, error: Exception) -> DataFileError:
    """Make the error of a damaged file."""
    return DataFileError(label, None, f"is cut or damaged ({error}); download or copy it again")


def single_file(path: Path) -> DataFile:
    """Return a file that stands alone, plain or .gz. Raises DataFileError where there is none."""
    if not path.is_file():
        raise DataFileError(str(path), None, "there is no such file")
    return DataFile(path.name, path.stat().st_size, path)


def data_files(path: Path) -> tuple[str, dict[str, DataFile]]:
    """Return the name of the set in a zip or folder, and its files by name; of equal names the topmost counts.

    Raises DataFileError.
    """
    if path.is_dir():
        all_files = [
            DataFile(str(entry.relative_to(path)), entry.stat().st_size, entry)
            for pattern in ("*", "*/*")
            for entry in sorted(path.glob(pattern))
            if entry.is_file()
        ]
    elif path.is_file():
        all_files = _members(path)
    else:
        raise DataFileError(str(path), None, "there is no such zip or folder")
    files: dict[str, DataFile] = {}
    for file in sorted(all_files, key=lambda file: file.label.count("/")):
        files.setdefault(PurePosixPath(file.label).name, file)
    folders = {str(PurePosixPath(file.label).parent) for file in files.values() if "movies." in file.label} - {"."}
    return (folders.pop() if folders else path.resolve().stem), files


def _members(path: Path) -> list[DataFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                DataFile(info.filename, info.file_size, path, info.filename)
                for info in archive.infolist()
                if not info.is_dir() and info.filename.count("/") <= 1 and not info.filename.startswith("__MACOSX")
            ]
    except _DAMAGE as error:
        raise damaged_file(str(path), error) from error
