"""The state of an unfinished training on disk: tensors, numbers and strings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from infrastructure.atomic_files import atomic_file
from recommender.ml.os_errors import system_errors


class CheckpointCorrupt(Exception):
    """A checkpoint file is cut, edited or unreadable."""


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a training state atomically. Raises `OSError` with the system's own number on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of Python's own: torch's would hide the system's error.
    with system_errors(path), atomic_file(path) as file:
        torch.save(dict(state), file)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a training state. Raises `CheckpointCorrupt` where the file is cut or holds anything but tensors and plain
    values."""
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise CheckpointCorrupt(f"The checkpoint {path} cannot be read: {error}") from error
    return state
