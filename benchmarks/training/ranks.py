"""How much faster two processes train one model than one process, each with a core and a thread of its own.

Its program, which torchrun starts, writes the speed of its process group."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.protocols import make_task, read_events, training_events
from benchmarks.training.throughput import make_trainer, measure_speed
from recommender.ml import distributed
from recommender.ml.config import fit_to_size, get_preset

ROUNDS = 3
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


def compare_ranks(data: Path, preset: str, seconds: float) -> dict[str, Any]:
    """Train the same steps with one process and with two, by turns, and return the targets a second of both and the
    median ratio of the rounds. Raises CalledProcessError."""
    speeds: dict[int, list[float]] = {1: [], 2: []}
    for number in range(ROUNDS):
        for ranks in (1, 2) if number % 2 == 0 else (2, 1):
            speeds[ranks].append(_speed_of(ranks, data, preset, seconds))
    ratios = [two / one for one, two in zip(*speeds.values(), strict=True)]
    return {
        "one_rank_targets_per_s": round(statistics.median(speeds[1])),
        "two_ranks_targets_per_s": round(statistics.median(speeds[2])),
        "two_ranks_over_one": round(statistics.median(ratios), 3),
        "rounds": [round(ratio, 3) for ratio in ratios],
    }


def _speed_of(ranks: int, data: Path, preset: str, seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        out = Path(folder) / "speed.json"
        program = ["-m", "benchmarks.training.ranks", str(data), preset, str(seconds), str(out)]
        subprocess.run([*TORCHRUN, str(ranks), *program], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        return float(json.loads(out.read_text())["targets_per_s"])


def main(data: Path, preset: str, seconds: float, out: Path) -> None:
    """Measure the speed of this process group; rank 0 writes it."""
    with distributed.process_group():
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[distributed.rank() % len(cores)]})
        torch.set_num_threads(1)
        task = make_task("P1", *read_events(data, None), data)
        trainer = make_trainer(task, fit_to_size(get_preset(preset), training_events(task)))
        speed = measure_speed(trainer, seconds)
        if not distributed.rank():
            out.write_text(json.dumps({"targets_per_s": speed.targets_per_s}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))
