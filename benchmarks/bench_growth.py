"""Measure the same work on data sets of several sizes, one after the other, each on an isolated system.

load_s           import into Postgres; bytes_per_event on its disk afterwards, indexes included
read_s, read_mb  read all histories from Postgres into training form; maximum memory of the process
batch_s          lists of 200 for every viewer by as many processes as `./run` has workers; bare_s as in `./run bench
                 batch`; batch_mb of both processes, redis_mb of the lists

The slope of a column is that of its logarithm over the logarithm of the events: 1 is linear growth. --result keeps
the measurements as JSON, with a plot of the same name beside it; sizes in that file are not measured again.

--films N ... measures in place of that the best 200 for one viewer among so many films with random vectors, without an
ensemble: ms of one thread's processor time by the shortlist and by the scores of all films, and for how many of the
viewers the shortlist is proved to be enough; vectors_mb as a process holds them, with peak_mb while they are made."""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.bench_batch import measure_batch
from benchmarks.bench_import import import_dataset
from benchmarks.bench_nightly import read_training_data
from benchmarks.benchmark_system import isolated_system
from benchmarks.processes.isolated_process import run_isolated
from benchmarks.report import print_report
from benchmarks.serving.fixture import build_fixture
from benchmarks.synthetic_data import write_synthetic_movielens
from benchmarks.training.growth_plot import draw_growth
from recommender.ml.config import get_preset
from recommender.ml.data import Events
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab

QUICK_RATINGS = (50_000, 100_000)
VIEWERS, HISTORY_LENGTH, LIST_LENGTH = 12, 200, 200  # of --films
ROUNDING = 1e-4  # of a score
COLUMNS = ("load_s", "read_s", "read_mb", "batch_s", "bare_s", "batch_mb", "redis_mb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, nargs="+", metavar="PATH", help="MovieLens zips or folders")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--result", type=Path, metavar="FILE", help="keep the measurements in this file")
    parser.add_argument("--films", type=int, nargs="+", metavar="N", help="only rank among so many films")
    parser.add_argument(
        "--quick", action="store_true", help=f"generate {' and '.join(map(str, QUICK_RATINGS))} ratings"
    )


def run(args: argparse.Namespace) -> None:
    """Measure every data set and print the report."""
    if args.films:
        _report_films([run_isolated(_rank_among, films, args.preset) for films in args.films], args.preset)
        return
    if not args.data and not args.quick:
        raise SystemExit("Name data sets with --data, or generate two with --quick.")
    sizes: list[dict[str, Any]] = []
    if args.result and args.result.exists():
        sizes = json.loads(args.result.read_text())["sizes"]
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data_folders = [write_synthetic_movielens(Path(folder) / str(ratings), ratings) for ratings in QUICK_RATINGS]
        for data in args.data or data_folders:
            name = "/".join(data.parts[-2:])
            if name not in [size["data"] for size in sizes]:
                measurements = run_isolated(_measured, data, args.preset)
                measurements.pop("peak_mb")  # of the driving process
                sizes.append({"data": name} | measurements)
    _report(sorted(sizes, key=lambda size: int(size["events"])), args)


def _measured(data: Path, preset: str) -> dict[str, Any]:
    with isolated_system():
        imported = import_dataset(data)
        reading = run_isolated(read_training_data)
        ranker = build_fixture(preset).ranker
        batch, bare = measure_batch()
    viewers = batch["viewers"]
    return {
        "movies": len(ranker.vocab),
        "parameters": sum(parameter.numel() for parameter in ranker.model.parameters()),
        "viewers": viewers,
        "events": imported["rows"],
        "load_s": round(imported["seconds"], 1),
        "bytes_per_event": round(imported["bytes"] / imported["rows"]),
        "read_s": round(reading["read_s"], 1),
        "read_mb": round(reading["peak_mb"]),
        "batch_s": round(batch["seconds"], 1),
        "bare_s": round(bare["seconds"] * viewers / bare["viewers"], 1),
        "viewers_per_min": round(60 * viewers / batch["seconds"]),
        "batch_mb": round(batch["peak_mb"]),
        "redis_mb": round(batch["bytes_per_list"] * viewers / 2**20, 1),
        "bytes_per_list": round(batch["bytes_per_list"]),
    }


