"""Write the file of a backup: aside, sealed, read again, and only then under its name."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from recommender.backup.archive import FORMAT, MANIFEST, SEAL, Archive, OnBytes, no_progress, sha256_of


def write_archive(
    path: Path, facts: Mapping[str, Any], members: Mapping[str, Path], on_bytes: OnBytes = no_progress
) -> str:
    """Write the archive and read it again before it takes its name. Returns the checksum of its manifest.

    `facts` go into the manifest; `members` are files by their names in the archive; `on_bytes` counts every byte twice.
    """
    files: dict[str, dict[str, Any]] = {}
    for name, source in members.items():
        with source.open("rb") as content:
            files[name] = {"sha256": sha256_of(content, on_bytes), "bytes": content.tell()}
    manifest = json.dumps({"format": FORMAT, **facts, "files": files}, indent=1, sort_keys=True).encode()
    seal = hashlib.sha256(manifest).hexdigest()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
                for name, text in ((MANIFEST, manifest), (SEAL, seal.encode())):
                    _add_member(tar, name, len(text), io.BytesIO(text))
                for name, source in members.items():
                    _add_member(tar, name, files[name]["bytes"], source.open("rb"))
            out.flush()
            os.fsync(out.fileno())
        with Archive(temporary) as archive:
            archive.verify(on_bytes)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name
    finally:
        os.close(folder)
    return seal


def _add_member(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    with source as content:
        tar.addfile(member, content)
