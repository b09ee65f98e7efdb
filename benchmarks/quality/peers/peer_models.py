"""Published models beside ours on protocol N: iALS of implicit, and RecTools' SASRec, eSASRec and HSTU.

SASRec has a sampled softmax, eSASRec LiGR layers, too. Each is trained by its own library on the events up to the cut
and asked with what is known of the viewer at each visit; HSTU is told the moment of asking. The environment is that of
`./run bench training`:

    python3 -m venv .venv-rectools && .venv-rectools/bin/pip install -r requirements-rectools.txt
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.quality.next_visit import RollingPopularity, Split
from benchmarks.training.rectools_comparison import RECTOOLS_PYTHON, is_installed
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.ragged import concatenate_ranges

PEERS = ("ials", "sasrec", "esasrec", "hstu")
RUNNER = Path(__file__).with_name("peer_runner.py")


def check_installed() -> None:
    """Raise `SystemExit` where the environment with the libraries is missing."""
    if not is_installed():
        raise SystemExit(
            "--peers needs an environment of its own: python3 -m venv .venv-rectools && "
            ".venv-rectools/bin/pip install -r requirements-rectools.txt"
        )


def write_peer_data(path: Path, split: Split) -> None:
    """Write the events up to the cut and the histories at asking, as `peer_runner` reads them."""
    tokens, selected = split.tokens, split.visits
    rows, indptr = concatenate_ranges(tokens.indptr[:-1], split.known_ends)
    history_rows, history_indptr = concatenate_ranges(tokens.indptr[selected.viewers], selected.starts)
    np.savez(
        path,
        viewers=np.repeat(np.arange(len(split.known_ends)), np.diff(indptr)),
        films=tokens.items[rows],
        times=tokens.times[rows],
        history_films=tokens.items[history_rows],
        history_times=tokens.times[history_rows],
        history_indptr=history_indptr,
        asked_at=tokens.times[selected.starts],
        num_films=len(split.catalogue),
    )


def fit_peer(name: str, split: Split, folder: Path, minutes: float) -> tuple[Scorer, dict[str, Any]]:
    """Train a peer for `minutes` at most and return its scores with the facts of its fit. Raises `SystemExit` where it
    fails."""
    data, scores = folder / "data.npz", folder / f"{name}.npy"
    if not data.exists():
        write_peer_data(data, split)
    process = subprocess.run(
        [RECTOOLS_PYTHON, "-P", RUNNER, data, name, str(minutes), scores],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "OPENBLAS_NUM_THREADS": "1"},
    )
    if process.returncode:
        raise SystemExit(f"The peer {name} failed; its message is above.")
    print(process.stdout, end="", flush=True)
    return stored_scorer(split, np.load(scores, mmap_mode="r")), json.loads(process.stdout.splitlines()[-1])


def stored_scorer(split: Split, scores: np.ndarray) -> Scorer:
    """Return scores [visits, N] as a scorer of the visits. Films that the model does not know (NaN) come last; visits
    of viewers without a known film get popular films, as with our model."""
    popular = RollingPopularity(split.tokens, len(split.catalogue), None)

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        visits = np.searchsorted(split.visits.starts, targets.rows)
        own = np.array(scores[visits], np.float32)
        unknown = np.isnan(own).all(1)
        if unknown.any():
            own[unknown] = popular(tokens, Targets(*(column[unknown] for column in targets)))
        lowest = np.nanmin(own, axis=1, keepdims=True) - 1
        return np.where(np.isnan(own), lowest, own)

    return score
