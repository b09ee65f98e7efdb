"""The log of served lists, and what is learnt from it; `--only` measures some of the parts.

By the clock, on a quiet machine:

log          lists of 20 films from a process's buffer through Redis into the table: how many a second, how large each
             is there with its indexes; outcomes tied to their lists, a second
read         GET /recommend of viewers whose lists are stored, without the log and with it; the web processes are
             started anew for each, in turns

Not by the clock, but for `replays_per_s`:

audience     viewers whose clicks are known drive the system over HTTP for simulated weeks, in an experiment: whether
             its interval has the true difference, and nothing is lost
replay       lists as clients got them, computed again after another model went live, events came and films were
             withdrawn: the same, explained, not computed, or different for no reason that is known
drawn        lists that were drawn, of simulated viewers: how often the true value of a candidate is inside its
             interval, and the better of two is named
experiments  of simulated viewers with a taste for clicking of their own: A/A looked at every day, and a true
             difference of 5 %

Times are of the client."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.benchmark_system import BenchmarkSystem, isolated_system
from benchmarks.report import print_report
from benchmarks.serving.client import LoadResult, Server, drive_load
from benchmarks.serving.fixture import ServingFixture, load_and_build
from benchmarks.serving.workload import LIST_LENGTH, Workload

RATINGS, QUICK_RATINGS = 1_000_000, 300_000
ROUNDS, QUICK_ROUNDS = 4, 2
REQUESTS, QUICK_REQUESTS = 3_000, 1_000  # of a turn
WRITTEN, QUICK_WRITTEN = 200_000, 50_000  # lists
AUDIENCE, QUICK_AUDIENCE = (21, 1_000), (4, 400)  # simulated days, viewers
REPLAYED, QUICK_REPLAYED = 10_000, 600
DRAWN, QUICK_DRAWN = 200, 10  # runs
EXPERIMENTS, QUICK_EXPERIMENTS = 1_000, 100
ON_SYSTEM = ("log", "read", "audience", "replay")  # parts that take a running system
PARTS = (*ON_SYSTEM, "drawn", "experiments")
CHUNK = 5_000  # lists that are sent together
NUM_READERS = 500
SHARE = "MOVIEREC_LIST_LOG_SHARE"
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings",
    "MOVIEREC_RATE_READS": "100000000/min",
    "MOVIEREC_LOG_BACKLOG": "1000000",
}


# What is printed of each figure, where it was measured.
LABELS = {
    "cached_p50_ms": "cached list without the log, p50 ms",
    "cached_log_p50_ms": "with it",
    "cached_log_over_plain": "over",
    "lists_logged_per_s": "lists written a second",
    "bytes_per_list_logged": f"bytes of a list of {LIST_LENGTH}",
    "outcomes_attributed_per_s": "outcomes attributed a second",
    "audience_days": "an audience over HTTP: days",
    "audience_lists": "its lists",
    "audience_outcomes": "its outcomes",
    "audience_outcomes_lost": "of these lost",
    "audience_true_difference": "true difference of the arms",
    "audience_difference": "measured",
    "audience_interval": "its interval",
    "replayed": "lists computed again",
    "replay_same": "of these the same",
    "replay_explained": "different, explained",
    "replay_recounted": "of the explained by what is popular: again with the counts of then",
    "replay_recounted_alike": "of these the same, but for films that went or came",
    "replay_not_computed": "not computed again",
    "replay_unexplained": "different, not explained",
    "aa_false_alarms": "A/A experiments, looked at daily: false alarms",
    "aa_false_alarms_fixed": "the same by the interval of one look",
    "power": "power at the planned size, looked at once",
    "sequential_over_fixed_days": "days to a verdict over days of one look",
    "counterfactual_inside_doubly_robust": "a candidate's true value inside its interval",
    "counterfactual_better_named": "the better of two candidates named",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help="some of the parts")
    parser.add_argument("--quick", action="store_true", help="fewer lists and repetitions; about a minute")


def run(args: argparse.Namespace) -> None:
    """Measure and print the report."""
    result: dict[str, Any] = {"bench": "loop", "preset": args.preset, "parameters": 0, "movies": 0, "parts": args.only}
    with isolated_system(**SETTINGS) as system:
        from benchmarks.experiments.audience import simulate  # Django is loaded by now
        from benchmarks.experiments.drawn_audience import simulate_drawn

        if set(args.only) & set(ON_SYSTEM):
            result |= _measure_on_system(system, args)
        if "drawn" in args.only:
            result |= simulate_drawn(QUICK_DRAWN if args.quick else DRAWN)
        if "experiments" in args.only:
            result |= simulate(QUICK_EXPERIMENTS if args.quick else EXPERIMENTS)
    rows = [[label, result[name]] for name, label in LABELS.items() if name in result]
    print_report("The log of served lists", ["", ""], rows, result)


def _measure_on_system(system: BenchmarkSystem, args: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts that take a running system with a model."""
    from benchmarks.experiments.living_audience import drive_experiment
    from benchmarks.experiments.replayed_lists import replay_lists

    fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset)
    result: dict[str, Any] = {
        "parameters": sum(p.numel() for p in fixture.ranker.model.parameters()),
        "movies": len(fixture.ranker.vocab),
    }
    if "log" in args.only:
        result |= _write(fixture, QUICK_WRITTEN if args.quick else WRITTEN)
    system.serve()
    if "read" in args.only:
        result |= _read(
            system, fixture, QUICK_ROUNDS if args.quick else ROUNDS, QUICK_REQUESTS if args.quick else REQUESTS
        )
    if "audience" in args.only:
        result |= drive_experiment(system, fixture, *(QUICK_AUDIENCE if args.quick else AUDIENCE))
    if "replay" in args.only:
        result |= replay_lists(system, fixture, QUICK_REPLAYED if args.quick else REPLAYED)
    return result