def _rank_among(films: int, preset: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    ranker = Ranker(TransformerRecModel(films, get_preset(preset).model, None), Vocab(np.arange(1, films + 1)))
    seconds: dict[str, list[float]] = {"shortlist": [], "all": []}
    proved, histories = 0, np.random.default_rng(1).integers(1, films, (VIEWERS, HISTORY_LENGTH))
    for history in histories:
        state = ranker.encode([Events.from_ids(history.tolist())])
        started = time.thread_time()
        [(movie_ids, _)] = ranker.top(state, LIST_LENGTH, exclude=[history])
        seconds["shortlist"].append(time.thread_time() - started)
        with torch.inference_mode():
            started = time.thread_time()
            scores = ranker.vectors.scores(torch.from_numpy(state[:, : ranker.width]))
            scores[0, ranker.columns_of(history)] = -torch.inf
            least = scores.topk(LIST_LENGTH).values[0, -1]
            seconds["all"].append(time.thread_time() - started)
            proved += ranker._top_via_shortlist(torch.from_numpy(state), LIST_LENGTH, None, [history]) is not None
        if scores[0, ranker.columns_of(movie_ids)].min() < least - ROUNDING:
            raise SystemExit(f"The shortlist of {films:,} films missed a film.")
    vectors = ranker.vectors.to_tensors().values()
    return {
        "films": films,
        "parameters": sum(parameter.numel() for parameter in ranker.model.parameters()),
        **{f"{name}_ms": round(1000 * float(np.median(values)), 2) for name, values in seconds.items()},
        "proved": proved,
        "viewers": VIEWERS,
        "vectors_mb": round(sum(tensor.numel() * tensor.element_size() for tensor in vectors) / 2**20),
    }


def _report_films(sizes: Sequence[Mapping[str, Any]], preset: str) -> None:
    columns = ("films", "shortlist_ms", "all_ms", "proved", "viewers", "vectors_mb", "peak_mb")
    rows = [[round(size[name], 2) for name in columns] for size in sizes]
    largest = {"movies": sizes[-1]["films"], "parameters": sizes[-1]["parameters"]}
    result = {"bench": "growth", "preset": preset} | largest | {"films": [dict(size) for size in sizes]}
    print_report(f"The best {LIST_LENGTH} for one viewer, one thread, preset {preset}", columns, rows, result)


def _report(sizes: Sequence[Mapping[str, Any]], args: argparse.Namespace) -> None:
    events = [size["events"] for size in sizes]
    slopes = {name: _slope(events, [size[name] for size in sizes]) for name in COLUMNS}
    largest = {name: sizes[-1][name] for name in ("movies", "parameters")}
    result = {"bench": "growth", "preset": args.preset} | largest | {"sizes": list(sizes), "slopes": slopes}
    if args.result:
        args.result.write_text(json.dumps(result, indent=1))
        draw_growth(sizes, slopes, args.result.with_suffix(".svg"))
    rows = [[size["events"], size["viewers"], *(size[name] for name in COLUMNS)] for size in sizes]
    print_report(
        f"Growth over {len(sizes)} sizes of a catalogue of {result['movies']:,} films",
        ("events", "viewers", *COLUMNS),
        [*rows, ["slope", "", *(slopes[name] or "" for name in COLUMNS)]],
        result,
    )


def _slope(events: Sequence[int], values: Sequence[float]) -> float | None:
    """Return the slope of log(values) over log(events); None for a single size."""
    if len(events) < 2:
        return None
    return round(float(np.polyfit(np.log(events), np.log(np.maximum(values, 0.1)), 1)[0]), 2)
