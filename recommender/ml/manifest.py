"""The manifest of a model folder: its format, and the SHA-256 of each of its files."""

import hashlib
import json
from pathlib import Path

UNREADABLE = (ValueError, KeyError, TypeError)


def read_manifest(told: bytes) -> tuple[int, dict[str, str]]:
    """Format, and file -> checksum. Raises UNREADABLE."""
    manifest = json.loads(told)
    return manifest["format"], dict(manifest["sha256"])


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sound(path: Path, wanted: str | None) -> bool:
    """Whether the file is there, and what was written."""
    return path.exists() and checksum(path) == wanted
