"""Run the nightly job on an isolated system: read, train, evaluate, register, fill all lists, activate.

read_s, train_s, evaluate_s, batch_s  its parts, in seconds
peak_mb                               maximum resident memory of its process
reading                               read_s and peak_mb of a process that only reads all histories into training form;
                                      with --read no nightly job follows
export                                with --read: seconds to write all shards of histories, none, and those of 1 % of
                                      the viewers, spread over all; megabytes of the shards
mapped_throughput                     with --read: targets per second of processor time, trained on tokens that are
                                      mapped from the disk, over those of tokens in memory

With --warm a first job sees all but the newest 3 % of the events, and the measured job starts from its model:
first, scratch                        ndcg10, train_s and verdict of the first job, and of the second one from scratch,
                                      on the same held-out viewers as the warm start"""

import argparse
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.benchmark_system import isolated_system
from benchmarks.processes.isolated_process import run_isolated
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens

RATINGS, QUICK_RATINGS = 1_000_000, 150_000
COMPARED_ROUNDS, COMPARED_STEPS = 3, 8  # of the speed on tokens mapped and in memory
PARTS = ("read", "train", "evaluate", "batch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="what is trained")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the preset's; not for the warm start")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings and train one epoch")
    parser.add_argument("--warm", action="store_true", help="measure a warm start from the model of a first job")
    parser.add_argument("--read", action="store_true", help="measure the reading alone")


def run(args: argparse.Namespace) -> None:
    """Measure the nightly job and print the report."""
    parameters = {"preset": args.preset, "epochs": args.epochs or (1 if args.quick else None), "warm": False}
    with isolated_system():
        _load(args.data, QUICK_RATINGS if args.quick else RATINGS)
        reading = run_isolated(read_training_data)
        if args.read:
            return _report_reading(reading, run_isolated(measure_export), run_isolated(compare_mapped), args.preset)
        jobs = _run_jobs(parameters) if args.warm else {"single": run_isolated(_run_nightly, parameters)}
    result = jobs.pop("warm", None) or jobs.pop("single")
    summaries = {name: {key: job[key] for key in ("ndcg10", "train_s", "better")} for name, job in jobs.items()}
    result = {"bench": "nightly", "preset": args.preset} | result | {"peak_mb": round(result["peak_mb"])} | summaries
    result["reading"] = {"read_s": round(reading["read_s"], 1), "peak_mb": round(reading["peak_mb"])}
    table_rows = [(part, result[f"{part}_s"], result["ndcg10"] if part == "train" else "") for part in PARTS]
    table_rows += [(f"train, {name} job", job["train_s"], job["ndcg10"]) for name, job in summaries.items()]
    print_report(
        f"Nightly job with {result['events']:,} events of {result['viewers']:,} viewers on {result['movies']:,} films: "
        f"peak {result['peak_mb']} MB",
        ("", "seconds", "NDCG@10"),
        table_rows,
        result,
    )


def _report_reading(reading: dict[str, Any], export: dict[str, Any], compared: dict[str, Any], preset: str) -> None:
    result = {"bench": "nightly", "preset": preset, "parameters": 0} | reading  # no model takes part
    result |= {"read_s": round(reading["read_s"], 1), "peak_mb": round(reading["peak_mb"])}
    print_report(
        f"{result['events']:,} events of {result['viewers']:,} viewers read: peak {result['peak_mb']} MB",
        ("", "seconds", "events a second"),
        [
            ("out of Postgres into training form", reading["read_s"], result["events"] / reading["read_s"]),
            ("shards of all viewers", export["all_s"], result["events"] / export["all_s"]),
            ("shards where nobody changed", export["unchanged_s"], ""),
            (f"shards where {export['changed']:,} viewers changed", export["changed_s"], ""),
        ],
        result | {"export": export} | {"mapped_throughput": compared["mapped_throughput"]},
    )


