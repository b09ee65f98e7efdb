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

MAX_TEXT = 1024**3  # bytes of a file that is read as a whole: twelve times the tags of MovieLens 32M
MAX_DEPTH = 3  # folders above a file
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

        UTF-8, or UTF-16 with its mark; of what is no CSV also Windows-1252 and Latin-1, as in MovieLens 100K, 1M and
        HetRec. Raises DataFileError.
        """
        text = self._decoded()
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise DataFileError(self.label, line, "has a NUL character, which no text has; copy or save it again")
        return text

    def _decoded(self) -> str:
        with self.open() as stream:
            content = stream.read(MAX_TEXT + 1)
        if len(content) > MAX_TEXT:
            raise DataFileError(self.label, None, f"has more than {MAX_TEXT >> 20:,} MB of text; no such file has")
        try:
            return content.decode(
                "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
            )
        except UnicodeDecodeError as error:
            if not self.label.endswith((".csv", ".csv.gz")):
                try:
                    return content.decode("windows-1252")
                except UnicodeDecodeError:
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

    Looks one folder down. Raises DataFileError.
    """
    folders = data_folders(path, depth=1)
    files: dict[str, DataFile] = {}
    for folder in folders:
        files = folder.files | files
    return (folders[0].name if folders else path.resolve().stem), files


@dataclass(frozen=True)
class DataFolder:
    """A folder with files, in a zip or on disk. `label`: its path in the zip or folder, "." at the top."""

    label: str
    name: str
    files: dict[str, DataFile]  # by name


def data_folders(path: Path, depth: int = MAX_DEPTH) -> list[DataFolder]:
    """Return the folders that hold files in a zip or folder, the topmost first, down to `depth` folders below it.

    Raises DataFileError.
    """
    if path.is_dir():
        all_files = [
            DataFile(str(entry.relative_to(path)), entry.stat().st_size, entry)
            for level in range(depth + 1)
            for entry in sorted(path.glob("*/" * level + "*"))
            if entry.is_file()
        ]
    elif path.is_file():
        all_files = [file for file in _members(path) if file.label.count("/") <= depth]
    else:
        raise DataFileError(str(path), None, "there is no such zip or folder")
    folders: dict[PurePosixPath, dict[str, DataFile]] = {}
    for file in sorted(all_files, key=lambda file: file.label.count("/")):
        place = PurePosixPath(file.label)
        folders.setdefault(place.parent, {})[place.name] = file
    top = path.resolve().stem
    return [DataFolder(str(place), place.name or top, files) for place, files in folders.items()]


def _members(path: Path) -> list[DataFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                DataFile(info.filename, info.file_size, path, info.filename)
                for info in archive.infolist()
                if not info.is_dir() and not info.filename.startswith("__MACOSX")
            ]
    except _DAMAGE as error:
        raise damaged_file(str(path), error) from error
