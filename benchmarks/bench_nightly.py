"""One nightly run on servers of its own: read, train, judge, register, lists for everyone, activate.

read_s, train_s, evaluate_s, batch_s  its parts, in seconds
peak_mb                               most memory that its process ever held (resident)"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.apart import apart
from benchmarks.report import print_report
from benchmarks.simulated import write_simulated
from benchmarks.system import own_system

RATINGS, QUICK_RATINGS = 1_000_000, 150_000
PARTS = ("read", "train", "evaluate", "batch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="what is trained")
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the preset's")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings and train one epoch")


def run(given: argparse.Namespace) -> None:
    with own_system():
        _load(given.data, QUICK_RATINGS if given.quick else RATINGS)
        epochs = given.epochs or (1 if given.quick else None)
        result = apart(_night, {"preset": given.preset, "epochs": epochs})
    result = {"bench": "nightly", "preset": given.preset} | result | {"peak_mb": round(result["peak_mb"])}
    print_report(
        f"A night with {result['events']:,} events of {result['viewers']:,} viewers on {result['movies']:,} films: "
        f"peak {result['peak_mb']} MB",
        ("", "seconds"),
        [(part, result[f"{part}_s"]) for part in PARTS],
        result,
    )


def _load(data: Path | None, ratings: int) -> None:
    from catalog.movielens import read_movielens
    from catalog.services.bulk import load_dataset

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        load_dataset(read_movielens(data or write_simulated(Path(folder) / "simulated", ratings)))


def _night(parameters: dict[str, Any]) -> dict[str, Any]:
    import django

    django.setup()
    from recommender import leases, registry
    from recommender.models import Job, ModelVersion
    from recommender.training import batch, run

    lease = leases.acquire(Job.objects.create(kind=Job.Kind.NIGHTLY, parameters=parameters).pk)
    assert lease is not None
    with leases.held(lease):
        run.nightly(lease)
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
