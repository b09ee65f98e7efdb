"""Store results: FILE.json to read, and FILE.npz with the rank of every target, so that any two results on the same
targets can be compared later."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.protocols import Task, training_events
from benchmarks.quality.seed_runs import Ranks
from benchmarks.quality.summaries import paired_differences, unwrap_single_test
from benchmarks.report import revision
from recommender.ml.config import Preset, to_json
from recommender.ml.data import data_hash
from recommender.ml.evaluate import TIME_MODES
from recommender.ml.train import pick_device


def describe_task(task: Task, preset: Preset) -> dict[str, Any]:
    """Return the fields of a result that identify data, targets, configuration, code and machine."""
    tokens = task.tokens
    target_movies = {test: task.vocab.movie_ids[tokens.items[targets.rows] - 1] for test, targets in task.tests.items()}
    return {
        "data_hash": task.data_hash,
        "targets": unwrap_single_test(
            {test: data_hash(*task.tests[test], movie_ids) for test, movie_ids in target_movies.items()}
        ),
        "movies": len(task.vocab),
        "viewers": len(task.ends),
        "events": training_events(task),
        "config": to_json(preset.model) | to_json(preset.train),
        "code": revision(),
        "device": pick_device().type,
        "threads": torch.get_num_threads(),
    }


def save_result(path: Path, result: Mapping[str, Any], task: Task, ranks: Mapping[int, Ranks]) -> None:
    """Write a result and its ranks by seed. Ranks are stored doubled, since ties share the middle rank."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    if not ranks:
        return
    arrays = {f"viewers/{test}": targets.viewers for test, targets in task.tests.items()}
    for seed, by_time in ranks.items():
        arrays |= {
            f"{seed}/{mode}/{test}": 2 * values for mode, by_test in by_time.items() for test, values in by_test.items()
        }
    compact = {name: array.astype(np.min_scalar_type(int(array.max(initial=0)))) for name, array in arrays.items()}
    np.savez_compressed(path.with_suffix(".npz"), **compact)  # type: ignore[arg-type]  # names are keyword arguments


def load_ranks(path: Path) -> tuple[dict[int, Ranks], dict[str, np.ndarray]]:
    """Return the ranks of the result `path` by seed, and the targets' viewers by test. Raises `FileNotFoundError`."""
    ranks: dict[int, Ranks] = {}
    viewers: dict[str, np.ndarray] = {}
    with np.load(path.with_suffix(".npz")) as stored:
        for name, array in stored.items():
            first, *rest = name.split("/")
            if first == "viewers":
                viewers[rest[0]] = array
            else:
                ranks.setdefault(int(first), {}).setdefault(rest[0], {})[rest[1]] = array / 2
    return ranks, viewers


def compare_ranks(
    ranks: Mapping[int, Ranks], base: Mapping[int, Ranks], viewers: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return the paired differences of ranks by seed from other ranks, by time mode and test."""
    return {
        mode: unwrap_single_test(
            {
                test: paired_differences(
                    [by_mode[mode][test] for by_mode in ranks.values()],
                    [by_mode[mode][test] for by_mode in base.values()],
                    viewer_index,
                )
                for test, viewer_index in viewers.items()
            }
        )
        for mode in TIME_MODES
    }


def check_comparable(path: Path, result: Mapping[str, Any]) -> Path:
    """Return `path` if its ranks can be compared with those of `result`. Raises `SystemExit` for other targets."""
    stored = json.loads(path.read_text())
    for name in ("data_hash", "targets"):
        if stored.get(name) != result[name]:
            raise SystemExit(f"--against {path}: its {name} is not the same, so the two cannot be compared.")
    if not path.with_suffix(".npz").exists():
        raise SystemExit(f"--against {path}: it has no ranks beside it ({path.with_suffix('.npz').name}).")
    return path


def compare_with_result(path: Path, ranks: Mapping[int, Ranks]) -> dict[str, Any]:
    """Return the differences of ranks by seed from the result in `path`."""
    stored, viewers = load_ranks(path)
    return {"result": path.name, "seeds": sorted(stored)} | compare_ranks(ranks, stored, viewers)
