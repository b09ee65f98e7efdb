"""Mixed traffic on an isolated system, with a night in its middle: lists, filtered lists, home pages, similar films,
explanations, charts, events, and edits of films and rules.

Each answer is checked against the events and edits that were acknowledged before it was asked for. The benchmark fails
where a call is not answered, where an answer is stale, or where no new model came with the night.

The night is a part of the traffic's minutes and may last as long as all of them; they become more only where it takes
longer than half of them.

answers, degraded  answers of status 200, and those of them that say that they are less than asked for
errors, stale      other answers, and answers that show what they may not
pss_mb             memory of each web process, shared pages by their share: after a warm-up, after the night, at the end
growth             the last over the one after the night, of the process that grew most
seconds            of the traffic; prepare_s: of loading the data and building the first model; all_s: of the run"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.benchmark_system import isolated_system
from benchmarks.report import print_report
from benchmarks.serving.client import Server
from benchmarks.serving.fixture import load_and_build
from benchmarks.soak.clients import Ledger, run_editor, run_viewers
from benchmarks.synthetic_data import write_synthetic_movielens

RATINGS, QUICK_RATINGS = 100_000, 30_000
MOVIES = 10_000  # of generated data: with 59,000 the night would take most of the time
MINUTES, QUICK_MINUTES = 5.0, 0.5
WARM_SHARE = 0.15  # of the time, after which memory is read first
NIGHT_SHARE = 0.25  # of the time, after which the night begins
CLIENTS = 8
EDITED_FILMS = 40  # the most watched
LOG_LINES = 80  # of the web processes, printed where calls failed
SETTINGS = {"MOVIEREC_RATE_READS": "100000000/min", "MOVIEREC_RATE_EVENTS": "100000000/min"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--minutes", type=float, help=f"of traffic, the night among them (default {MINUTES:g})")
    parser.add_argument("--preset", default="basic", help="the shape of the model")
    parser.add_argument("--quick", action="store_true", help="fewer viewers and half a minute")


def run(args: argparse.Namespace) -> None:
    """Drive the traffic and print the report. Raises SystemExit where something was wrong."""
    minutes, started = args.minutes or (QUICK_MINUTES if args.quick else MINUTES), time.monotonic()
    with isolated_system(**SETTINGS) as system:
        with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
            ratings = QUICK_RATINGS if args.quick else RATINGS
            data = args.data or write_synthetic_movielens(Path(folder) / "simulated", ratings, movies=MOVIES)
            fixture = load_and_build(data, 0, args.preset)
        system.serve()
        prepared = time.monotonic()
        server = Server("127.0.0.1", int(os.environ["PORT"]), fixture.key)
        movie_ids, counts = np.unique(fixture.histories.movie_ids, return_counts=True)
        popular = [str(movie) for movie in movie_ids[np.argsort(-counts)][:EDITED_FILMS].tolist()]
        result = _soak(server, system.web.pid, fixture.histories.viewers.tolist(), popular, 60 * minutes, args.preset)
        if result["errors"]:  # the log goes with the system
            log = (system.state / "logs" / "web.log").read_text(errors="replace").splitlines()
            print("\n".join(log[-LOG_LINES:]), flush=True)
    result |= {
        "bench": "soak",
        "preset": args.preset,
        "parameters": sum(parameter.numel() for parameter in fixture.ranker.model.parameters()),
        "movies": len(fixture.ranker.vocab),
        "prepare_s": round(prepared - started, 1),
        "all_s": round(time.monotonic() - started, 1),
    }
    print_report(
        f"{result['answers']:,} answers in {result['seconds']:.0f} s, {result['degraded']:,} of them degraded; "
        f"{result['events']:,} events, {result['edits']} edits; {result['errors']} errors, {result['stale']} stale",
        ["", "calls", "p50 ms", "p99 ms"],
        [[name, *figures.values()] for name, figures in result["calls"].items()],
        result,
    )
    if result["errors"] or result["stale"] or not result["night"]["activated"]:
        raise SystemExit(f"The soak failed: {result['examples'] or 'the night brought no new model'}")


def _soak(
    server: Server, web: int, viewers: list[int], films: list[str], seconds: float, preset: str
) -> dict[str, Any]:
    ledger, done, started = Ledger(), threading.Event(), time.monotonic()
    pss: dict[str, list[float]] = {}
    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        running = [
            threads.submit(run_viewers, server, ledger, number, viewers[number::CLIENTS], done)
            for number in range(CLIENTS)
        ]
        running.append(threads.submit(run_editor, server, ledger, films, done))
        try:
            time.sleep(WARM_SHARE * seconds)
            pss["warm"] = _pss(web)
            time.sleep((NIGHT_SHARE - WARM_SHARE) * seconds)
            night = _night(preset, seconds)
            time.sleep(WARM_SHARE * seconds / 2)  # so that both processes have served under the new model
            pss["after_night"] = _pss(web)
            time.sleep(max(WARM_SHARE * seconds, started + seconds - time.monotonic()))
            pss["end"] = _pss(web)
        finally:
            done.set()
        for one in running:
            one.result()
    calls = {
        name: {
            "calls": len(times),
            "p50_ms": round(float(np.median(times)), 1),
            "p99_ms": round(float(np.quantile(times, 0.99)), 1),
        }
        for name, times in sorted(ledger.milliseconds.items())
    }
    return {
        "seconds": round(time.monotonic() - started, 1),
        "answers": sum(figures["calls"] for figures in calls.values()) - ledger.counts["errors"],
        **{name: ledger.counts[name] for name in ("degraded", "errors", "stale", "events", "edits")},
        "examples": ledger.examples,
        "night": night,
        "pss_mb": pss,
        "growth": round(
            max(end / max(1, before) for before, end in zip(pss["after_night"], pss["end"], strict=True)), 3
        ),
        "calls": calls,
    }


def _pss(web: int) -> list[float]:
    return [round(memory.pss_mb(pid)) for pid in memory.worker_pids(web)]


def _night(preset: str, limit: float) -> dict[str, Any]:
    """Run the nightly job in a process of its own, as the training worker does, for `limit` seconds at most."""
    from recommender import registry
    from recommender.models import ModelVersion

    before, started = registry.active_name(), time.monotonic()
    command = [sys.executable, "manage.py", "nightly", "--preset", preset, "--epochs", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        night = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"The night did not end within {limit:.0f} s.") from None
    if night.returncode:
        raise SystemExit(f"The night failed:\n{night.stdout[-1500:]}{night.stderr[-1500:]}")
    passed = registry.active_name() != before
    if not passed:  # the traffic meets the change of model all the same
        registry.activate(ModelVersion.objects.latest("created_at").name, "the night of the soak")
    return {
        "seconds": round(time.monotonic() - started, 1),
        "passed_gate": passed,
        "activated": registry.active_name() != before,
    }
