"""The manifest of a model folder: its format, and the SHA-256 of each of its files."""

import hashlib
import json
from pathlib import Path

MANIFEST_ERRORS = (ValueError, KeyError, TypeError)


def read_manifest(raw: bytes) -> tuple[int, dict[str, str]]:
    """Format, and file -> checksum. Raises UNREADABLE."""
    manifest = json.loads(raw)
    return manifest["format"], dict(manifest["sha256"])


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_matches(path: Path, expected: str | None) -> bool:
    """Whether the file is there, and what was written."""
    return path.exists() and checksum(path) == expected
