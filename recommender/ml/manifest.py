"""The manifest of a model folder: its format, and the SHA-256 of each of its files."""

import hashlib
import json
from pathlib import Path

MANIFEST_ERRORS = (ValueError, KeyError, TypeError)  # of `read_manifest`


def read_manifest(raw: bytes) -> tuple[int, dict[str, str]]:
    """Return the format, and the checksum of each file by name. Raises MANIFEST_ERRORS."""
    manifest = json.loads(raw)
    return manifest["format"], dict(manifest["sha256"])


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_matches(path: Path, expected: str | None) -> bool:
    """Return whether the file exists and has the checksum of the manifest."""
    return path.exists() and checksum(path) == expected
