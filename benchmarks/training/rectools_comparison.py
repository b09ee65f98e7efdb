"""Compare our training speed with RecTools' SASRec at one shape and one loss: width, layers and heads of the preset
`basic`, softmax blocks, every film in the softmax, fp32, the same positions per batch.

RecTools needs other versions of the libraries, so it has an environment of its own:

    python3 -m venv .venv-rectools && .venv-rectools/bin/pip install -r requirements-rectools.txt

Not equal: our feed-forward part has three matrices (SwiGLU) where SASRec has two; RecTools pads every session
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
MAX_LOGITS = 100_000_000  # of a batch: RecTools holds them all, 400 MB, and as much for gradients
MAX_VIEWERS = 20_000  # of the exported data: speed does not depend on their number


def is_installed() -> bool:
    """Return whether the environment with RecTools exists."""
    return RECTOOLS_PYTHON.exists()


def compare_with_rectools(task: Task, length: int, seconds: float) -> dict[str, Any]:
    """Measure both at windows of `length` films, each for about `seconds`."""
    num_items = len(task.vocab)
    sessions = max(1, min(SESSIONS, MAX_LOGITS // (length * num_items)))
    preset = _equal_preset(length, sessions, num_items)
    own_speed = measure_speed(make_trainer(task, preset), seconds)
    rectools = _rectools(task, preset, sessions, seconds)
    return {
        "length": length,
        "sessions": sessions,
        "d_model": preset.model.d_model,
        "layers": preset.model.layers,
        "heads": preset.model.heads,
        "loss": f"softmax over {num_items} films",
        "ours_targets_per_s": round(own_speed.targets_per_s),
        "ours_parameters": own_speed.parameters,
        "ratio": round(own_speed.targets_per_s / rectools["targets_per_s"], 2),
    } | {f"rectools_{name}": value for name, value in rectools.items()}


def _equal_preset(length: int, sessions: int, num_items: int) -> Preset:
    model = {"max_len": length, "taste_len": 0, "ffn": 1, "dropout": DROPOUT}
    train = {"batch_positions": sessions * length, "negatives": num_items, "bf16": False}
    return override(PRESETS["basic"], model=model, train=train)


def _rectools(task: Task, preset: Preset, sessions: int, seconds: float) -> dict[str, Any]:
    model = preset.model
    arguments = (model.max_len, model.d_model, model.layers, model.heads, sessions, model.dropout, seconds)
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        path = Path(folder) / "sessions.npz"
        viewers, items = last_items(task, model.max_len + 1)
        np.savez(path, viewers=viewers, films=items)
        process = subprocess.run(
            [RECTOOLS_PYTHON, "-P", RUNNER, path, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
    if process.returncode:
        raise SystemExit(f"RecTools failed:\n{process.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result | {"targets_per_s": round(result["targets_per_s"])}


def last_items(task: Task, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return viewers [n] and the last `length` films [n] of each one's training, for a sample of viewers. Extra viewers
    with all other films follow, since RecTools' softmax covers only films in the data.
    """
    sample = np.random.default_rng(0).permutation(len(task.ends))[:MAX_VIEWERS]
    rows = task.ends[sample, None] + np.arange(-length, 0)
    is_token = rows >= task.tokens.indptr[sample, None]
    items = task.tokens.items[rows[is_token]]
    viewers = np.repeat(np.arange(len(sample)), is_token.sum(1))
    missing = np.setdiff1d(np.arange(1, len(task.vocab) + 1), items)
    extra_items = np.resize(missing, -(-len(missing) // length) * length)
    extra_viewers = len(sample) + np.arange(len(extra_items)) // length
    return np.concatenate([viewers, extra_viewers]), np.concatenate([items, extra_items])
