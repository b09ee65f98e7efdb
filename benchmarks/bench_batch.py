"""Lists of 200 for every viewer, as the batch makes them, on servers of its own, in as many processes side by side as
`./run` has workers for it.

viewers_per_min       end to end: read from Postgres, encode, rank all films, leave out what was seen, store in Redis
bare_viewers_per_min  encode, score and take the best 200 of the same viewers in memory, as many processes and threads
ratio                 the first by the second
bytes_per_list        Redis' used_memory afterwards less that before, by list
peak_mb               most memory that each process of the batch ever held (resident), added up: the pages of libraries,
                      which they share, count in each"""

import argparse
import multiprocessing
import os
import time
from pathlib import Path
from threading import Barrier
from typing import Any

from benchmarks.benchmark_system import isolated_system
from benchmarks.isolated_process import run_isolated_in_parallel
from benchmarks.report import print_report
from benchmarks.serving.fixture import ACTIVE_VERSION, load_and_build
from infrastructure.resources import available_resources
from movierec.local.services import LIGHT_CONCURRENCY
from recommender.ml.data import Events

RATINGS, QUICK_RATINGS = 1_500_000, 300_000
BLOCK = 256  # viewers ranked at a time without the system, as in the batch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings, not {RATINGS:,}")


def run(given: argparse.Namespace) -> None:
    with isolated_system():
        stage = load_and_build(given.data, QUICK_RATINGS if given.quick else RATINGS, given.preset)
        whole, bare = measure_batch()
    parameters = sum(parameter.numel() for parameter in stage.ranker.model.parameters())
    _report(whole, bare, given.preset, parameters, len(stage.ranker.vocab))


def measure_batch() -> tuple[dict[str, Any], dict[str, Any]]:
    """What the whole batch took, and what its model alone takes."""
    whole = fill_lists()
    with multiprocessing.Manager() as manager:
        start = manager.Barrier(LIGHT_CONCURRENCY)
        shares = run_isolated_in_parallel([(_bare, (share, start)) for share in range(LIGHT_CONCURRENCY)])
    return whole, {
        "viewers": sum(one["viewers"] for one in shares),
        "seconds": max(one["seconds"] for one in shares),
    }


def fill_lists() -> dict[str, Any]:
    """Lists for every viewer, and what they took."""
    os.environ["OMP_NUM_THREADS"] = str(max(1, available_resources().cpus // LIGHT_CONCURRENCY))
    with multiprocessing.Manager() as manager:
        job, start = _job(), manager.Barrier(LIGHT_CONCURRENCY)
        whole, *others = run_isolated_in_parallel(
            [(_batch, (job, start)), *[(_help, (job, start))] * (LIGHT_CONCURRENCY - 1)]
        )
    whole["peak_mb"] += sum(one["peak_mb"] for one in others)
    return whole


def _job() -> str:
    from recommender.models import Job

    return str(Job.objects.create(kind=Job.Kind.BATCH).pk)


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
    """What another worker's tasks do, until the batch has ended."""
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
    """One block in `AT_ONCE` is this process's."""
    _django()
    from django.conf import settings

    from catalog import selectors
    from recommender import registry
    from recommender.history import exclusions_from, has_known_movies, to_model_events
    from recommender.ml.ranker import Ranker

    ranker = Ranker.load(registry.folder(ACTIVE_VERSION))
    viewers, behind, turn = [], 0, 0
    while ids := selectors.viewer_ids(behind, BLOCK):
        behind, turn = ids[-1], turn + 1
        if turn % LIGHT_CONCURRENCY != share:
            continue
        found = [(to_model_events(one), exclusions_from(one).movie_ids) for one in selectors.histories(ids)]
        viewers += [one for one in found if has_known_movies(one[0], ranker)]
    start.wait()
    started = time.perf_counter()
    for first in range(0, len(viewers), BLOCK):
        block = viewers[first : first + BLOCK]
        histories: list[Events] = [events for events, _ in block]
        ranker.top(ranker.encode(histories), settings.LIST_LENGTH, None, [seen for _, seen in block])
    return {"viewers": len(viewers), "seconds": time.perf_counter() - started}


def _django() -> None:
    import django

    django.setup()


def _report(whole: dict[str, Any], bare: dict[str, Any], shape: str, parameters: int, movies: int) -> None:
    rates = {name: 60 * of["viewers"] / of["seconds"] for name, of in (("whole", whole), ("bare", bare))}
    result = {
        "bench": "batch",
        "preset": shape,
        "parameters": parameters,
        "movies": movies,
        "viewers": whole["viewers"],
        "viewers_per_min": round(rates["whole"]),
        "bare_viewers_per_min": round(rates["bare"]),
        "ratio": round(rates["whole"] / rates["bare"], 3),
        "bytes_per_list": round(whole["bytes_per_list"]),
        "peak_mb": round(whole["peak_mb"]),
    }
    print_report(
        f"Lists of 200 out of {movies:,} films for {whole['viewers']:,} viewers: {result['bytes_per_list']} bytes each,"
        f" peak {result['peak_mb']} MB",
        ("", "seconds", "viewers a minute"),
        (("batch, end to end", whole["seconds"], rates["whole"]), ("bare", bare["seconds"], rates["bare"])),
        result,
    )