def _write(fixture: ServingFixture, number: int) -> dict[str, Any]:
    """Write lists, then an outcome of each fourth."""
    from django.db import connection
    from django.utils import timezone

    from recommender import record_log, served_lists
    from recommender.experiments import exposures
    from recommender.models import ServedList
    from recommender.outcomes import attribution, note_outcomes
    from recommender.registry import active_name
    from recommender.served_lists import storage
    from recommender.served_lists.entry import Films, ServedEntry

    rng = np.random.default_rng(1)
    viewers = fixture.histories.viewers
    model, movie_ids = active_name() or "", fixture.ranker.movie_ids
    shown = []
    started = time.perf_counter()
    for first in range(0, number, CHUNK):
        chunk = []
        for viewer in rng.choice(viewers, min(CHUNK, number - first)).tolist():
            list_id = served_lists.new_list_id()
            films = Films(
                movie_ids[rng.integers(len(movie_ids), size=LIST_LENGTH)],
                -np.sort(-rng.normal(10, 2, LIST_LENGTH)).astype(np.float32),
                None,
                (7, 1234, 56),
                None,
            )
            chunk.append(
                ServedEntry(
                    bytes.fromhex(list_id),
                    viewer,
                    int(ServedList.Surface.RECOMMEND),
                    int(ServedList.Source.CACHE),
                    2,
                    0,
                    model,
                    "",
                    b"{}",
                    films.pack(),
                )
            )
            shown.append((viewer, int(films.movie_ids[3]), list_id))
        record_log.add_records(record_log.SERVED_LISTS, [entry.pack() for entry in chunk])
        storage.store_served_lists(exposures.record)
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s)", [storage.TABLES[0]])
        size = int(cursor.fetchone()[0])
    clicked, now = shown[::4], timezone.now()
    note_outcomes((viewer, movie_id, "click", now, None, list_id) for viewer, movie_id, list_id in clicked)
    started = time.perf_counter()
    attribution.store_outcomes()
    return {
        "lists_logged_per_s": round(number / seconds),
        "bytes_per_list_logged": round(size / number),
        "outcomes_attributed_per_s": round(len(clicked) / (time.perf_counter() - started)),
    }


def _read(system: BenchmarkSystem, fixture: ServingFixture, rounds: int, requests: int) -> dict[str, Any]:
    """Read stored lists without the log and with it, in turns."""
    server = Server("127.0.0.1", int(os.environ["PORT"]), fixture.key)
    workload = Workload(server, fixture, NUM_READERS)
    loads: tuple[list[LoadResult], list[LoadResult]] = ([], [])
    for _ in range(rounds):
        for share, of_share in zip(("0", "1"), loads, strict=True):
            os.environ[SHARE] = share
            system.restart_web()
            drive_load(server, workload.next_requests("cached", 2 * NUM_READERS), 4)  # stored, and known to all
            load = drive_load(server, workload.next_requests("cached", requests), 1)
            if load.failed:
                raise SystemExit(f"{len(load.failed)} requests failed, the first of them: {load.failed[0]}")
            of_share.append(load)
    del os.environ[SHARE]
    plain, logged = (float(np.median([ms for load in of_share for ms in load.milliseconds])) for of_share in loads)
    return {
        "cached_p50_ms": round(plain, 3),
        "cached_log_p50_ms": round(logged, 3),
        "cached_log_over_plain": round(logged / plain, 3),
    }
