"""Compare our splits with those that LensKit makes of the same events.

LensKit has an environment of its own:

    python3 -m venv .venv-lenskit && .venv-lenskit/bin/pip install -r requirements-lenskit.txt
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality.next_visit import Split
from recommender.ml.data import Tokens
from recommender.ml.vocab import Vocab

LENSKIT_PYTHON = Path(__file__).parents[3] / ".venv-lenskit" / "bin" / "python"
RUNNER = Path(__file__).with_name("lenskit_runner.py")


def compare_task(protocol: str, task: Task) -> dict[str, Any]:
    """Compare the targets of P1, or `successive` of P2."""
    targets = task.tests["test" if protocol == "P1" else "successive"]
    cut = 0.0
    if protocol == "P2":
        viewer_of_token = np.repeat(np.arange(len(task.ends)), task.tokens.lengths())
        known = np.arange(len(viewer_of_token)) < task.baseline_ends[viewer_of_token]
        cut = float(task.tokens.times[known].max())
    return _compare(protocol, task.tokens, task.vocab, cut, targets.viewers, task.tokens.items[targets.rows] - 1)


def compare_visits(split: Split) -> dict[str, Any]:
    """Compare the relevant films of all visits of N."""
    viewers = np.repeat(split.visits.viewers, np.diff(split.relevant.indptr))
    return _compare("N", split.tokens, split.catalogue, split.cut, viewers, split.relevant.items)


def _compare(
    protocol: str, tokens: Tokens, vocab: Vocab, cut: float, viewers: np.ndarray, columns: np.ndarray
) -> dict[str, Any]:
    """Return the counts of `lenskit_runner`. Raises `SystemExit` where LensKit is missing or fails."""
    if not LENSKIT_PYTHON.exists():
        raise SystemExit(
            "--lenskit needs an environment of its own: python3 -m venv .venv-lenskit && "
            ".venv-lenskit/bin/pip install -r requirements-lenskit.txt"
        )
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        path = Path(folder) / "split.npz"
        np.savez(
            path,
            users=np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths()),
            items=vocab.movie_ids[tokens.items - 1],
            times=tokens.times,
            protocol=np.array(protocol),
            cut=cut,
            test_users=viewers,
            test_items=vocab.movie_ids[columns],
        )
        process = subprocess.run([LENSKIT_PYTHON, "-P", RUNNER, path], capture_output=True, text=True)
    if process.returncode:
        raise SystemExit(f"LensKit failed:\n{process.stderr[-3000:]}")
    counts: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return counts
