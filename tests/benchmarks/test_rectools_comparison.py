"""The sessions exported to RecTools: the same last films, and every film in some session."""

import numpy as np
import pytest

from benchmarks.protocols import Task, make_task, read_events
from benchmarks.training import rectools_comparison
from tests.support.movielens import movielens_path


@pytest.fixture(scope="module")
def task() -> Task:
    path = movielens_path("ml-latest-small.zip")
    return make_task("P1", *read_events(path, None), path)


def test_sessions_are_last_films_and_cover_all_films(task):
    viewers, items = rectools_comparison.last_items(task, 6)
    first = np.random.default_rng(0).permutation(len(task.ends))[0]
    end = task.ends[first]
    assert items[viewers == 0].tolist() == task.tokens.items[end - 6 : end].tolist()
    assert np.unique(items).tolist() == list(range(1, len(task.vocab) + 1))
    assert np.bincount(viewers).max() == 6
    assert np.bincount(viewers).min() >= 2, "RecTools drops sessions of one film"


@pytest.mark.slow
@pytest.mark.skipif(
    not rectools_comparison.is_installed(),
    reason="RecTools is not installed (benchmarks/training/rectools_comparison.py)",
)
def test_both_loops_are_measured_over_the_same_films(task):
    result = rectools_comparison.compare_with_rectools(task, 20, seconds=1)
    assert result["rectools_films"] == len(task.vocab)
    assert min(result["rectools_targets_per_s"], result["ours_targets_per_s"]) > 0
