"""Real MovieLens data for tests, if this machine has it: its licence does not allow to ship it."""

import os
from pathlib import Path

import pytest


def movielens_path(name: str) -> Path:
    """Return a file such as ml-latest-small.zip in the folder MOVIEREC_DATA; skip the test if there is none."""
    path = Path(os.environ.get("MOVIEREC_DATA", "")) / name
    if not os.environ.get("MOVIEREC_DATA") or not path.exists():
        pytest.skip(f"{name}: download it from grouplens.org and set MOVIEREC_DATA to its folder")
    return path
