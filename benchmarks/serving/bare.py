"""The model alone: what a list costs without a server. It runs in the process that drives the calls, which begins with
the environment of the web processes."""

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.serving.workload import LIST_LENGTH
from recommender.ml.data import Events
from recommender.ml.ranker import Ranker


class BareTimes(NamedTuple):
    """Milliseconds."""

    list_ms: list[float]  # of each history: encoded, scored, and the best taken
    encode_ms: list[float]  # of it the encoding
    encode_in_batch_ms: float  # of one history, where all are encoded together


def measure_bare(folder: Path, histories: Sequence[Sequence[int]]) -> BareTimes:
    """Rank for each history with the model in `folder`, which a process loads once."""
    ranker = _load_ranker(folder)
    times = BareTimes([], [], 0.0)
    for history in histories:
        movie_ids = np.array(history, np.int64)
        started = time.perf_counter()
        states = ranker.encode([Events.from_ids(history)])
        encoded = time.perf_counter()
        ranker.top(states, LIST_LENGTH, exclude=[movie_ids])
        times.list_ms.append(1000 * (time.perf_counter() - started))
        times.encode_ms.append(1000 * (encoded - started))
    started = time.perf_counter()
    ranker.encode([Events.from_ids(history) for history in histories])
    return times._replace(encode_in_batch_ms=1000 * (time.perf_counter() - started) / len(histories))


@functools.cache
def _load_ranker(folder: Path) -> Ranker:
    torch.set_num_threads(1)  # as the web processes
    return Ranker.load(folder)
