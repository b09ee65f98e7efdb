"""Every benchmark ends, and its last line is what the scripts that read it expect."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.__main__ import benchmark_names
from benchmarks.protocols import five_core, make_task, read_events, to_histories
from catalog.dataset import EVENTS, to_frame
from tests.support.movielens import movielens_path
from tests.support.releases import RATINGS, WRITERS, write_release

KEYS = {
    "admin": {"pages", "worst_cold_ms", "worst_warm_ms", "worst_queries", "over", "viewers", "events", "lists"},
    "catalogue": {"title_p50_ms", "mistyped_p99_ms", "search_p99_ms", "found", "load_s"},
    "cluster": {"calls_1", "calls_3", "ratio", "bound_1", "bound_3", "restart_calls", "restart_failed", "degraded"},
    "import": {
        "rows",
        "rows_per_s",
        "copy_rows_per_s",
        "ratio",
        "events_file_rows_per_s",
        "events_http_rows_per_s",
        "events_export_rows_per_s",
        "events_copy_rows_per_s",
    },
    "peers": {"over_rectools", "in_our_shape", "peers", "published", "cpus"},
    "quality": {"hr10", "ndcg10", "seeds", "train_s", "selected_on", "baselines", "data_hash"},
    "batch": {"viewers", "viewers_per_min", "bare_viewers_per_min", "ratio", "bytes_per_list", "peak_mb"},
    "growth": {"sizes", "slopes"},
    "loop": {"cached_log_over_plain", "lists_logged_per_s", "bytes_per_list_logged", "outcomes_attributed_per_s"}
    | {"aa_false_alarms", "power", "sequential_over_fixed_days"},
    "nightly": {"read_s", "train_s", "evaluate_s", "batch_s", "peak_mb", "viewers"},
    "serving": {
        "cached_over_floor",
        "event_over_floor",
        "explained_over_uncached",
        "uncached_over_bare",
        "floor_p50_ms",
        "cached_p50_ms",
        "cached_key_p50_ms",
        "uncached_p50_ms",
        "uncached_p99_ms",
        "bare_ms",
        "filtered_p50_ms",
    }
    | {"similar_p50_ms", "home_p50_ms", "home_computed_p50_ms", "cached_rps", "uncached_rps", "worker_mb"},
    "soak": {"answers", "errors", "stale", "degraded", "night", "pss_mb", "growth"},
    "web": {"fcp_ms", "lcp_ms", "shift", "click_ms", "stored_ms", "js_kb", "api_calls", "over"},
    "training": {"targets_per_s", "brief_targets_per_s", "rectools_targets_per_s", "seconds_to", "peak_mb"}
    | {"ours_at_rectools_shape_targets_per_s", "equal_shape", "brief_stated_samples_per_s", "epoch_s"},
}


def test_every_benchmark_is_known_here():
    assert set(benchmark_names()) == set(KEYS)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_quick_benchmark_ends_with_its_keys(name):
    if name == "cluster" and os.geteuid() != 0:
        pytest.skip("network namespaces take root")
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"], capture_output=True, text=True, check=True, timeout=600
    )
    result = json.loads(process.stdout.splitlines()[-1])
    assert KEYS[name] | {"bench", "preset", "parameters", "movies"} <= result.keys()
    assert result["bench"] == name


@pytest.mark.slow
def test_a_running_system_ranks_like_the_offline_result():
    small = ["--epochs", "1", "--set", "layers=1", "max_len=50"]
    command = [sys.executable, "-m", "benchmarks", "quality", "--served", "--quick", *small]
    process = subprocess.run(
        [*command, "--data", movielens_path("ml-latest-small.zip")],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    result = json.loads(process.stdout.splitlines()[-1])
    assert result["identical"]
    assert {name: mode["identical_lists"] for name, mode in result["served"].items()} == {
        "at": 1, "no_at": 1, "posted": 1, "stored": 1
    }  # fmt: skip


@pytest.mark.parametrize("release", WRITERS)
def test_the_benches_read_every_release(tmp_path, release):
    data = write_release(tmp_path / f"{release}-made-up", release)
    dataset, events = read_events(data, None)
    assert events.select("viewer", "movie", "rating", "occurred_at").rows() == list(RATINGS)
    assert len(make_task("P1", dataset, events, data).vocab) == len({rating.film for rating in RATINGS})


def test_five_core_keeps_viewers_and_films_with_five_interactions():
    rows = [(viewer, movie_id, 2, 3.0, None, 0) for viewer in range(1, 6) for movie_id in range(1, 6)]
    rows += [(6, movie_id, 2, 3.0, None, 0) for movie_id in range(1, 5)] + [(1, 9, 2, 3.0, None, 0)]
    remaining = five_core(to_frame(rows, EVENTS))
    assert len(remaining) == 25
    assert set(remaining["viewer"]) == set(range(1, 6))


def test_time_split_trains_on_nothing_after_the_cut():
    dataset, events = read_events(movielens_path("ml-latest-small.zip"), None)
    task = make_task("P2", dataset, events, movielens_path("ml-latest-small.zip"))
    cut = np.quantile(five_core(events)["occurred_at"].to_numpy(), 0.9)
    for viewer in range(len(task.ends)):
        train_times = task.tokens.times[task.tokens.indptr[viewer] : task.ends[viewer]]
        assert (train_times <= cut).all()
    assert (task.tokens.times[task.tests["successive"].rows] > cut).all()
    known_items = {
        item
        for end, start in zip(task.baseline_ends, task.tokens.indptr, strict=False)
        for item in task.tokens.items[start:end].tolist()
    }
    assert set(task.tokens.items.tolist()) == known_items
    assert set(task.tests["last"].rows) <= set(task.tests["successive"].rows)


def test_histories_keep_the_order_of_equal_times():
    rows = [(1, movie_id, 2, 3.0, None, 7) for movie_id in (5, 3, 9)] + [(2, 1, 2, 3.0, None, 1)]
    histories = to_histories(to_frame(rows, EVENTS))
    assert histories.movie_ids.tolist() == [5, 3, 9, 1]
    assert histories.indptr.tolist() == [0, 3, 4]


@pytest.mark.slow
def test_a_night_out_of_shards_tells_its_memory_by_part(tmp_path):
    pytest.importorskip("matplotlib")
    command = [sys.executable, "-m", "benchmarks", "nightly", "--shards", "100000", "--steps", "3", "--epochs", "1"]
    command += ["--result", str(tmp_path / "nights.json")]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    result = json.loads(process.stdout.splitlines()[-1])
    assert json.loads((tmp_path / "nights.json").read_text()) == result
    [night] = result["nights"]
    assert night["events"] >= 100_000
    assert {"tokens", "training", "epoch selection", "transitions", "EASE", "gate", "likes"} <= night["phases"].keys()
    assert night["peak_mb"] == max(phase["peak_mb"] for phase in night["phases"].values()) > night["own_mb"]
    assert (tmp_path / "nights.svg").exists()


@pytest.mark.slow
def test_two_processes_are_compared_with_one():
    command = [sys.executable, "-m", "benchmarks", "training", "--ranks", "--quick"]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    result = json.loads(process.stdout.splitlines()[-1])
    assert 0 < result["two_ranks_over_one"] < 3
    assert len(result["rounds"]) == 3
