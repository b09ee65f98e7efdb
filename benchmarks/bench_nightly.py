"""Run the nightly job on an isolated system: read, train, evaluate, register, fill all lists, activate.

read_s, train_s, evaluate_s, batch_s  its parts, in seconds
peak_mb                               maximum resident memory of its process, pages of mapped files included
own_mb                                the same without these pages: what the system cannot take back
phases                                both by part of the job

With --read no nightly job runs:
read_s, peak_mb                       of a process that only reads all histories into training form
export                                seconds to write all shards of histories, none, and those of 1 % of
                                      the viewers, spread over all; megabytes of the shards
mapped_throughput                     targets per second, trained on tokens that are mapped from the disk, over those of
                                      the same steps on tokens in memory: the median of rounds, one after the other;
mapped_throughput_cpu                 the same by processor time, for a machine that others use

--steps cuts each epoch to so many steps: the memory does not depend on how many there are. With --shards the events are
simulated and lie in shards alone, not in Postgres: what a night takes whose export finds almost nobody changed.

With --warm a first job sees all but the newest 3 % of the events, and the measured job starts from its model:
first, scratch                        ndcg10, train_s and verdict of the first job, and of the second one from scratch,
                                      on the same held-out viewers as the warm start"""

import argparse
import json
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.benchmark_system import isolated_system
from benchmarks.processes.isolated_process import run_isolated
from benchmarks.processes.phase_memory import PhaseMemory
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens
from benchmarks.training.night_plot import draw_nights
from benchmarks.training.simulated_shards import write_simulated_shards

if TYPE_CHECKING:
    from recommender.ml.config import Preset
    from recommender.ml.data import Tokens
    from recommender.ml.features import Features

RATINGS, QUICK_RATINGS = 1_000_000, 150_000
COMPARED_ROUNDS, COMPARED_STEPS = 7, 8  # of the speed on tokens mapped and in memory
PARTS = ("read", "train", "evaluate", "batch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="what is trained")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the preset's; not for the warm start")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings and train one epoch")
    parser.add_argument("--warm", action="store_true", help="measure a warm start from the model of a first job")
    parser.add_argument("--steps", type=int, metavar="N", help="train only so many steps of each epoch")
    parser.add_argument(
        "--shards", type=int, nargs="+", metavar="EVENTS", help="nights of so many simulated events in shards; no lists"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="with --shards: keep the measurements in this file")
    parser.add_argument("--read", action="store_true", help="measure the reading alone")


def run(args: argparse.Namespace) -> None:
    """Measure the nightly job and print the report."""
    parameters: dict[str, Any] = {"preset": args.preset, "warm": False}
    parameters |= {"epochs": args.epochs or (1 if args.quick else None)}
    parameters |= {"changes": {"max_steps": args.steps}} if args.steps else {}
    if args.shards:
        _report_nights(args, parameters | {"lists": False})
        return
    with isolated_system():
        _load(args.data, QUICK_RATINGS if args.quick else RATINGS)
        if args.read:
            reading, export, compared = map(run_isolated, (read_training_data, measure_export, compare_mapped))
            return _report_reading(reading, export, compared, args.preset)
        jobs = _run_jobs(parameters) if args.warm else {"single": run_isolated(_run_nightly, parameters)}
    result = jobs.pop("warm", None) or jobs.pop("single")
    summaries = {name: {key: job[key] for key in ("ndcg10", "train_s", "better")} for name, job in jobs.items()}
    result = {"bench": "nightly", "preset": args.preset} | result | summaries
    table_rows = [(part, result[f"{part}_s"], result["ndcg10"] if part == "train" else "", "", "") for part in PARTS]
    table_rows += [(f"train, {name} job", job["train_s"], job["ndcg10"], "", "") for name, job in summaries.items()]
    phase_rows = [(name, "", "", peaks["peak_mb"], peaks["own_mb"]) for name, peaks in result["phases"].items()]
    print_report(
        f"Nightly job with {result['events']:,} events of {result['viewers']:,} viewers on {result['movies']:,} films: "
        f"peak {result['peak_mb']} MB",
        ("", "seconds", "NDCG@10", "peak MB", "own MB"),
        [*table_rows, *phase_rows],
        result,
    )


