"""Results on disk: FILE.json to read, and beside it FILE.npz with the rank of every target, so that any two results on
the same targets can be compared later."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.protocols import Task
from benchmarks.quality.seed_runs import Ranks
from benchmarks.quality.summaries import paired_differences, unwrap_single_test
from benchmarks.report import revision
from recommender.ml.config import Preset, to_json
from recommender.ml.evaluate import TIME_MODES
from recommender.ml.model_folder import data_hash
from recommender.ml.train import pick_device


def describe_task(task: Task, shape: Preset) -> dict[str, Any]:
    """What was measured on what, with which code and machine."""
    tokens = task.tokens
    wanted = {test: task.vocab.movie_ids[tokens.items[targets.rows] - 1] for test, targets in task.tests.items()}
    return {
        "data_hash": task.data_hash,
        "targets": unwrap_single_test({test: data_hash(*task.tests[test], films) for test, films in wanted.items()}),
        "movies": len(task.vocab),
        "viewers": len(task.ends),
        "config": to_json(shape.model) | to_json(shape.train),
        "code": revision(),
        "device": pick_device().type,
        "threads": torch.get_num_threads(),
    }


def save_result(path: Path, result: Mapping[str, Any], task: Task, ranks: Mapping[int, Ranks]) -> None:
    """`ranks` by seed. They are stored doubled, since ties share the middle rank."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    if not ranks:
        return
    arrays = {f"viewers/{test}": targets.viewers for test, targets in task.tests.items()}
    for seed, by_time in ranks.items():
        arrays |= {f"{seed}/{t}/{test}": 2 * r for t, by_test in by_time.items() for test, r in by_test.items()}
    small = {name: a.astype(np.min_scalar_type(int(a.max(initial=0)))) for name, a in arrays.items()}
    np.savez_compressed(path.with_suffix(".npz"), **small)  # type: ignore[arg-type]  # names are told by keyword


def load_ranks(path: Path) -> tuple[dict[int, Ranks], dict[str, np.ndarray]]:
    """The ranks of the result `path` by seed, and whose the targets are by test. Raises FileNotFoundError."""
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
    ours: Mapping[int, Ranks], others: Mapping[int, Ranks], viewers: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """`paired` by what is told of time and by test."""
    return {
        t: unwrap_single_test(
            {
                test: paired_differences(
                    [of[t][test] for of in ours.values()], [of[t][test] for of in others.values()], whose
                )
                for test, whose in viewers.items()
            }
        )
        for t in TIME_MODES
    }


def check_comparable(path: Path, result: Mapping[str, Any]) -> Path:
    """`path`, whose ranks can be compared with those of `result`. Raises SystemExit where the targets are others."""
    other = json.loads(path.read_text())
    for name in ("data_hash", "targets"):
        if other.get(name) != result[name]:
            raise SystemExit(f"--against {path}: its {name} is not the same, so the two cannot be compared.")
    if not path.with_suffix(".npz").exists():
        raise SystemExit(f"--against {path}: it has no ranks beside it ({path.with_suffix('.npz').name}).")
    return path


def compare_with_result(path: Path, ranks: Mapping[int, Ranks]) -> dict[str, Any]:
    """The differences from the result in `path`."""
    stored, viewers = load_ranks(path)
    return {"result": path.name, "seeds": sorted(stored)} | compare_ranks(ranks, stored, viewers)
