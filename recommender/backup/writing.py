"""Writes the file of a backup: aside, sealed, read again, and only then under its name."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from recommender.backup.archive import FORMAT, MANIFEST, SEAL, Archive, Count, checksum, silent


def write(path: Path, facts: Mapping[str, Any], members: Mapping[str, Path], told: Count = silent) -> str:
    """Writes the archive and reads it again before it takes its name. Returns the checksum of its manifest.

    `facts` go into the manifest; `members`: name -> file. `told` hears of every byte twice."""
    files = {name: _described(source, told) for name, source in members.items()}
    manifest = json.dumps({"format": FORMAT, **facts, "files": files}, indent=1, sort_keys=True).encode()
    seal = hashlib.sha256(manifest).hexdigest()
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
                for name, text in ((MANIFEST, manifest), (SEAL, seal.encode())):
                    _add(tar, name, len(text), io.BytesIO(text))
                for name, source in members.items():
                    _add(tar, name, files[name]["bytes"], source.open("rb"))
            out.flush()
            os.fsync(out.fileno())
        with Archive(aside) as archive:
            archive.verify(told)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _flush_folder(path.parent)
    return seal


def _described(source: Path, told: Count) -> dict[str, Any]:
    with source.open("rb") as content:
        return {"sha256": checksum(content, told), "bytes": content.tell()}


def _add(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    with source as content:
        tar.addfile(member, content)


def _flush_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