def _report_nights(args: argparse.Namespace, parameters: dict[str, Any]) -> None:
    """Measure a night of each size that the result does not have yet."""
    kept = json.loads(args.result.read_text())["nights"] if args.result and args.result.exists() else []
    for events in args.shards:
        if events not in [night["shards"] for night in kept]:
            kept.append({"shards": events} | run_isolated(_night_out_of_shards, args.data, events, parameters))
        kept.sort(key=lambda night: int(night["events"]))
        result = {"bench": "nightly", "preset": args.preset} | kept[-1] | {"nights": kept}
        if args.result:
            args.result.write_text(json.dumps(result, indent=1) + "\n")
            draw_nights(kept, args.result.with_suffix(".svg"))
    phases = list(dict.fromkeys(phase for night in kept for phase in night["phases"]))
    rows: list[list[object]] = [["whole", *(night["peak_mb"] for night in kept)]]
    rows += [[phase, *(night["phases"].get(phase, {"peak_mb": ""})["peak_mb"] for night in kept)] for phase in phases]
    rows += [["whole, own memory", *(night["own_mb"] for night in kept)]]
    print_report("Peak of a night in MB, by events", ["", *(f"{night['events']:,}" for night in kept)], rows, result)


def _night_out_of_shards(data: Path | None, events: int, parameters: dict[str, Any]) -> dict[str, Any]:
    with isolated_system():
        _load(data, QUICK_RATINGS)
        write_simulated_shards(events)
        return run_isolated(_run_nightly, parameters)


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
        result | {"export": export} | {name: value for name, value in compared.items() if name != "peak_mb"},
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
    """Train the same steps on tokens that are mapped and on the same in memory, by turns, and compare the speed."""
    import django

    django.setup()
    from recommender.ml.config import fit_to_size, get_preset
    from recommender.ml.data import Tokens
    from recommender.ml.features import build_features
    from recommender.training.snapshot import take_snapshot

    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        snapshot = take_snapshot(Path(folder))
        mapped = snapshot.tokens()
    tokens = {"mapped": mapped, "memory": Tokens(*map(np.array, mapped))}
    preset = fit_to_size(get_preset("default"), snapshot.counts["events"])
    features, num_films = build_features(snapshot.movie_features), len(snapshot.movie_ids)
    ratios: dict[str, list[float]] = {"mapped_throughput": [], "mapped_throughput_cpu": []}
    for number in range(COMPARED_ROUNDS + 1):
        names = list(tokens) if number % 2 == 0 else list(reversed(tokens))
        seconds = {name: _seconds_of_steps(tokens[name], num_films, preset, features) for name in names}
        if number:  # the first round warms torch and the disk's cache up
            for ratio, in_memory, mapped_ones in zip(
                ratios.values(), seconds["memory"], seconds["mapped"], strict=True
            ):
                ratio.append(in_memory / mapped_ones)
    return {name: round(statistics.median(values), 3) for name, values in ratios.items()} | {"rounds": ratios}


def _seconds_of_steps(tokens: "Tokens", num_films: int, preset: "Preset", features: "Features") -> tuple[float, float]:
    """Train a new model; return the seconds that the steps behind the first took, and their processor time."""
    import torch

    from recommender.ml.model import TransformerRecModel
    from recommender.ml.train import Step, Trainer, TrainingHooks, TrainingInterrupted

    torch.manual_seed(1)
    marks: list[tuple[float, float]] = []

    def on_step(step: Step) -> bool:
        marks.append((time.perf_counter(), time.process_time()))
        return len(marks) <= COMPARED_STEPS

    model = TransformerRecModel(num_films, preset.model, features)
    with suppress(TrainingInterrupted):
        Trainer(model, tokens, tokens.indptr[1:], preset, device=torch.device("cpu")).run(TrainingHooks(on_step))
    return marks[-1][0] - marks[0][0], marks[-1][1] - marks[0][1]


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
    with PhaseMemory() as memory, leases.running_lease(lease):
        nightly.run(lease)
        version = ModelVersion.objects.get(name=lease.result["version"])
        makes_lists = parameters.get("lists", True)
        if makes_lists and registry.active_name() is None:  # random data: the gate refused it, its lists cost as much
            registry.activate(version.name, "for the benchmark")
            batch.fill_all(version.name, lease)
    seconds, counts = version.metrics["seconds"], version.metrics["data"]
    result = {"parameters": version.parameters, "movies": version.movies, "viewers": counts["viewers"]}
    result |= {"events": counts["events"], "version": version.name, "better": lease.result["better"]}
    durations = {f"{part}_s": seconds[part] for part in PARTS[:3]} | {"batch_s": lease.result.get("list_seconds", 0.0)}
    return result | durations | {"ndcg10": version.metrics["ndcg10"], "phases": memory.peaks} | memory.peak()
