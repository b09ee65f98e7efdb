"""The log of served lists: what it costs a request, how fast it is written, how large it is.

cached, without and with the log   GET /recommend of viewers whose lists are stored; the web processes are started anew
                                   for each, in turns
written                            lists of 20 films from a process's buffer through Redis into the table
bytes                              of the table with its indexes, for each of these lists
attributed                         outcomes tied to their lists, a second
audience                           viewers whose clicks are known drive the system over HTTP for simulated weeks, in
                                   an experiment: whether its interval has the true difference, and nothing is lost
replayed                           lists as clients got them, computed again after another model went live, events came
                                   and films were withdrawn: the same, explained, not computed, or different for no
                                   reason that is known
drawn lists                        of simulated viewers: how often the true value of a candidate is inside its interval,
                                   and the better of two is named
experiments                        of simulated viewers with a taste for clicking of their own: A/A looked at every day,
                                   and a true difference of 5 %

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
CHUNK = 5_000  # lists that are sent together
NUM_READERS = 500
SHARE = "MOVIEREC_LIST_LOG_SHARE"
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings",
    "MOVIEREC_RATE_READS": "100000000/min",
    "MOVIEREC_LOG_BACKLOG": "1000000",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--quick", action="store_true", help="fewer lists and repetitions; about a minute")


def run(args: argparse.Namespace) -> None:
    """Measure and print the report."""
    with isolated_system(**SETTINGS) as system:
        from benchmarks.experiments.audience import simulate  # Django is loaded by now
        from benchmarks.experiments.drawn_audience import simulate_drawn
        from benchmarks.experiments.living_audience import drive_experiment
        from benchmarks.experiments.replayed_lists import replay_lists

        fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset)
        lists_per_s, bytes_per_list, outcomes_per_s = _write(fixture, QUICK_WRITTEN if args.quick else WRITTEN)
        system.serve()
        plain, logged = _read(
            system, fixture, QUICK_ROUNDS if args.quick else ROUNDS, QUICK_REQUESTS if args.quick else REQUESTS
        )
        lived = drive_experiment(system, fixture, *(QUICK_AUDIENCE if args.quick else AUDIENCE))
        replayed = replay_lists(system, fixture, QUICK_REPLAYED if args.quick else REPLAYED)
    p50 = {
        name: float(np.median([ms for load in loads for ms in load.milliseconds]))
        for name, loads in (("plain", plain), ("logged", logged))
    }
    result = {
        "bench": "loop",
        "preset": args.preset,
        "parameters": sum(p.numel() for p in fixture.ranker.model.parameters()),
        "movies": len(fixture.ranker.vocab),
        "cached_p50_ms": round(p50["plain"], 3),
        "cached_log_p50_ms": round(p50["logged"], 3),
        "cached_log_over_plain": round(p50["logged"] / p50["plain"], 3),
        "lists_logged_per_s": round(lists_per_s),
        "bytes_per_list_logged": round(bytes_per_list),
        "outcomes_attributed_per_s": round(outcomes_per_s),
        **lived,
        **replayed,
        **simulate(100 if args.quick else 1_000),
        **simulate_drawn(10 if args.quick else 200),
    }
    rows = [
        ["cached list without the log, p50 ms", round(p50["plain"], 3)],
        ["with it", round(p50["logged"], 3)],
        ["over", result["cached_log_over_plain"]],
        ["lists written a second", result["lists_logged_per_s"]],
        [f"bytes of a list of {LIST_LENGTH}", result["bytes_per_list_logged"]],
        ["outcomes attributed a second", result["outcomes_attributed_per_s"]],
        [f"an audience of {result['audience_days']} days over HTTP: lists", result["audience_lists"]],
        ["its outcomes, and those lost", f"{result['audience_outcomes']}, {result['audience_outcomes_lost']}"],
        ["true difference of the arms, and measured", _difference(result)],
        ["lists computed again", result["replayed"]],
        ["of these the same", result["replay_same"]],
        ["different, explained", result["replay_explained"]],
        ["not computed again", result["replay_not_computed"]],
        ["different, not explained", result["replay_unexplained"]],
        ["A/A experiments, looked at daily: false alarms", result["aa_false_alarms"]],
        ["the same by the interval of one look", result["aa_false_alarms_fixed"]],
        ["power at the planned size, looked at once", result["power"]],
        ["a candidate's true value inside its interval", result["counterfactual_inside_doubly_robust"]],
        ["the better of two candidates named", result["counterfactual_better_named"]],
        ["days to a verdict over days of one look", result["sequential_over_fixed_days"]],
    ]
    print_report("The log of served lists", ["", ""], rows, result)


def _difference(result: dict[str, Any]) -> str:
    low, high = result["audience_interval"]
    return (
        f"{result['audience_true_difference']:+.4f}, {result['audience_difference']:+.4f} ({low:+.4f} to {high:+.4f})"
    )


def _write(fixture: ServingFixture, number: int) -> tuple[float, float, float]:
    """Write lists, then an outcome of each fourth. Returns lists a second, bytes a list and outcomes a second."""
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
    return number / seconds, size / number, len(clicked) / (time.perf_counter() - started)


def _read(
    system: BenchmarkSystem, fixture: ServingFixture, rounds: int, requests: int
) -> tuple[list[LoadResult], list[LoadResult]]:
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
    return loads
