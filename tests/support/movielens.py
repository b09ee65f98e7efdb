"""Real MovieLens data for tests, where this machine has it: it may not be shipped with the project."""

import os
from pathlib import Path

import pytest

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"


def movielens_path(name: str) -> Path:
    """A file such as ml-latest-small.zip from the folder MOVIEREC_DATA; skips the test where there is none."""
    folder = Path(os.environ.get("MOVIEREC_DATA") or _BESIDE_THE_CHECKOUT)
    if not (folder / name).exists():
        pytest.skip(f"{name} is not in {folder}: download it from grouplens.org and set MOVIEREC_DATA to its folder")
    return folder / name
