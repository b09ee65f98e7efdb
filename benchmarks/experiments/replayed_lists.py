"""Lists as clients got them, computed again after what a night does, an import, and edits of films."""

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.benchmark_system import BenchmarkSystem
from benchmarks.serving.client import Server, drive_load
from benchmarks.serving.fixture import NEXT_VERSION, ServingFixture
from benchmarks.serving.workload import Workload

SHARES = {"cached": 0.35, "cached_first": 0.35, "uncached": 0.1, "filtered": 0.1, "similar": 0.1}  # of the lists
ROUNDS = 4  # between which viewers send events
EDITED_SHARE, WITH_EVENTS_SHARE = 0.005, 0.1  # of the films, and of the viewers
IMPORTED = 40  # films
READERS = 500
RECOUNTED = 1_000  # lists at most, replayed once more with the counts of then


def replay_lists(system: BenchmarkSystem, fixture: ServingFixture, number: int) -> dict[str, Any]:
    """Have clients ask for so many lists, change what they are made of, and compute each again."""
    from django.utils import timezone

    from catalog import services
    from catalog.models import Movie
    from recommender import cache, process_state, registry, tasks
    from recommender.models import ServedList
    from recommender.served_lists.entry import first_id
    from recommender.serving.replay import Reason, Verdict, replay

    of_films = {Reason.FILM_GONE, Reason.FILM_ADDED}
    tasks.count_watches()
    counts_of_then = cache.read_watch_counts()
    since = timezone.now()
    system.restart_web()
    server = Server("127.0.0.1", int(os.environ["PORT"]), fixture.key)
    workload = Workload(server, fixture, READERS)
    for _ in range(ROUNDS):
        for name, share in SHARES.items():
            load = drive_load(server, workload.next_requests(name, round(number * share / ROUNDS)), 2)
            if load.failed:
                raise SystemExit(f"{len(load.failed)} requests failed, the first of them: {load.failed[0]}")
        drive_load(server, workload.next_requests("events", 100), 1)
    wait_until = time.monotonic() + 30  # web processes send their buffers every second
    while (stored := ServedList.objects.filter(pk__gte=first_id(since)).count()) < number * 0.99:
        tasks.store_served_lists()
        if time.monotonic() > wait_until:
            raise SystemExit(f"Only {stored} of {number} lists were stored.")
        time.sleep(1)

    registry.activate(NEXT_VERSION, "for the benchmark")
    tasks.count_watches()
    tasks.refresh_charts()
    _import_rows(fixture, workload.readers)
    rng = np.random.default_rng(3)
    edited = rng.choice(fixture.ranker.movie_ids, max(1, round(len(fixture.ranker.movie_ids) * EDITED_SHARE)), False)
    Movie.objects.filter(pk__in=edited.tolist()).update(published=False)
    services.bump_catalogue()

    verdicts: Counter[Verdict] = Counter()
    reasons: Counter[str] = Counter()
    recounted: list[ServedList] = []
    torch.set_num_threads(1)  # as manage.py replay does
    started, processor = time.perf_counter(), time.process_time()
    for served in ServedList.objects.filter(pk__gte=first_id(since)).order_by("pk").iterator(500):
        difference = replay(served).difference
        verdicts[difference.verdict] += 1
        of_list = {reason for reason, _ in difference.reasons}
        reasons.update(map(str, of_list))
        recounted += [served] * (Reason.COUNTS_MOVED in of_list)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    # A site does not keep the counts; put back, they show whether anything else hides behind them.
    assert counts_of_then is not None
    cache.store_watch_counts(counts_of_then)
    process_state.clear()
    recounted = recounted[:: len(recounted) // RECOUNTED + 1]
    again = [replay(served).difference for served in recounted]
    alike = sum(
        difference.verdict != Verdict.UNEXPLAINED and {reason for reason, _ in difference.reasons} <= of_films
        for difference in again
    )
    return {
        "replayed": verdicts.total(),
        "replay_same": verdicts[Verdict.SAME],
        "replay_explained": verdicts[Verdict.EXPLAINED],
        "replay_not_computed": verdicts[Verdict.NOT_COMPUTED],
        "replay_unexplained": verdicts[Verdict.UNEXPLAINED],
        "replay_reasons": dict(reasons.most_common()),
        "replay_recounted": len(recounted),
        "replay_recounted_alike": alike,
        "replays_per_s": round(verdicts.total() / seconds),
        "replay_processor_ms": round(1000 * processor / verdicts.total(), 1),
    }


def _import_rows(fixture: ServingFixture, readers: Sequence[int]) -> None:
    """Import new films, and events of before the lists for some of the viewers who read."""
    from django.core.management import call_command

    rng = np.random.default_rng(3)
    viewers = rng.choice(readers, round(len(readers) * WITH_EVENTS_SHARE), replace=False).tolist()
    films = rng.choice(fixture.ranker.movie_ids, len(viewers)).tolist()
    rows = {
        "movies": [
            {"movie_id": f"imported-{number}", "title": f"Imported {number}", "year": 2026, "genres": ["Drama"]}
            for number in range(IMPORTED)
        ],
        "events": [
            {"user_id": viewer_id, "movie_id": str(movie_id), "kind": "watch", "occurred_at": "2019-05-01T12:00:00Z"}
            for viewer_id, movie_id in zip(viewers, films, strict=True)
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        for kind, of_kind in rows.items():
            file = Path(folder) / f"{kind}.jsonl"
            file.write_text("\n".join(map(json.dumps, of_kind)))
            call_command("import_rows", kind, str(file), verbosity=0)