def _run_jobs(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Run a job without the newest 3 % of the events, then one with all events as a warm start and one from scratch."""
    _query(
        """CREATE TABLE held_back AS SELECT * FROM catalog_watchevent WHERE occurred_at >
             (SELECT percentile_disc(0.97) WITHIN GROUP (ORDER BY occurred_at) FROM catalog_watchevent)""",
        "DELETE FROM catalog_watchevent WHERE id IN (SELECT id FROM held_back)",
    )
    first = run_isolated(_run_nightly, parameters)
    _query("INSERT INTO catalog_watchevent SELECT * FROM held_back", "DROP TABLE held_back")
    warm = run_isolated(_run_nightly, {"preset": parameters["preset"], "warm": True})
    return {"first": first, "warm": warm, "scratch": run_isolated(_run_nightly, parameters)}


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
    """Read all histories into training form and return the measurements."""
    import django

    django.setup()
    from recommender.training.snapshot import take_snapshot

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = take_snapshot(Path(folder))
        tokens = snapshot.tokens()
    seconds = time.perf_counter() - started
    counts = snapshot.counts
    sizes = {"movies": counts["films"], "viewers": counts["viewers"], "events": counts["events"]}
    return sizes | {"tokens": len(tokens.items), "read_s": seconds}


def measure_export() -> dict[str, Any]:
    """Write the shards of all viewers, of none and of 1 % of them, and return the measurements."""
    import django

    django.setup()
    from django.db.models import F

    from catalog.models import Viewer
    from recommender.shards.export import update_shards

    seconds = {}
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as name:
        folder = Path(name)
        changed = 0
        for step in ("all_s", "unchanged_s", "changed_s"):
            if step == "changed_s":
                numbers = list(Viewer.objects.order_by("pk").values_list("pk", flat=True))[::100]
                changed = Viewer.objects.filter(pk__in=numbers).update(version=F("version") + 1)
            started = time.perf_counter()
            update_shards(folder)
            seconds[step] = round(time.perf_counter() - started, 2)
        size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    return seconds | {"changed": changed, "shards_mb": round(size / 1e6, 1)}


def compare_mapped() -> dict[str, Any]:
    """Train the first steps on tokens that are mapped and on the same in memory, by turns, and compare the speed."""
    import django

    django.setup()
    import torch

    from recommender.ml.config import fit_to_size, get_preset
    from recommender.ml.data import Tokens
    from recommender.ml.features import build_features
    from recommender.ml.model import TransformerRecModel
    from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted
    from recommender.training.snapshot import take_snapshot

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = take_snapshot(Path(folder))
        mapped = snapshot.tokens()
    tokens = {"mapped": mapped, "memory": Tokens(*map(np.array, mapped))}
    preset, features = (
        fit_to_size(get_preset("default"), snapshot.counts["events"]),
        build_features(snapshot.movie_features),
    )
    targets, seconds = dict.fromkeys(tokens, 0), dict.fromkeys(tokens, 0.0)
    for number in range(COMPARED_ROUNDS + 1):
        for name, own in tokens.items():
            torch.manual_seed(1)
            model = TransformerRecModel(len(snapshot.movie_ids), preset.model, features)
            done: list[int] = []

            def on_step(step: Step, done: list[int] = done) -> bool:
                done.append(step.targets)
                return len(done) < COMPARED_STEPS

            trainer = Trainer(model, own, own.indptr[1:], preset, device=torch.device("cpu"))
            started = time.process_time()
            with suppress(TrainingInterrupted):
                trainer.run(TrainingHooks(on_step))
            if number:  # the first round warms torch up
                seconds[name] += time.process_time() - started
                targets[name] += sum(done)
    speed = {name: targets[name] / seconds[name] for name in tokens}
    return {"mapped_throughput": round(speed["mapped"] / speed["memory"], 3)}


def _run_nightly(parameters: dict[str, Any]) -> dict[str, Any]:
    """Run one nightly job and return its measurements."""
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
        if registry.active_name() is None:  # random data: the gate refused the model, whose lists cost as much
            registry.activate(version.name, "for the benchmark")
            batch.fill_all(version.name, lease)
    seconds, counts = version.metrics["seconds"], version.metrics["data"]
    result = {"parameters": version.parameters, "movies": version.movies, "viewers": lease.result["viewers"]}
    result |= {"events": counts["events"], "version": version.name, "better": lease.result["better"]}
    durations = {f"{part}_s": seconds[part] for part in PARTS[:3]} | {"batch_s": lease.result["list_seconds"]}
    return result | durations | {"ndcg10": version.metrics["ndcg10"]}
