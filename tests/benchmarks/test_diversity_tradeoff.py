"""`quality --diversity`: accuracy and variety of the lists that serving's re-ranking gives."""

import json

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.quality.diversity_tradeoff import count_repeats
from tests.support.movielens_pairs import write_movielens_pairs

SMALL = ["layers=1", "d_model=8", "heads=1"]


@pytest.mark.slow
def test_variety_rises_and_its_cost_is_reported(tmp_path, capsys):
    data = write_movielens_pairs(tmp_path / "films")
    arguments = ["quality", "--data", str(data), "--diversity", "--epochs", "2", "--set", *SMALL]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    levels = [result["levels"][level] for level in ("0.0", "0.25", "0.5", "0.75", "1.0")]
    assert result["bench"] == "quality"
    assert (result["hr10"], result["ndcg10"]) == (levels[0]["hr10"], levels[0]["ndcg10"])
    assert result["targets"] == 90
    assert levels[0]["by_genres"] < levels[-1]["by_genres"]
    assert levels[0]["of_a_series"] >= levels[-1]["of_a_series"]
    low, high = result["over_plain"]["1.0"]["hr10"][1:]
    assert low <= levels[-1]["hr10"] - levels[0]["hr10"] <= high


def test_repeats_by_hand():
    lists = np.array([[0, 1, 2], [3, 4, 0]])
    assert count_repeats(lists, np.array([7, 7, 7, -1, -1])) == 1.0
    assert count_repeats(lists, np.full(5, -1)) == 0
