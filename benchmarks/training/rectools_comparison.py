"""Our training beside RecTools' SASRec at one shape and one loss: the brief's width, layers and heads, softmax blocks,
every film in the softmax, fp32, the same positions a batch.

RecTools lives in an environment of its own, as it wants other versions of the libraries:

    python3 -m venv .venv-rectools && .venv-rectools/bin/pip install -r requirements-rectools.txt

What is not equal: our feed-forward part has three matrices (SwiGLU) where SASRec has two; RecTools pads every session
to the full length, and trains on each viewer's last films only.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.protocols import Task
from benchmarks.training.throughput import make_trainer, measure_speed
from recommender.ml.config import PRESETS, Preset, override

RECTOOLS_PYTHON = Path(__file__).parents[2] / ".venv-rectools" / "bin" / "python"
RUNNER = Path(__file__).with_name("rectools_runner.py")
DROPOUT, SESSIONS = 0.2, 128  # RecTools' defaults
MAX_LOGITS = 100_000_000  # that a batch may have: RecTools holds them all, 400 MB, and as much for gradients
MAX_VIEWERS = 20_000  # that are handed over: speed does not depend on how many there are


def is_installed() -> bool:
    return RECTOOLS_PYTHON.exists()


def compare_with_rectools(task: Task, length: int, seconds: float) -> dict[str, Any]:
    """Both at windows of `length` films, each for about `seconds`."""
    films = len(task.vocab)
    sessions = max(1, min(SESSIONS, MAX_LOGITS // (length * films)))
    shape = _shape(length, sessions, films)
    ours = measure_speed(make_trainer(task, shape), seconds)
    theirs = _rectools(task, shape, sessions, seconds)
    return {
        "length": length,
        "sessions": sessions,
        "d_model": shape.model.d_model,
        "layers": shape.model.layers,
        "heads": shape.model.heads,
        "loss": f"softmax over {films} films",
        "ours_targets_per_s": round(ours.targets_per_s),
        "ours_parameters": ours.parameters,
        "ratio": round(ours.targets_per_s / theirs["targets_per_s"], 2),
    } | {f"rectools_{name}": told for name, told in theirs.items()}


def _shape(length: int, sessions: int, films: int) -> Preset:
    model = {"max_len": length, "taste_len": 0, "ffn": 1, "dropout": DROPOUT}
    train = {"batch_positions": sessions * length, "negatives": films, "bf16": False}
    return override(PRESETS["brief"], model=model, train=train)


def _rectools(task: Task, shape: Preset, sessions: int, seconds: float) -> dict[str, Any]:
    model = shape.model
    numbers = (model.max_len, model.d_model, model.layers, model.heads, sessions, model.dropout, seconds)
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        path = Path(folder) / "sessions.npz"
        viewers, films = last_items(task, model.max_len + 1)
        np.savez(path, viewers=viewers, films=films)
        done = subprocess.run(
            [RECTOOLS_PYTHON, "-P", RUNNER, path, *map(str, numbers)],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
    if done.returncode:
        raise SystemExit(f"RecTools failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told | {"targets_per_s": round(told["targets_per_s"])}


def last_items(task: Task, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Some viewers [n] and the last `length` films [n] of each one's training. Made-up viewers follow who have all
    other films, since RecTools' softmax is over the films that it meets.
    """
    chosen = np.random.default_rng(0).permutation(len(task.ends))[:MAX_VIEWERS]
    rows = task.ends[chosen, None] + np.arange(-length, 0)
    real = rows >= task.tokens.indptr[chosen, None]
    films = task.tokens.items[rows[real]]
    viewers = np.repeat(np.arange(len(chosen)), real.sum(1))
    missing = np.setdiff1d(np.arange(1, len(task.vocab) + 1), films)
    more = np.resize(missing, -(-len(missing) // length) * length)
    made_up = len(chosen) + np.arange(len(more)) // length
    return np.concatenate([viewers, made_up]), np.concatenate([films, more])
