"""Write the file of a backup: aside, sealed, read again, and only then under its name."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from infrastructure.atomic_files import atomic_file
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
    with atomic_file(path, mode=0o600) as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, text in ((MANIFEST, manifest), (SEAL, seal.encode())):
                _add_member(tar, name, len(text), io.BytesIO(text))
            for name, source in members.items():
                _add_member(tar, name, files[name]["bytes"], source.open("rb"))
        out.flush()
        with Archive(Path(out.name)) as archive:
            archive.verify(on_bytes)
    return seal


def _add_member(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    with source as content:
        tar.addfile(member, content)
