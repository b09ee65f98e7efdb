"""The file of a backup: a plain tar whose first member names every other one with its size and checksum.

The tar is not compressed, so that no member can be larger than the file. Nothing in it is unpickled.
"""

import contextlib
import hashlib
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

FORMAT = 1  # raised when members are named or mean something else
MANIFEST, SEAL, DUMP = "manifest.json", "manifest.sha256", "database.dump"
MODEL_FILE = re.compile(r"models/([A-Za-z0-9][A-Za-z0-9._-]{0,59})/([a-z_]{1,40}\.(?:safetensors|json))")
MAX_MEMBERS = 10_000
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024

OnBytes = Callable[[int], None]  # takes the number of bytes that were just read


class ArchiveRefused(Exception):
    """The file is no backup that can be restored; the message says why."""


def no_progress(count: int) -> None:
    """Ignore progress."""


def sha256_of(source: IO[bytes], on_bytes: OnBytes = no_progress) -> str:
    """Return the SHA-256 of what is left to read, in hex."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK_BYTES):
        digest.update(block)
        on_bytes(len(block))
    return digest.hexdigest()


def model_members(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the names of the members that are files of models, by folder and file name."""
    members: dict[str, dict[str, str]] = {}
    for name in manifest["files"]:
        if match := MODEL_FILE.fullmatch(name):
            members.setdefault(match[1], {})[match[2]] = name
    return members


class Archive:
    """An archive whose list of members is as its manifest says.

    Contents are checked by `verify`, and again whenever they are read.
    """

    def __init__(self, path: Path) -> None:
        """Open the archive and check its list of members. Raises ArchiveRefused."""
        self.path = path
        try:
            self._tar = tarfile.open(path, mode="r:")  # noqa: SIM115  (closed by __exit__)
        except OSError as error:
            raise ArchiveRefused(f"{path} cannot be read: {error.strerror}.") from error
        except tarfile.TarError as error:
            raise ArchiveRefused(f"{path} is no backup of movierec: {error}.") from error
        try:
            self.manifest = self._read_manifest()
            self._members = self._list_members()
        except BaseException:
            self._tar.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *error: object) -> None:
        self._tar.close()

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """Return size and checksum of each member, by name."""
        return dict(self.manifest["files"])

    def verify(self, on_bytes: OnBytes = no_progress) -> None:
        """Read everything once. Raises ArchiveRefused for what is not what was written."""
        for name in self.files:
            for block in self.blocks(name):
                on_bytes(len(block))

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the member's content. Raises ArchiveRefused, at the end at the latest, for other content."""
        digest = hashlib.sha256()
        with self._read_errors(), self._tar.extractfile(self._members[name]) as content:  # type: ignore[union-attr]
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
                yield block
        if digest.hexdigest() != self.files[name]["sha256"]:
            raise ArchiveRefused(f"{self.path} was cut or edited: {name} has not the checksum of the manifest.")

    def _read_manifest(self) -> dict[str, Any]:
        with self._read_errors():
            manifest, seal = (self._read_next(name) for name in (MANIFEST, SEAL))
        try:
            values = json.loads(manifest)
            archive_format = int(values["format"])
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveRefused(f"{self.path} has a manifest that cannot be read: {error!r}.") from error
        if archive_format > FORMAT:
            raise ArchiveRefused(
                f"{self.path} has format {archive_format}, and this movierec reads up to {FORMAT}: restore it with the "
                "version that made it, or a newer one."
            )
        if hashlib.sha256(manifest).hexdigest() != seal.decode(errors="replace"):
            raise ArchiveRefused(f"{self.path} was edited: its manifest has not the checksum that was written with it.")
        try:
            for entry in (values["files"][DUMP], *values["files"].values()):
                int(entry["bytes"]), str(entry["sha256"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArchiveRefused(f"{self.path} has a manifest that names no files: {error!r}.") from error
        return dict(values)

    def _read_next(self, name: str) -> bytes:
        """Return the content of the next member, which must be this one."""
        member = self._tar.next()
        if member is None or member.name != name or member.type != tarfile.REGTYPE or member.size > MAX_MANIFEST_BYTES:
            raise ArchiveRefused(f"{self.path} is no backup of movierec: it has no {name} in its place.")
        return self._tar.extractfile(member).read()  # type: ignore[union-attr]

    def _list_members(self) -> dict[str, tarfile.TarInfo]:
        """Return the members by name: those of the manifest, each a plain file of the size that it says."""
        members: dict[str, tarfile.TarInfo] = {}
        with self._read_errors():
            while (member := self._tar.next()) is not None:
                is_plain_file = member.type == tarfile.REGTYPE and member.sparse is None
                is_known = member.name in self.files and (member.name == DUMP or MODEL_FILE.fullmatch(member.name))
                if not is_plain_file or not is_known or member.name in members or len(members) >= MAX_MEMBERS:
                    raise ArchiveRefused(
                        f"{self.path} has a member that is no part of a backup: {member.name[:100]!r}."
                    )
                if member.size != self.files[member.name].get("bytes"):
                    raise ArchiveRefused(f"{self.path} was edited: {member.name} has not the size of the manifest.")
                members[member.name] = member
        if missing := sorted(set(self.files) - set(members)):
            raise ArchiveRefused(f"{self.path} was cut: {missing[0]} and {len(missing) - 1} others are not in it.")
        return members

    @contextlib.contextmanager
    def _read_errors(self) -> Iterator[None]:
        try:
            yield
        except (tarfile.TarError, EOFError) as error:
            raise ArchiveRefused(f"{self.path} was cut or edited: {error}.") from error
        except OSError as error:
            raise ArchiveRefused(f"{self.path} cannot be read: {error}.") from error
