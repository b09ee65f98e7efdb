"""`./run bench quality --served`: does a running system rank like the offline result of P1?

The data are imported without each viewer's last film, a model is activated, and the longest possible lists of some
viewers are requested over HTTP:

at      with the time of the held-out film; compared with the mode `request`
no_at   without it; compared with the mode `unknown`
posted  with the history as bare film ids; compared with the mode `none`, without ratings
stored  the lists of the batch job; compared with the mode `unknown`

Besides, the histories that training exports and those that serving and the batch read are compared event by event."""

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.benchmark_system import BenchmarkSystem, isolated_system
from benchmarks.protocols import Task, sort_events, to_histories
from benchmarks.quality.parity import SCORE_TOLERANCE, compare_lists
from benchmarks.quality.parity_requests import request_lists, request_modes
from benchmarks.quality.seed_runs import run_seed
from benchmarks.report import print_report
from catalog.dataset import Dataset
from recommender.ml.config import Preset
from recommender.ml.data import Histories
from recommender.ml.evaluate import Targets
from recommender.ml.model_folder import save_model
from recommender.ml.ranker import Ranker

NUM_VIEWERS, QUICK_VIEWERS = 300, 50  # viewers
SIDES = ("offline", "served")


def measure_served_parity(
    args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, task: Task, preset: Preset
) -> None:
    """Compare and print the report. Raises `SystemExit` where the system ranks differently from the offline result, or
    the two cannot be compared."""
    if args.protocol != "P1":
        raise SystemExit("--served works with P1 only: the other protocols leave out films that a system has.")
    test, ordered = task.tests["test"], sort_events(events.with_row_index("row"))
    held_out = ordered["row"].to_numpy()[test.rows]
    known_events = events.filter(~np.isin(np.arange(len(events)), held_out))
    with isolated_system() as system:
        ranker = Ranker.load(_model_folder(system, args, task, preset))
        if not np.array_equal(ranker.movie_ids, task.vocab.movie_ids):
            raise SystemExit(
                f"The model's {len(ranker.vocab)} films are not the {len(task.vocab)} rated ones of the data."
            )
        _load(replace(dataset, events=[known_events]), ranker)
        _check_histories(system.state, to_histories(sort_events(known_events)))
        system.serve()
        sample = np.random.default_rng(1).permutation(len(test.rows))[: QUICK_VIEWERS if args.quick else NUM_VIEWERS]
        targets = Targets(*(column[np.sort(sample)] for column in test))
        comparisons = _compare(system.address.url, ranker, task, to_histories(ordered), targets)
    result: dict[str, Any] = {"bench": "quality", "protocol": "P1", "data": dataset.name, "data_hash": task.data_hash}
    result |= {"preset": ranker.metadata.get("preset", args.preset), "movies": len(ranker.vocab)}
    _report(result | {"parameters": sum(p.numel() for p in ranker.model.parameters())}, comparisons)


def _model_folder(system: BenchmarkSystem, args: argparse.Namespace, task: Task, preset: Preset) -> Path:
    """Return the model's folder in the system's store, copied or trained as for the offline result."""
    folder = system.state / "models" / "benched"
    source = args.model or folder
    if not source.exists():
        ranker = run_seed(task, preset, args.seeds[0], "request", args.checkpoints).ranker
        added = (ranker.prior, ranker.ensemble, ranker.new_film_term)
        save_model(source, ranker.model, task.vocab, task.features, {"preset": args.preset}, *added)
    return folder if source == folder else Path(shutil.copytree(source, folder))


def _load(dataset: Dataset, ranker: Ranker) -> None:
    from catalog.loading import load_dataset
    from recommender import registry

    load_dataset(dataset)
    registry.register(registry.folder(ranker.version), movies=len(ranker.vocab))
    registry.activate(ranker.version, "for the benchmark")


def _check_histories(scratch: Path, expected: Histories) -> None:
    """Compare the histories of all viewers. Raises `SystemExit` where any event differs from the files."""
    from catalog import selectors
    from recommender.history import to_model_events
    from recommender.shards.export import update_shards
    from recommender.shards.reading import read_all_histories

    serving_events = [to_model_events(history) for history in selectors.histories(expected.viewers.tolist())]
    for reader, histories in (
        ("Training", read_all_histories(scratch, update_shards(scratch))),
        ("Serving", Histories.from_events(serving_events)),
    ):
        for column in ("indptr", "movie_ids", "times", "kinds", "ratings", "completions", "timed"):
            if not np.array_equal(getattr(histories, column), getattr(expected, column), equal_nan=True):
                raise SystemExit(f"{reader} reads other {column} than the files have in stable order of time.")


def _compare(url: str, ranker: Ranker, task: Task, histories: Histories, targets: Targets) -> dict[str, dict[str, Any]]:
    """Compare the lists of each request mode, one after the other."""
    from recommender.api.fields import MAX_TOP_K

    return {
        mode.name: compare_lists(
            ranker, mode.tokens, targets, mode.time, MAX_TOP_K, request_lists(url, mode, ranker.version)
        )
        for mode in request_modes(ranker, histories, task.tokens, targets, MAX_TOP_K)
    }


def _report(result: dict[str, Any], comparisons: Mapping[str, Mapping[str, Any]]) -> None:
    shares = ("identical_top20", "identical_lists", "identical_ranks")
    identical = all(
        comparison["apart"] <= SCORE_TOLERANCE and all(comparison[share] == 1 for share in shares)
        for comparison in comparisons.values()
    )
    accuracy_columns = {
        name: [f"{comparison[side]['hr10']:.3f} / {comparison[side]['ndcg10']:.3f}" for side in SIDES]
        for name, comparison in comparisons.items()
    }
    print_report(
        f"P1 on {result['data']}: share of equal lists, difference of scores, HR@10 / NDCG@10",
        ["", "asked", "top 20", "lists", "ranks", "scores", *SIDES],
        [
            [
                name,
                comparison["asked"],
                *(f"{comparison[share]:.1%}" for share in shares),
                f"{comparison['apart']:.0e}",
                *accuracy_columns[name],
            ]
            for name, comparison in comparisons.items()
        ],
        result | comparisons["at"]["served"] | {"identical": identical, "served": dict(comparisons)},
    )
    if not identical:
        shares_text = ", ".join(
            f"{name} {comparison['identical_lists']:.1%}" for name, comparison in comparisons.items()
        )
        raise SystemExit(
            f"Served lists differ from the offline ones by more than {SCORE_TOLERANCE} of a score. Same: {shares_text}."
        )
