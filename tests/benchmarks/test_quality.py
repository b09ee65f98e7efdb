"""The quality benchmark on a small data set: what it writes, reads and compares; its formulas by hand."""

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


def run_bench(data, result, *arguments):
    assert main(["quality", "--data", str(data), "--result", str(result), *arguments]) == 0
    return json.loads(result.read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quality")


@pytest.fixture(scope="module")
def data(folder):
    return write_movielens_pairs(folder / "films")


@pytest.fixture(scope="module")
def two_seeds(folder, data):
    run_bench(data, folder / "two.json", *SMALL, "--seeds", "1", "2")
    return folder / "two.json"


def test_the_result_identifies_its_run(two_seeds):
    result = json.loads(two_seeds.read_text())
    assert result["changes"] == {"d_model": 8, "layers": 1, "heads": 1, "epochs": 2}
    assert [run["seed"] for run in result["runs"]] == result["seeds"] == [1, 2]
    assert len(result["data_hash"]) == len(result["targets"]) == 64
    assert {"code", "threads", "device", "train_s", "curves", "config", "over_blend"} <= result.keys()
    assert result["ndcg10"] == pytest.approx(np.mean([run["request"]["ndcg10"] for run in result["runs"]]), abs=1e-4)


def test_a_smaller_site_is_a_part_of_the_viewers(folder, data):
    result = run_bench(data, folder / "part.json", "--baselines-only", "--one-viewer-in", "3")
    assert result["data"] == f"{read_events(data, None)[0].name}-1-in-3"
    assert sorted(read_events(data, None, 3)[1]["viewer"].unique()) == list(range(3, VIEWERS + 1, 3))
    with pytest.raises(SystemExit, match="neither --served"):
        main(["quality", "--data", str(data), "--one-viewer-in", "3", "--served"])


def test_stored_ranks_give_the_metrics_of_the_result(two_seeds):
    ranks, viewers = results.load_ranks(two_seeds)
    assert len(viewers["test"]) == VIEWERS
    for run in json.loads(two_seeds.read_text())["runs"]:
        for mode in TIME_MODES:
            test_ranks = ranks[run["seed"]][mode]["test"]
            assert run[mode]["ndcg10"] == pytest.approx(metrics.ndcg(test_ranks, 10), abs=5e-5)
            assert run[mode]["mrr"] == pytest.approx(metrics.mrr(test_ranks), abs=5e-5)


def test_against_pairs_the_same_targets(folder, data, two_seeds):
    result = run_bench(data, folder / "one.json", *SMALL, "--against", str(two_seeds))
    first, second = (run["request"] for run in json.loads(two_seeds.read_text())["runs"])
    assert result["runs"][0]["request"] == first  # the same seed gives the same weights
    difference, low, high = result["against"]["request"]["hr10"]
    assert difference == pytest.approx((first["hr10"] - second["hr10"]) / 2, abs=2e-4)
    assert low <= difference <= high
    assert result["against"]["seeds"] == [1, 2]


def test_against_refuses_other_data(folder, two_seeds):
    other = write_movielens_pairs(folder / "others", seed=2)
    with pytest.raises(SystemExit, match="data_hash is not the same"):
        run_bench(other, folder / "refused.json", *SMALL, "--against", str(two_seeds))
    assert not (folder / "refused.json").exists()


def test_a_resumed_run_ranks_with_the_selected_epoch(folder, data):
    arguments = [*SMALL, "--checkpoints", str(folder / "states")]
    first = run_bench(data, folder / "first.json", *arguments)
    again = run_bench(data, folder / "again.json", *arguments)  # all epochs are there: only the ranking is left
    assert again["runs"] == first["runs"]


def test_paired_interval_is_over_viewers():
    a, b = np.array([1.0, 20, 3, 11, 2, 2]), np.array([2.0, 1, 30, 11, 2, 40])
    differences = paired_differences([a], [b], np.arange(6))
    assert differences["hr10"] == [round(x, 4) for x in metrics.paired_bootstrap((a <= 10) * 1.0, (b <= 10) * 1.0)]
    assert differences["ndcg10"][0] == pytest.approx((1 - 1 / math.log2(3) - 1 + 0.5 + 1 / math.log2(3)) / 6, abs=1e-4)
    single_viewer = metrics.paired_bootstrap(np.array([1.0, 1, 1, 0]), np.zeros(4), np.array([7, 7, 7, 7]))
    assert single_viewer == (0.75, 0.75, 0.75)  # one viewer, whose targets are drawn together


def test_slices_by_hand(data):
    dataset, events = read_events(data, None)
    task = make_task("P1", dataset, events, data)
    slices = target_slices(task)
    # The last film of a viewer is the second of a pair: a minute after the first.
    assert "new_visits" not in slices
    last = events.sort("viewer", "occurred_at").group_by("viewer", maintain_order=True).last()
    assert slices["rated4"]["test"].tolist() == (last["rating"] >= 4).to_list()
    times = task.tokens.times.copy()
    times[task.tests["test"].rows[3]] += 3_541  # one hour and a second after the film before
    times[task.tests["test"].rows[4]] += 3_540  # one hour
    later = target_slices(task._replace(tokens=task.tokens._replace(times=times)))
    assert np.flatnonzero(later["new_visits"]["test"]).tolist() == [3]


def test_a_harness_that_does_not_reproduce_the_published_results_exits():
    ranks = {"test": np.full(6040, 20.0)}
    ranks["test"][:217] = 4.0  # HR@10 0.036; NDCG@10 0.036 / log2(5) = 0.0155
    with pytest.raises(SystemExit, match=r"popularity has .*0\.036, 0\.015.* published are \(0\.036, 0\.018\)"):
        check_published({"popularity": Baseline(None, 0.0, ranks), "ease": Baseline(None, 0.0, ranks)})
