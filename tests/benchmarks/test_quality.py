"""The quality benchmark on a small world: what it writes, reads again and compares; its formulas by hand."""

import json
import math

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.protocols import make_task, read_events
from benchmarks.quality import results
from benchmarks.quality.baselines import Baseline, check_published
from benchmarks.quality.summaries import paired_differences, target_slices
from recommender.ml import metrics
from recommender.ml.evaluate import TIME_MODES
from tests.support.movielens_pairs import VIEWERS, write_movielens_pairs

SMALL = ["--epochs", "2", "--set", "d_model=8", "layers=1", "heads=1"]


def bench(data, result, *words):
    assert main(["quality", "--data", str(data), "--result", str(result), *words]) == 0
    return json.loads(result.read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quality")


@pytest.fixture(scope="module")
def data(folder):
    return write_movielens_pairs(folder / "films")


@pytest.fixture(scope="module")
def two_seeds(folder, data):
    bench(data, folder / "two.json", *SMALL, "--seeds", "1", "2")
    return folder / "two.json"


def test_result_says_what_it_is_of(two_seeds):
    result = json.loads(two_seeds.read_text())
    assert result["changes"] == {"d_model": 8, "layers": 1, "heads": 1, "epochs": 2}
    assert [run["seed"] for run in result["runs"]] == result["seeds"] == [1, 2]
    assert len(result["data_hash"]) == len(result["targets"]) == 64
    assert {"code", "threads", "device", "train_s", "curves", "config", "over_blend"} <= result.keys()
    assert result["ndcg10"] == pytest.approx(np.mean([run["request"]["ndcg10"] for run in result["runs"]]), abs=1e-4)


def test_ranks_beside_the_result_give_its_figures(two_seeds):
    ranks, viewers = results.load_ranks(two_seeds)
    assert len(viewers["test"]) == VIEWERS
    for run in json.loads(two_seeds.read_text())["runs"]:
        for told in TIME_MODES:
            of = ranks[run["seed"]][told]["test"]
            assert run[told]["ndcg10"] == pytest.approx(metrics.ndcg(of, 10), abs=5e-5)
            assert run[told]["mrr"] == pytest.approx(metrics.mrr(of), abs=5e-5)


def test_against_pairs_the_same_targets(folder, data, two_seeds):
    result = bench(data, folder / "one.json", *SMALL, "--against", str(two_seeds))
    first, second = (run["request"] for run in json.loads(two_seeds.read_text())["runs"])
    assert result["runs"][0]["request"] == first  # the same seed gives the same weights
    difference, low, high = result["against"]["request"]["hr10"]
    assert difference == pytest.approx((first["hr10"] - second["hr10"]) / 2, abs=2e-4)
    assert low <= difference <= high
    assert result["against"]["seeds"] == [1, 2]


def test_against_refuses_other_data(folder, two_seeds):
    other = write_movielens_pairs(folder / "others", seed=2)
    with pytest.raises(SystemExit, match="data_hash is not the same"):
        bench(other, folder / "refused.json", *SMALL, "--against", str(two_seeds))
    assert not (folder / "refused.json").exists()


def test_resumed_run_asks_the_epoch_that_was_selected(folder, data):
    words = [*SMALL, "--checkpoints", str(folder / "states")]
    first = bench(data, folder / "first.json", *words)
    again = bench(data, folder / "again.json", *words)  # all epochs are there: only the asking is left
    assert again["runs"] == first["runs"]


def test_paired_interval_is_over_viewers():
    a, b = np.array([1.0, 20, 3, 11, 2, 2]), np.array([2.0, 1, 30, 11, 2, 40])
    found = paired_differences([a], [b], np.arange(6))
    assert found["hr10"] == [round(x, 4) for x in metrics.paired_bootstrap((a <= 10) * 1.0, (b <= 10) * 1.0)]
    assert found["ndcg10"][0] == pytest.approx((1 - 1 / math.log2(3) - 1 + 0.5 + 1 / math.log2(3)) / 6, abs=1e-4)
    alone = metrics.paired_bootstrap(np.array([1.0, 1, 1, 0]), np.zeros(4), np.array([7, 7, 7, 7]))
    assert alone == (0.75, 0.75, 0.75)  # one viewer, whose targets are drawn together


def test_slices_by_hand(data):
    dataset, events = read_events(data, None)
    task = make_task("P1", dataset, events, data)
    parts = target_slices(task)
    # The last film of a viewer is the second of a pair: a minute after the first.
    assert "new_visits" not in parts
    last = events.sort("viewer", "occurred_at").group_by("viewer", maintain_order=True).last()
    assert parts["rated4"]["test"].tolist() == (last["rating"] >= 4).to_list()
    times = task.tokens.times.copy()
    times[task.tests["test"].rows[3]] += 3_541  # one hour and a second after the film before
    times[task.tests["test"].rows[4]] += 3_540  # one hour
    later = target_slices(task._replace(tokens=task.tokens._replace(times=times)))
    assert np.flatnonzero(later["new_visits"]["test"]).tolist() == [3]


def test_a_harness_that_does_not_give_the_published_figures_says_so():
    ranks = {"test": np.full(6040, 20.0)}
    ranks["test"][:217] = 4.0  # HR@10 0.036; NDCG@10 0.036 / log2(5) = 0.0155
    with pytest.raises(SystemExit, match=r"popularity has .*0\.036, 0\.015.* published are \(0\.036, 0\.018\)"):
        check_published({"popularity": Baseline(None, 0.0, ranks), "ease": Baseline(None, 0.0, ranks)})
