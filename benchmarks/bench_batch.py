"""Fill lists of 200 for every viewer with the batch job, on an isolated system, in as many parallel processes as
`./run` has workers for it.

viewers_per_min       end to end: read from Postgres, encode, rank all films, exclude seen films, store in Redis
bare_viewers_per_min  encode, score and take the best 200 of the same viewers in memory, as many processes and threads
ratio                 the first over the second
bytes_per_list        growth of Redis' used_memory per list
peak_mb               maximum resident memory of the batch's processes, added up; shared pages count in each
ensemble_cost         processor time of encoding and ranking 256 viewers, over that of the same model without its
                      ensemble (in turn, medians, one thread)"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np

from benchmarks.benchmark_system import isolated_system
from benchmarks.processes.isolated_process import run_isolated, run_isolated_in_parallel
from benchmarks.report import print_report
from benchmarks.serving.fixture import ACTIVE_VERSION, load_and_build
from infrastructure.resources import available_resources
from movierec.local.services import LIGHT_CONCURRENCY
from recommender.ml.data import Events
from recommender.ml.ranker import Ranker

RATINGS, QUICK_RATINGS = 1_500_000, 300_000
COST_ROUNDS = 15  # of each of both models
BLOCK_SIZE = 256  # viewers that the bare measurement ranks at a time, as the batch does


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--ratings", type=int, metavar="N", help="generate so many, 154 for each viewer")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings, not {RATINGS:,}")


def run(args: argparse.Namespace) -> None:
    """Measure the batch and print the report."""
    with isolated_system():
        ratings = args.ratings or (QUICK_RATINGS if args.quick else RATINGS)
        fixture = load_and_build(args.data, ratings, args.preset)
        batch, bare = measure_batch()
        cost = run_isolated(_ensemble_cost)
    parameters = sum(parameter.numel() for parameter in fixture.ranker.model.parameters())
    _report(batch, bare, cost, args.preset, parameters, len(fixture.ranker.vocab))


def measure_batch() -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure the whole batch, and the model alone."""
    return fill_lists(), rank_alone()


def rank_alone() -> dict[str, Any]:
    """Measure the model alone, which encodes and ranks the same viewers in memory."""
    with multiprocessing.Manager() as manager:
        start = manager.Barrier(LIGHT_CONCURRENCY)
        shares = run_isolated_in_parallel([(_bare, (share, start)) for share in range(LIGHT_CONCURRENCY)])
    return {
        "viewers": sum(share_result["viewers"] for share_result in shares),
        "seconds": max(share_result["seconds"] for share_result in shares),
    }


