"""Writes the file of a backup: aside, sealed, read again, and only then under its name."""

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
    """Writes the archive and reads it again before it takes its name. Returns the checksum of its manifest.

    `facts` go into the manifest; `members`: name -> file. `told` hears of every byte twice."""
    files = {name: _file_entry(source, on_bytes) for name, source in members.items()}
    manifest = json.dumps({"format": FORMAT, **facts, "files": files}, indent=1, sort_keys=True).encode()
    seal = hashlib.sha256(manifest).hexdigest()
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
                for name, text in ((MANIFEST, manifest), (SEAL, seal.encode())):
                    _add_member(tar, name, len(text), io.BytesIO(text))
                for name, source in members.items():
                    _add_member(tar, name, files[name]["bytes"], source.open("rb"))
            out.flush()
            os.fsync(out.fileno())
        with Archive(aside) as archive:
            archive.verify(on_bytes)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _fsync_folder(path.parent)
    return seal


def _file_entry(source: Path, told: OnBytes) -> dict[str, Any]:
    with source.open("rb") as content:
        return {"sha256": sha256_of(content, told), "bytes": content.tell()}


def _add_member(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    with source as content:
        tar.addfile(member, content)


def _fsync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
