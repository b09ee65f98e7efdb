"""What the training benchmark counts and compares."""

import numpy as np
import pytest

from benchmarks.protocols import make_task, read_events
from benchmarks.training.time_to_quality import compare_losses, seconds_to_goals
from recommender.ml.config import PRESETS, override
from recommender.ml.train import TrainingHooks
from tests.support.movielens import movielens_path
from tests.support.small_trainer import SPLIT, TOKENS, make_trainer

TINY = override(
    PRESETS["basic"],
    model={"d_model": 8, "layers": 1, "heads": 1, "max_len": 20, "ffn": 0},
    train={"epochs": 1, "batch_positions": 4000},
)


def test_an_epoch_has_a_target_for_every_film_but_each_viewers_first():
    targets = []
    make_trainer(epochs=1).run(TrainingHooks(on_step=lambda step: targets.append(step.targets)))
    assert sum(targets) == int(np.sum(SPLIT.ends - TOKENS.indptr[:-1] - 1))


@pytest.mark.slow
def test_losses_are_compared_up_to_the_full_softmax_and_goals_reported():
    path = movielens_path("ml-latest-small.zip")
    task = make_task("P1", *read_events(path, None), path)
    results = compare_losses(task, TINY, minutes=0.002)
    assert list(results) == ["512", "1024", "2048", "4096", str(len(task.vocab))]
    assert all(line["targets_per_s"] > 0 and line["steps"] > 3 for line in results.values())
    assert seconds_to_goals(task, TINY) == {"0.15": None, "0.18": None}, "an epoch of a tiny model reaches neither"
