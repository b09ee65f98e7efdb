"""One nightly run on servers of its own: read, train, judge, register, lists for everyone, activate.

read_s, train_s, evaluate_s, batch_s  its parts, in seconds
peak_mb                               most memory that its process ever held (resident)
reading                               read_s and peak_mb of a process of its own that only reads all histories into
                                      training form; with --read there is no night after it

With --warm it is the night after one that saw all but the newest 3 % of the events, and goes on from its model:
first, scratch                        ndcg10, train_s and verdict of that first night, and of this one from scratch,
                                      on the same held-out viewers as the warm one"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.benchmark_system import isolated_system
from benchmarks.isolated_process import run_isolated
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens

RATINGS, QUICK_RATINGS = 1_000_000, 150_000
PARTS = ("read", "train", "evaluate", "batch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="what is trained")
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the preset's; not of the warm night's")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings and train one epoch")
    parser.add_argument("--warm", action="store_true", help="measure the night after, from the model of the one before")
    parser.add_argument("--read", action="store_true", help="measure the reading alone")


def run(given: argparse.Namespace) -> None:
    parameters = {"preset": given.preset, "epochs": given.epochs or (1 if given.quick else None), "warm": False}
    with isolated_system():
        _load(given.data, QUICK_RATINGS if given.quick else RATINGS)
        reading = run_isolated(read_training_data)
        if given.read:
            return _report_reading(reading, given.preset)
        nights = _nights(parameters) if given.warm else {"night": run_isolated(_night, parameters)}
    result = nights.pop("warm", None) or nights.pop("night")
    told = {name: {key: night[key] for key in ("ndcg10", "train_s", "better")} for name, night in nights.items()}
    result = {"bench": "nightly", "preset": given.preset} | result | {"peak_mb": round(result["peak_mb"])} | told
    result["reading"] = {"read_s": round(reading["read_s"], 1), "peak_mb": round(reading["peak_mb"])}
    lines = [(part, result[f"{part}_s"], result["ndcg10"] if part == "train" else "") for part in PARTS]
    lines += [(f"train, {name} night", night["train_s"], night["ndcg10"]) for name, night in told.items()]
    print_report(
        f"A night with {result['events']:,} events of {result['viewers']:,} viewers on {result['movies']:,} films: "
        f"peak {result['peak_mb']} MB",
        ("", "seconds", "NDCG@10"),
        lines,
        result,
    )


def _report_reading(reading: dict[str, Any], preset: str) -> None:
    result = {"bench": "nightly", "preset": preset, "parameters": 0} | reading  # no model takes part
    result |= {"read_s": round(reading["read_s"], 1), "peak_mb": round(reading["peak_mb"])}
    print_report(
        f"{result['events']:,} events of {result['viewers']:,} viewers read: peak {result['peak_mb']} MB",
        ("", "seconds", "events a second"),
        [("out of Postgres into training form", reading["read_s"], result["events"] / reading["read_s"])],
        result,
    )


def _nights(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    _hold_back()
    first = run_isolated(_night, parameters)
    _give_back()
    warm = run_isolated(_night, {"preset": parameters["preset"], "warm": True})
    return {"first": first, "warm": warm, "scratch": run_isolated(_night, parameters)}


def _hold_back() -> None:
    _query(
        """CREATE TABLE held_back AS SELECT * FROM catalog_watchevent WHERE occurred_at >
             (SELECT percentile_disc(0.97) WITHIN GROUP (ORDER BY occurred_at) FROM catalog_watchevent)""",
        "DELETE FROM catalog_watchevent WHERE id IN (SELECT id FROM held_back)",
    )


def _give_back() -> None:
    _query("INSERT INTO catalog_watchevent SELECT * FROM held_back", "DROP TABLE held_back")


def _query(*statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _load(data: Path | None, ratings: int) -> None:
    from catalog.loading import load_dataset
    from catalog.movielens import read_movielens

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        load_dataset(read_movielens(data or write_synthetic_movielens(Path(folder) / "simulated", ratings)))


def read_training_data() -> dict[str, Any]:
    """All histories into training form."""
    import django

    django.setup()
    from recommender.ml.data import tokenise
    from recommender.ml.vocab import Vocab
    from recommender.training import snapshot as dataset

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = dataset.take_snapshot(Path(folder))
    tokens = tokenise(snapshot.histories, Vocab(snapshot.movie_ids))
    seconds = time.perf_counter() - started
    counts = snapshot.counts()
    told = {"movies": counts["films"], "viewers": counts["viewers"], "events": counts["events"]}
    return told | {"tokens": len(tokens.items), "read_s": seconds}


def _night(parameters: dict[str, Any]) -> dict[str, Any]:
    import django

    django.setup()
    from recommender import registry
    from recommender.jobs import leases
    from recommender.models import Job, ModelVersion
    from recommender.training import batch, nightly

    lease = leases.claim(Job.objects.create(kind=Job.Kind.NIGHTLY, parameters=parameters).pk)
    assert lease is not None
    with leases.running_lease(lease):
        nightly.run(lease)
        version = ModelVersion.objects.get(name=lease.result["version"])
        if (
            registry.active_name() is None
        ):  # data without an order: what is learned beats nothing, the lists cost as much
            registry.activate(version.name, "for the benchmark")
            batch.fill_all(version.name, lease)
    seconds, counts = version.metrics["seconds"], version.metrics["data"]
    told = {"parameters": version.parameters, "movies": version.movies, "viewers": lease.result["viewers"]}
    told |= {"events": counts["events"], "version": version.name, "better": lease.result["better"]}
    laps = {f"{part}_s": seconds[part] for part in PARTS[:3]} | {"batch_s": lease.result["list_seconds"]}
    return told | laps | {"ndcg10": version.metrics["ndcg10"]}
