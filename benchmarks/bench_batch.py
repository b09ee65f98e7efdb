"""Lists of 200 for every viewer, as the batch makes them, on servers of its own.

viewers_per_min       end to end: read from Postgres, encode, rank all films, leave out what was seen, store in Redis
bare_viewers_per_min  encode, score and take the best 200 of the same viewers in memory, with as many threads
ratio                 the first by the second
bytes_per_list        Redis' used_memory afterwards less that before, by list
peak_mb               most memory that the process of the batch ever held (resident)"""

import argparse
import time
from pathlib import Path
from typing import Any

from benchmarks.apart import apart
from benchmarks.report import print_report
from benchmarks.serving.stage import FIRST, prepare
from benchmarks.system import own_system
from recommender.ml.data import Events

RATINGS, QUICK_RATINGS = 1_500_000, 300_000
BLOCK = 256  # viewers ranked at a time without the system, as in the batch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings, not {RATINGS:,}")


def run(given: argparse.Namespace) -> None:
    with own_system():
        stage = prepare(given.data, QUICK_RATINGS if given.quick else RATINGS, given.preset)
        whole, bare = apart(_batch), apart(_bare)
    parameters = sum(parameter.numel() for parameter in stage.ranker.model.parameters())
    _report(whole, bare, given.preset, parameters, len(stage.ranker.vocab))


def _batch() -> dict[str, Any]:
    _django()
    from django.core.cache import caches

    from recommender import leases
    from recommender.models import Job
    from recommender.training import batch

    redis = caches["lists"].client.get_client()  # type: ignore[attr-defined]
    before = redis.info("memory")["used_memory"]
    lease = leases.acquire(Job.objects.create(kind=Job.Kind.BATCH).pk)
    assert lease is not None
    started = time.perf_counter()
    with leases.held(lease):
        batch.run(lease)
    seconds = time.perf_counter() - started
    viewers = lease.result["viewers"]
    used = redis.info("memory")["used_memory"] - before
    return {"viewers": viewers, "seconds": seconds, "bytes_per_list": used / max(viewers, 1)}


def _bare() -> dict[str, Any]:
    _django()
    from django.conf import settings

    from catalog import selectors
    from recommender import registry
    from recommender.ml.ranker import Ranker
    from recommender.viewing import barred, events_of, readable

    ranker = Ranker.load(registry.folder(FIRST))
    viewers, behind = [], 0
    while ids := selectors.viewer_ids(behind, BLOCK):
        found = [(events_of(one), barred(one).movie_ids) for one in selectors.histories(ids)]
        viewers += [one for one in found if readable(one[0], ranker)]
        behind = ids[-1]
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
