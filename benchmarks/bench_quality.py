"""Measure ranking quality: the transformer and closed-form baselines; all films ranked, seen ones excluded, mid-rank
ties.

P1  leave-one-out in stable time order; the film before the last selects the epoch, the last is the test
A   the same in the order of the published SASRec results (needs ml-1m-order.csv.gz beside the zip), no times
P2  no training on anything after the 0.9 quantile of all times; `last` and `successive` films after it
N   the next visit after that quantile: `every` visit and the `first` of each viewer, all of its new films relevant;
    popularity is updated up to the midnight before the visit; every film of the catalogue ranked

--time says which times the model gets: also the request's (request), only the history's (unknown), or none. One set of
weights serves all three modes; the table always shows them."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.protocols import Task, make_task, read_events, training_events
from benchmarks.quality import (
    cold_movies,
    diversity_tradeoff,
    next_visit,
    next_visit_result,
    results,
    served_parity,
    served_visits,
    trec_judge,
)
from benchmarks.quality.baselines import check_published, fit_and_rank
from benchmarks.quality.peers import lenskit_splits, peer_models
from benchmarks.quality.result_builder import build_result
from benchmarks.quality.seed_runs import new_model, run_seed
from benchmarks.quality.summaries import MAIN_METRICS
from benchmarks.quality.tables import quality_tables
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens
from catalog.dataset import Dataset
from recommender.ml.config import PRESETS, Preset, canonical_preset, change_fields, fit_to_size, get_preset
from recommender.ml.evaluate import TIME_MODES, Targets, TimeMode, ranker_scorer

_TIME_MODE: dict[str, TimeMode] = {"P1": "request", "A": "none", "P2": "unknown"}  # unless --time says otherwise
DOCS = Path(__file__).parent.parent / "docs"
QUICK_RATINGS, QUICK_TARGETS, QUICK_EPOCHS = 300_000, 200, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument(
        "--people", type=Path, metavar="FILE", help="actors and directors, as import_movielens takes them"
    )
    parser.add_argument(
        "--one-viewer-in", type=int, default=1, metavar="N", help="a smaller site: viewers whose id N divides, alone"
    )
    parser.add_argument("--protocol", choices=("P1", "A", "P2", "N"), default="P1")
    parser.add_argument(
        "--time", choices=TIME_MODES, help="mode of hr10 and ndcg10 (P1: request, P2: unknown, A: none)"
    )
    parser.add_argument("--preset", type=canonical_preset, choices=PRESETS, default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N")
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="FIELD=VALUE", help="change fields of the preset (ablations)"
    )
    parser.add_argument(
        "--training-share",
        type=int,
        nargs=2,
        metavar=("EVENTS", "DAYS"),
        help="N: train on a viewer's newest EVENTS and on viewers active in the last DAYS; 0: all",
    )
    parser.add_argument("--baselines-only", action="store_true", help="no training")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="keep training states here and resume from them"
    )
    parser.add_argument(
        "--result", type=Path, metavar="FILE", help="also write the result as JSON, and the ranks beside it as npz"
    )
    parser.add_argument("--against", type=Path, metavar="FILE", help="an earlier result on the same targets to compare")
    parser.add_argument("--cold-films", action="store_true", help="films without a rating, with a training of its own")
    parser.add_argument(
        "--tables",
        type=Path,
        nargs="?",
        const=DOCS,
        metavar="DIR",
        help="measure nothing: write the tables of DIR/quality.md from DIR/results (docs)",
    )
    parser.add_argument(
        "--judge", type=Path, metavar="DIR", help="write top lists and relevant films to DIR, have trec_eval score them"
    )
    parser.add_argument(
        "--peers", action="store_true", help="N: train iALS, SASRec, eSASRec and HSTU of other libraries, too"
    )
    parser.add_argument(
        "--peer-minutes", type=float, default=10, metavar="N", help="how long a peer may train at most (10)"
    )
    parser.add_argument(
        "--lists", type=int, metavar="N", help="N: print the lists of so many viewers, with titles, to be read"
    )
    parser.add_argument("--lenskit", action="store_true", help="compare the split with LensKit's, no training")
    parser.add_argument("--quick", action="store_true", help="three epochs, few targets: about a minute")
    parser.add_argument(
        "--served", action="store_true", help="P1, N: does a running system rank like the offline result?"
    )
    parser.add_argument("--diversity", action="store_true", help="P1: costs and gains of the parameter diversity")
    parser.add_argument("--similar", action="store_true", help="similar films beside what people call alike")
    parser.add_argument("--model", type=Path, metavar="DIR", help="with --served or --diversity: a model folder")


def run(args: argparse.Namespace) -> None:
    """Measure the protocol of the options and print the report."""
    if args.tables:
        quality_tables.write_tables(args.tables)
        return
    if args.one_viewer_in < 1 or (args.one_viewer_in > 1 and (args.served or args.protocol == "A")):
        raise SystemExit(
            "--one-viewer-in takes 1 or more, and neither --served nor protocol A: they are of all viewers."
        )
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data = args.data or write_synthetic_movielens(Path(folder) / "simulated", QUICK_RATINGS)
        dataset, events = read_events(data, args.people, args.one_viewer_in)
    description = {"bench": "quality", "preset": args.preset, "changes": _changes(args), "seeds": args.seeds}
    description |= {"data": dataset.name, "people": args.people and args.people.name}
    if args.similar:
        import django

        django.setup()
        from benchmarks.quality import similar_films  # the catalogue's columns are Django's

        similar_films.measure_similar(args, dataset, events, description)
        return
    if events.is_empty():
        raise SystemExit(f"{data} has films and no ratings: only --similar can be measured on it.")
    if args.cold_films:
        cold_movies.measure_cold_movies(args, dataset, events, _preset(args, len(events)), description)
        return
    if args.lenskit:
        _compare_splits(args, dataset, events, data, description)
        return
    if args.protocol == "N":
        _measure_next_visit(args, dataset, events, description)
        return
    task = make_task(args.protocol, dataset, events, data)
    if args.served:
        served_parity.measure_served_parity(args, dataset, events, task, _preset(args, training_events(task)))
        return
    task = _first_targets(task) if args.quick else task
    if args.diversity:
        diversity_tradeoff.measure_diversity(args, dataset, task, _preset(args, training_events(task)), description)
        return
    _measure(args, task, description)


def _compare_splits(
    args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, data: Path, description: dict[str, Any]
) -> None:
    """Report how many test events LensKit has, too."""
    if args.protocol == "N":
        split = next_visit.make_split(dataset, events)
        counts, movies = lenskit_splits.compare_visits(split), len(split.catalogue)
    else:
        task = make_task(args.protocol, dataset, events, data)
        counts, movies = lenskit_splits.compare_task(args.protocol, task), len(task.vocab)
    result = {**description, "protocol": args.protocol, "parameters": 0, "movies": movies, "lenskit": counts}
    print_report(
        f"Test events of {args.protocol} on {dataset.name}", ["", ""], [list(row) for row in counts.items()], result
    )


def _measure(args: argparse.Namespace, task: Task, description: dict[str, Any]) -> None:
    time_mode: TimeMode = args.time or _TIME_MODE[args.protocol]
    preset = _preset(args, training_events(task))
    result: dict[str, Any] = {**description, "protocol": args.protocol, "time": time_mode} | results.describe_task(
        task, preset
    )
    result["parameters"] = sum(p.numel() for p in new_model(task, preset).parameters())
    other_result = args.against and results.check_comparable(args.against, result)
    baselines = fit_and_rank(task)
    if args.protocol == "A" and result["data"] == "ml-1m":
        check_published(baselines)
    seeds = [] if args.baselines_only else args.seeds
    runs = [run_seed(task, preset, seed, time_mode, args.checkpoints) for seed in seeds]
    ranks = {run.seed: run.ranks for run in runs}
    result |= build_result(task, time_mode, baselines, runs)
    if other_result and runs:
        result["against"] = results.compare_with_result(other_result, ranks)
    if args.judge:
        scorers = {name: baseline.score for name, baseline in baselines.items()}
        scorers |= {f"seed {run.seed}": ranker_scorer(run.ranker, time_mode, task.popularity) for run in runs}
        result["judged"] = trec_judge.judge_task(args.judge, task, scorers)
    if args.result:
        results.save_result(args.result, result, task, ranks)
    printed = {key: value for key, value in result.items() if key != "curves"}
    columns = ["", *(f"{test} {metric}" for test in task.tests for metric in ("HR@10", "NDCG@10")), "seconds"]
    print_report(f"{args.protocol} on {result['data']}", columns, _rows(task, result), printed)


def _measure_next_visit(
    args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, description: dict[str, Any]
) -> None:
    if args.peers:
        peer_models.check_installed()
    split = next_visit.make_split(dataset, events)
    preset = _preset(args, training_events(split.task))
    if args.served:
        served_visits.measure_served_visits(args, dataset, events, split)
        return
    if args.quick:
        split = next_visit.first_visits(split, QUICK_TARGETS)
    about = results.describe_task(split.task, preset) | {
        "movies": len(split.catalogue),
        "viewers": len(split.known_ends),
    }
    about["parameters"] = sum(p.numel() for p in new_model(split.task, preset).parameters())
    result = next_visit_result.measure_next_visit(args, dataset, split, preset, {**description, **about})
    if args.result:
        results.save_result(args.result, result, split.task, {})
    title = f"N on {result['data']}: {len(split.visits.viewers):,} visits after the cut"
    printed = {key: value for key, value in result.items() if key != "runs"}
    print_report(title, next_visit_result.COLUMNS, next_visit_result.table_rows(result), printed)


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that differ from the preset."""
    changes = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in args.set)}
    if args.epochs or args.quick:
        changes["epochs"] = args.epochs or QUICK_EPOCHS
    return changes