def fill_lists() -> dict[str, Any]:
    """Fill lists for every viewer and return the measurements."""
    from recommender.models import Job  # after Django is set up for the system

    os.environ["OMP_NUM_THREADS"] = str(max(1, available_resources().cpus // LIGHT_CONCURRENCY))
    with multiprocessing.Manager() as manager:
        job, start = str(Job.objects.create(kind=Job.Kind.BATCH).pk), manager.Barrier(LIGHT_CONCURRENCY)
        batch, *helpers = run_isolated_in_parallel(
            [(_batch, (job, start)), *[(_help, (job, start))] * (LIGHT_CONCURRENCY - 1)]
        )
    batch["peak_mb"] += sum(helper["peak_mb"] for helper in helpers)
    return batch


def _batch(job_id: str, start: Barrier) -> dict[str, Any]:
    _django()
    from django.core.cache import caches

    from recommender.jobs import leases
    from recommender.training import batch

    start.wait()
    redis = caches["lists"].client.get_client()  # type: ignore[attr-defined]
    before = redis.info("memory")["used_memory"]
    lease = leases.claim(job_id)
    assert lease is not None
    started = time.perf_counter()
    with leases.running_lease(lease):
        batch.run(lease)
    seconds = time.perf_counter() - started
    viewers = lease.result["viewers"]
    used = redis.info("memory")["used_memory"] - before
    return {"viewers": viewers, "seconds": seconds, "bytes_per_list": used / max(viewers, 1)}


def _help(job_id: str, start: Barrier) -> dict[str, Any]:
    """Help with the batch as another worker does, until it has ended."""
    _django()
    from recommender.models import Job
    from recommender.training import batch

    job = Job.objects.filter(pk=job_id, status__in=(Job.Status.QUEUED, Job.Status.RUNNING))
    start.wait()
    while job.exists():
        if not batch.process_one_chunk(job_id):
            time.sleep(0.05)
    return {}


def _bare(share: int, start: Barrier) -> dict[str, Any]:
    """Rank one block in `LIGHT_CONCURRENCY` without the system."""
    _django()
    from recommender import registry

    ranker = Ranker.load(registry.folder(ACTIVE_VERSION))
    blocks = [block for number, block in enumerate(_blocks(ranker)) if number % LIGHT_CONCURRENCY == share]
    start.wait()
    started = time.perf_counter()
    for block in blocks:
        _encode_and_rank(ranker, block)
    return {"viewers": sum(map(len, blocks)), "seconds": time.perf_counter() - started}


def _ensemble_cost() -> dict[str, Any]:
    """Rank the same viewers with the ensemble and without it, in turn."""
    _django()
    import torch

    from recommender import registry

    torch.set_num_threads(1)
    ranker = Ranker.load(registry.folder(ACTIVE_VERSION))
    block = next(_blocks(ranker))
    seconds: dict[str, list[float]] = {"ensemble": [], "plain": []}
    for _ in range(COST_ROUNDS):
        for name, own in (("ensemble", ranker), ("plain", ranker.with_ensemble(None))):
            started = time.thread_time()
            _encode_and_rank(own, block)
            seconds[name].append(time.thread_time() - started)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def _blocks(ranker: Ranker) -> Iterator[list[tuple[Events, np.ndarray]]]:
    """Yield what the model reads of viewers and what they have seen, by the blocks of the batch."""
    from catalog import selectors
    from recommender.history import exclusions_from, has_known_movies, to_model_events

    after = 0
    while ids := selectors.viewer_ids(after, BLOCK_SIZE):
        after = ids[-1]
        inputs = [
            (to_model_events(history), exclusions_from(history).movie_ids) for history in selectors.histories(ids)
        ]
        yield [pair for pair in inputs if has_known_movies(pair[0], ranker)]


def _encode_and_rank(ranker: Ranker, block: Sequence[tuple[Events, np.ndarray]]) -> None:
    from django.conf import settings

    ranker.top(ranker.encode([events for events, _ in block]), settings.LIST_LENGTH, None, [seen for _, seen in block])


def _django() -> None:
    import django

    django.setup()


def _report(
    batch: dict[str, Any], bare: dict[str, Any], cost: dict[str, float], preset: str, parameters: int, movies: int
) -> None:
    rates = {
        name: 60 * measured["viewers"] / measured["seconds"] for name, measured in (("whole", batch), ("bare", bare))
    }
    result = {
        "bench": "batch",
        "preset": preset,
        "parameters": parameters,
        "movies": movies,
        "viewers": batch["viewers"],
        "viewers_per_min": round(rates["whole"]),
        "bare_viewers_per_min": round(rates["bare"]),
        "ratio": round(rates["whole"] / rates["bare"], 3),
        "bytes_per_list": round(batch["bytes_per_list"]),
        "peak_mb": round(batch["peak_mb"]),
        "ensemble_cost": round(cost["ensemble"] / cost["plain"], 3),
    }
    print_report(
        f"Lists of 200 out of {movies:,} films for {batch['viewers']:,} viewers: {result['bytes_per_list']} bytes each,"
        f" peak {result['peak_mb']} MB; the ensemble takes {result['ensemble_cost']} times as long as the model alone",
        ("", "seconds", "viewers a minute"),
        (("batch, end to end", batch["seconds"], rates["whole"]), ("bare", bare["seconds"], rates["bare"])),
        result,
    )
