"""`./run bench quality --served`: does a running system rank as the offline figure of P1 does?

The data are imported without each viewer's last film, a model is activated, and some of the viewers ask over HTTP for
the longest list there is:

at      with the moment of the film that is held out, as the request-time figure
no_at   without it, as the time-unknown figure
posted  with their history as bare film ids, as the model ranks one that has neither times nor ratings
stored  what the batch stored for them, as the time-unknown figure

The histories that training exports and those that serving and the batch read are compared event by event besides."""

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
    given: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, task: Task, shape: Preset
) -> None:
    """Raises SystemExit where the system ranks otherwise than the offline figure, or the two cannot be compared."""
    if given.protocol != "P1":
        raise SystemExit("--served is of P1: the other protocols leave out films that a system has.")
    test, ordered = task.tests["test"], sort_events(events.with_row_index("row"))
    held_out = ordered["row"].to_numpy()[test.rows]
    known = events.filter(~np.isin(np.arange(len(events)), held_out))
    with isolated_system() as system:
        ranker = Ranker.load(_model_folder(system, given, task, shape))
        if not np.array_equal(ranker.movie_ids, task.vocab.movie_ids):
            raise SystemExit(
                f"The model's {len(ranker.vocab)} films are not the {len(task.vocab)} rated ones of the data."
            )
        _load(replace(dataset, events=[known]), ranker)
        _check_histories(system.state, to_histories(sort_events(known)))
        system.serve()
        chosen = np.random.default_rng(1).permutation(len(test.rows))[: QUICK_VIEWERS if given.quick else NUM_VIEWERS]
        targets = Targets(*(column[np.sort(chosen)] for column in test))
        compared = _compared(system.address.url, ranker, task, to_histories(ordered), targets)
    result: dict[str, Any] = {"bench": "quality", "protocol": "P1", "data": dataset.name, "data_hash": task.data_hash}
    result |= {"preset": ranker.metadata.get("preset", given.preset), "movies": len(ranker.vocab)}
    _report(result | {"parameters": sum(p.numel() for p in ranker.model.parameters())}, compared)


def _model_folder(system: BenchmarkSystem, given: argparse.Namespace, task: Task, shape: Preset) -> Path:
    """In the system's store. Where there is none yet to be copied, one is trained as for the offline figure."""
    folder = system.state / "models" / "benched"
    kept = given.model or folder
    if not kept.exists():
        ranker = run_seed(task, shape, given.seeds[0], "request", given.checkpoints).ranker
        save_model(kept, ranker.model, task.vocab, task.features, {"preset": given.preset}, ranker.prior)
    return folder if kept == folder else Path(shutil.copytree(kept, folder))


def _load(dataset: Dataset, ranker: Ranker) -> None:
    from catalog.loading import load_dataset
    from recommender import registry

    load_dataset(dataset)
    registry.register(registry.folder(ranker.version), movies=len(ranker.vocab))
    registry.activate(ranker.version, "for the benchmark")


def _check_histories(scratch: Path, offline: Histories) -> None:
    """Raises SystemExit where any event of any viewer is read otherwise than it stands in the files."""
    from catalog import selectors
    from recommender.history import to_model_events
    from recommender.training import snapshot

    read = [to_model_events(history) for history in selectors.histories(offline.viewers.tolist())]
    for who, theirs in (
        ("Training", snapshot.take_snapshot(scratch).histories),
        ("Serving", Histories.from_events(read)),
    ):
        for column in ("indptr", "movie_ids", "times", "kinds", "ratings", "completions", "timed"):
            if not np.array_equal(getattr(theirs, column), getattr(offline, column), equal_nan=True):
                raise SystemExit(f"{who} reads other {column} than the files have in stable order of time.")


def _compared(
    url: str, ranker: Ranker, task: Task, histories: Histories, targets: Targets
) -> dict[str, dict[str, Any]]:
    """By way of asking, one after the other."""
    from recommender.api.fields import MAX_TOP_K as DEPTH

    return {
        way.name: compare_lists(ranker, way.tokens, targets, way.time, DEPTH, request_lists(url, way, ranker.version))
        for way in request_modes(ranker, histories, task.tokens, targets, DEPTH)
    }


def _report(result: dict[str, Any], compared: Mapping[str, Mapping[str, Any]]) -> None:
    shares = ("identical_top20", "identical_lists", "identical_ranks")
    identical = all(
        of["apart"] <= SCORE_TOLERANCE and all(of[share] == 1 for share in shares) for of in compared.values()
    )
    figures = {name: [f"{of[w]['hr10']:.3f} / {of[w]['ndcg10']:.3f}" for w in SIDES] for name, of in compared.items()}
    print_report(
        f"P1 on {result['data']}: share that is served as offline, scores apart, HR@10 / NDCG@10",
        ["", "asked", "top 20", "lists", "ranks", "scores", *SIDES],
        [
            [name, of["asked"], *(f"{of[share]:.1%}" for share in shares), f"{of['apart']:.0e}", *figures[name]]
            for name, of in compared.items()
        ],
        result | compared["at"]["served"] | {"identical": identical, "served": dict(compared)},
    )
    if not identical:
        words = ", ".join(f"{name} {of['identical_lists']:.1%}" for name, of in compared.items())
        raise SystemExit(
            f"Served lists differ from the offline ones by more than {SCORE_TOLERANCE} of a score. Same: {words}."
        )