def _preset(args: argparse.Namespace, events: int) -> Preset:
    """Return the preset for so many training events, with the changes of the options."""
    try:
        return change_fields(fit_to_size(get_preset(args.preset), events), _changes(args))
    except ValueError as error:
        raise SystemExit(f"--set: {error}") from None


def _first_targets(task: Task) -> Task:
    """Return the task with the first targets of each kind."""

    def first(targets: Targets) -> Targets:
        return Targets(*(column[:QUICK_TARGETS] for column in targets))

    return task._replace(validation=first(task.validation), tests={name: first(t) for name, t in task.tests.items()})


def _rows(task: Task, result: dict[str, Any]) -> list[list[object]]:
    def cells(of: dict[str, Any], shape: str = "{:.4f}") -> list[object]:
        by_test = {"test": of} if "hr10" in of else of
        return [shape.format(*np.atleast_1d(by_test[test][key])) for test in task.tests for key in MAIN_METRICS]

    rows: list[list[object]] = [[name, *cells(of), of["fit_s"]] for name, of in result["baselines"].items()]
    for run in result["runs"]:
        rows += [[f"transformer, {t}, seed {run['seed']}", *cells(run[t]), run["train_s"]] for t in TIME_MODES]
    if comparison := result.get("against"):
        rows += [
            [f"{t}, over {comparison['result']}", *cells(comparison[t], "{:+.4f} ({:+.4f} to {:+.4f})"), ""]
            for t in TIME_MODES
        ]
    return rows
