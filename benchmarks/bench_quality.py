"""Ranking quality: the transformer beside closed-form baselines; all films ranked, seen ones left out, mid-rank ties.

P1  leave-one-out in stable time order; the film before the last selects the epoch, the last is asked once
A   the same in the order of the published SASRec figures (needs ml-1m-order.csv.gz beside the zip), no times
P2  nobody trains on anything after the 0.9 quantile of all times; `last` and `successive` films after it
N   the next visit after that quantile: `every` visit and the `first` of each viewer, all of its new films relevant;
    popularity rolls on to the midnight before the visit; every film of the catalogue ranked

--time says what is told at asking: the moment of the target (request), only the history's times (unknown), or no times
at all (none). One set of weights answers all three; the table always shows them."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.protocols import Task, make_task, read_events
from benchmarks.quality import cold_movies, diversity_tradeoff, next_visit, quality_tables, results, served_parity
from benchmarks.quality.baselines import check_published, fit_and_rank
from benchmarks.quality.result_builder import build_result
from benchmarks.quality.seed_runs import new_model, run_seed
from benchmarks.quality.summaries import MAIN_METRICS
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens
from catalog.dataset import Dataset
from recommender.ml.config import PRESETS, Preset, get_preset, override
from recommender.ml.evaluate import TIME_MODES, Targets, TimeMode

_TIME: dict[str, TimeMode] = {"P1": "request", "A": "none", "P2": "unknown"}  # what is told unless --time says so
DOCS = Path(__file__).parent.parent / "docs"
QUICK_RATINGS, QUICK_TARGETS, QUICK_EPOCHS = 300_000, 200, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument(
        "--people", type=Path, metavar="FILE", help="actors and directors, as import_movielens takes them"
    )
    parser.add_argument("--protocol", choices=("P1", "A", "P2", "N"), default="P1")
    parser.add_argument(
        "--time", choices=TIME_MODES, help="what hr10 and ndcg10 are of (P1: request, P2: unknown, A: none)"
    )
    parser.add_argument("--preset", choices=PRESETS, default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N")
    parser.add_argument("--epochs", type=int, help="in place of the preset's")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="FIELD=VALUE", help="change fields of the preset (ablations)"
    )
    parser.add_argument("--baselines-only", action="store_true", help="no training")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="keep training states here and resume from them"
    )
    parser.add_argument(
        "--result", type=Path, metavar="FILE", help="also write the result as JSON, and the ranks beside it as npz"
    )
    parser.add_argument("--against", type=Path, metavar="FILE", help="an earlier result on the same targets to compare")
    parser.add_argument("--cold-films", action="store_true", help="films without a rating, by a training of their own")
    parser.add_argument(
        "--tables",
        type=Path,
        nargs="?",
        const=DOCS,
        metavar="DIR",
        help="measure nothing: write the tables of DIR/quality.md from DIR/results (docs)",
    )
    parser.add_argument("--quick", action="store_true", help="three epochs, few targets: about a minute")
    parser.add_argument("--served", action="store_true", help="P1: does a running system rank as the offline figure?")
    parser.add_argument("--diversity", action="store_true", help="P1: what the parameter diversity costs and gains")
    parser.add_argument("--model", type=Path, metavar="DIR", help="with --served or --diversity: a model folder")


def run(given: argparse.Namespace) -> None:
    if given.tables:
        quality_tables.write_tables(given.tables)
        return
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data = given.data or write_synthetic_movielens(Path(folder) / "simulated", QUICK_RATINGS)
        dataset, events = read_events(data, given.people)
    named = {"bench": "quality", "preset": given.preset, "changes": _changes(given), "seeds": given.seeds}
    named |= {"data": dataset.name, "people": given.people and given.people.name}
    if given.cold_films:
        cold_movies.measure_cold_movies(given, dataset, events, _shape(given), named)
        return
    if given.protocol == "N":
        _measure_next_visit(given, dataset, events, named)
        return
    task = make_task(given.protocol, dataset, events, data)
    if given.served:
        served_parity.measure_served_parity(given, dataset, events, task, _shape(given))
        return
    task = _fewer(task) if given.quick else task
    if given.diversity:
        diversity_tradeoff.measure_diversity(given, dataset, task, _shape(given), named)
        return
    _measure(given, task, named)


def _measure(given: argparse.Namespace, task: Task, named: dict[str, Any]) -> None:
    told: TimeMode = given.time or _TIME[given.protocol]
    shape = _shape(given)
    result: dict[str, Any] = {**named, "protocol": given.protocol, "time": told} | results.describe_task(task, shape)
    result["parameters"] = sum(p.numel() for p in new_model(task, shape).parameters())
    earlier = given.against and results.check_comparable(given.against, result)
    baselines = fit_and_rank(task)
    if given.protocol == "A" and result["data"] == "ml-1m":
        check_published(baselines)
    seeds = [] if given.baselines_only else given.seeds
    runs = [run_seed(task, shape, seed, told, given.checkpoints) for seed in seeds]
    ranks = {run.seed: run.ranks for run in runs}
    result |= build_result(task, told, baselines, runs)
    if earlier and runs:
        result["against"] = results.compare_with_result(earlier, ranks)
    if given.result:
        results.save_result(given.result, result, task, ranks)
    shown = {key: value for key, value in result.items() if key != "curves"}
    print_report(f"{given.protocol} on {result['data']}", _columns(task), _rows(task, result), shown)


def _measure_next_visit(
    given: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, named: dict[str, Any]
) -> None:
    shape, split = _shape(given), next_visit.make_split(dataset, events)
    if given.quick:
        split = next_visit.first_visits(split, QUICK_TARGETS)
    about = results.describe_task(split.task, shape) | {
        "movies": len(split.catalogue),
        "viewers": len(split.known_ends),
    }
    about["parameters"] = sum(p.numel() for p in new_model(split.task, shape).parameters())
    result = next_visit.measure_next_visit(given, split, shape, {**named, **about})
    if given.result:
        results.save_result(given.result, result, split.task, {})
    title = f"N on {result['data']}: {len(split.visits.viewers):,} visits after the cut"
    shown = {key: value for key, value in result.items() if key != "runs"}
    print_report(title, next_visit.COLUMNS, next_visit.table_rows(result), shown)


def _changes(given: argparse.Namespace) -> dict[str, Any]:
    """What differs from the preset."""
    changes = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in given.set)}
    if given.epochs or given.quick:
        changes["epochs"] = given.epochs or QUICK_EPOCHS
    return changes


def _shape(given: argparse.Namespace) -> Preset:
    """The preset with the changes that were asked for."""
    base, changes = get_preset(given.preset), _changes(given)
    model = {name: value for name, value in changes.items() if hasattr(base.model, name)}
    train = {name: value for name, value in changes.items() if hasattr(base.train, name)}
    if unknown := changes.keys() - model.keys() - train.keys():
        raise SystemExit(f"--set: the preset has no field {', '.join(sorted(unknown))}.")
    return override(base, model=model, train=train)


def _fewer(task: Task) -> Task:
    """The first targets of each kind."""

    def few(targets: Targets) -> Targets:
        return Targets(*(column[:QUICK_TARGETS] for column in targets))

    return task._replace(validation=few(task.validation), tests={name: few(t) for name, t in task.tests.items()})


def _columns(task: Task) -> list[str]:
    return ["", *(f"{test} {figure}" for test in task.tests for figure in ("HR@10", "NDCG@10")), "seconds"]


def _rows(task: Task, result: dict[str, Any]) -> list[list[object]]:
    def cells(of: dict[str, Any], shape: str = "{:.4f}") -> list[object]:
        by_test = {"test": of} if "hr10" in of else of
        return [shape.format(*np.atleast_1d(by_test[test][key])) for test in task.tests for key in MAIN_METRICS]

    rows: list[list[object]] = [[name, *cells(of), of["fit_s"]] for name, of in result["baselines"].items()]
    for run in result["runs"]:
        rows += [[f"transformer, {t}, seed {run['seed']}", *cells(run[t]), run["train_s"]] for t in TIME_MODES]
    if other := result.get("against"):
        rows += [
            [f"{t}, over {other['result']}", *cells(other[t], "{:+.4f} ({:+.4f} to {:+.4f})"), ""] for t in TIME_MODES
        ]
    return rows
