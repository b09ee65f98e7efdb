"""Real MovieLens data for tests, if this machine has it: its licence does not allow to ship it."""

import os
from pathlib import Path

import pytest

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"


def movielens_path(name: str) -> Path:
    """Return a file such as ml-latest-small.zip in the folder MOVIEREC_DATA; skip the test if there is none."""
    folder = Path(os.environ.get("MOVIEREC_DATA") or _BESIDE_THE_CHECKOUT)
    if not (folder / name).exists():
        pytest.skip(f"{name} is not in {folder}: download it from grouplens.org and set MOVIEREC_DATA to its folder")
    return folder / name
