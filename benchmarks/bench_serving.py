"""The API of an isolated system, driven over HTTP from a second process with keep-alive connections.

floor      an empty view behind the same middleware, key check and throttle
cached     GET /recommend of viewers whose lists are stored, and who ask for them again and again
cached_first   the same, each with a query that was not sent before
cached_key the same of viewers whose keys are texts
uncached   POST /recommend with a history of 200 films, of which the model reads its newest
filtered   POST /recommend/filtered with the same histories, by genres and year
explained  uncached with explanations
similar, events   POST /similar, POST /events, one film or viewer each
similar_kept   GET /similar/{id} of films that are asked for again and again
home       GET /home of viewers whose pages are stored, likewise
home_computed   the same of pages that are made anew, of viewers whose lists are stored
batch      POST /batch/recommend, 1,000 viewers with 150 films each
bare       encode, score and take the best 20 for the same histories, in the second process without a server
encode     the encoding alone, and per viewer where 60 are encoded together

overload   uncached over more connections than may run and queue: the rest gets an older list or popular films at once
stampede   the same over more connections; a 503, where there is one, is tried again at once
home_stampede   the same with home over 24 connections

seconds    of the whole run, and of loading the data and building the models before it
*_avx2     with `--instructions`: the ratios in processes that use no AVX-512 and no bf16

`--soak SECONDS` drives all calls over 16 connections for that time, and compares every list computed under load with
the list of the same request alone.

The calls take turns, in many short rounds. A ratio is the median of those of the rounds. Times are of the client: from
the request's first byte to the response's last."""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.benchmark_system import BenchmarkSystem, isolated_system
from benchmarks.report import print_report
from benchmarks.serving.bare import measure_bare
from benchmarks.serving.client import QUERY_COUNT_HEADER, Connection, LoadResult, Server, drive_load, with_query_count
from benchmarks.serving.fixture import (
    ACTIVE_VERSION,
    NEXT_VERSION,
    ServingFixture,
    load_and_build,
    store_keyed_viewers,
)
from benchmarks.serving.instructions import AVX2_ALONE
from benchmarks.serving.workload import Workload

RATINGS, QUICK_RATINGS = 1_000_000, 300_000
# Many short rounds: what slows the machine for a second slows few of them, and all calls of one alike.
ROUNDS, QUICK_ROUNDS = 25, 11
REQUESTS_PER_ROUND = {"floor": 60, "cached": 60, "cached_key": 60, "uncached": 20, "filtered": 20, "explained": 6}
REQUESTS_PER_ROUND |= {
    "cached_first": 60,
    "similar": 20,
    "similar_kept": 20,
    "home": 60,
    "home_computed": 20,
    "events": 20,
}
RATIOS = {  # name -> the call whose time is divided by that of another, and the other
    "cached_over_floor": ("cached", "floor"),
    "cached_first_over_floor": ("cached_first", "floor"),
    "similar_over_floor": ("similar", "floor"),
    "similar_kept_over_floor": ("similar_kept", "floor"),
    "home_over_floor": ("home", "floor"),
    "home_computed_over_floor": ("home_computed", "floor"),
    "event_over_floor": ("events", "floor"),
    "explained_over_uncached": ("explained", "uncached"),
    "uncached_over_bare": ("uncached", "bare"),
    "filtered_over_uncached": ("filtered", "uncached"),
}
BARE_HISTORIES = 60  # of a round
NUM_READERS = 500  # viewers whose stored lists are read
CONNECTIONS = (1, 16)
WARM_UP_CONNECTIONS = 16
OVERLOAD = {64: 600, 128: 900}  # connections -> requests
STAMPEDE = (128, 1500)  # connections, requests
HOME_STAMPEDE = (24, 1800)
SCORE_TOLERANCE = 1e-4  # the API rounds scores
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings",
    "MOVIEREC_RATE_READS": "100000000/min",
    "MOVIEREC_RATE_EVENTS": "100000000/min",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS", help="then drive full load for that time")
    parser.add_argument("--quick", action="store_true", help="fewer viewers and repetitions; about a minute")
    parser.add_argument("--instructions", action="store_true", help="then the ratios again without AVX-512 and bf16")


def run(args: argparse.Namespace) -> None:
    """Measure every call and print the report."""
    started, rounds = time.monotonic(), QUICK_ROUNDS if args.quick else ROUNDS
    with isolated_system(**SETTINGS) as system:
        fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset)
        keys = store_keyed_viewers(fixture.histories.viewers[:NUM_READERS].tolist())
        workload = Workload(Server("127.0.0.1", int(os.environ["PORT"]), fixture.key), fixture, NUM_READERS, keys)
        prepared = time.monotonic()
        system.serve()
        with _client_process() as pool:
            measurements = _Measurer(system, workload, pool).measure(rounds, args.soak)
        without = None
        if args.instructions:
            os.environ |= AVX2_ALONE  # for the web processes, and for the one that ranks alone
            system.restart_web()
            with _client_process() as pool:
                without = _Measurer(system, workload, pool).measure_ratios(rounds)
    seconds = {"prepare": round(prepared - started), "all": round(time.monotonic() - started)}
    _report(measurements, without, fixture, args.preset, seconds)


def _client_process() -> ProcessPoolExecutor:
    """Return a process that drives the calls. It begins with the environment as it is now."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@dataclass
class _Measurements:
    """Everything that the report needs."""

    loads: dict[tuple[str, int], list[LoadResult]] = field(default_factory=dict)  # by call and connections
    bare_ms: list[list[float]] = field(default_factory=list)  # of each round
    encode_ms: list[float] = field(default_factory=list)  # one viewer alone
    encode_in_batch_ms: list[float] = field(default_factory=list)  # one viewer of those that are encoded together
    queries: dict[str, int] = field(default_factory=dict)
    batch_s: float = 0.0
    overload: dict[int, LoadResult] = field(default_factory=dict)  # by connections
    stampede: LoadResult = field(default_factory=lambda: LoadResult(0.0))
    home_stampede: LoadResult = field(default_factory=lambda: LoadResult(0.0))
    soak: dict[str, Any] = field(default_factory=dict)
    swap: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def milliseconds(self, name: str, connections: int, quantile: float) -> float:
        """Return a quantile of the response times of a call."""
        return float(np.quantile([ms for load in self.loads[name, connections] for ms in load.milliseconds], quantile))

    def p50(self) -> dict[str, float]:
        """Return the median times of the calls over one connection, and of `bare`."""
        calls = [name for name, connections in self.loads if connections == 1]
        bare = float(np.median(np.concatenate(self.bare_ms)))
        return {"bare": bare} | {name: self.milliseconds(name, 1, 0.5) for name in calls}

    def ratio(self, call: str, other: str) -> float:
        """Return the median time of a call over that of another, each of one round, over one connection: the median of
        the rounds."""
        return float(np.median(np.array(self._round_p50(call)) / self._round_p50(other)))

    def _round_p50(self, call: str) -> list[float]:
        rounds = self.bare_ms if call == "bare" else [load.milliseconds for load in self.loads[call, 1]]
        return [float(np.median(times)) for times in rounds]

    def ratios(self) -> dict[str, float]:
        """Return what RATIOS names."""
        return {name: round(self.ratio(call, other), 2) for name, (call, other) in RATIOS.items()}

    def per_second(self, name: str, connections: int) -> float:
        """Return the responses per second of a call."""
        loads = self.loads[name, connections]
        return sum(len(load.milliseconds) for load in loads) / sum(load.seconds for load in loads)

    def failed(self) -> list[str]:
        """Return the messages of all responses that are neither 200 nor 503."""
        loads = [load for loads in self.loads.values() for load in loads]
        return [
            message
            for load in [*loads, *self.overload.values(), self.stampede, self.home_stampede]
            for message in load.failed
        ]


class _Measurer:
    """Drives the calls and records the measurements."""

    def __init__(self, system: BenchmarkSystem, workload: Workload, pool: ProcessPoolExecutor) -> None:
        self.pool, self.workload, self.server = pool, workload, workload.server
        self.workers = memory.worker_pids(system.web.pid)
        self.measurements = _Measurements()

    def measure(self, rounds: int, soak: int) -> _Measurements:
        """Measure every call and return the measurements."""
        self.warm_up()
        for name in Workload.NAMES:
            self.measurements.queries[name] = self.queries(name)
        self.measurements.memory["idle"] = memory.max_mb(self.workers)
        self.note_shares()
        for _ in range(rounds):
            self.bare(BARE_HISTORIES)
            for connections in CONNECTIONS:
                for name, number in REQUESTS_PER_ROUND.items():
                    self.record(name, number, connections)
        for connections, number in OVERLOAD.items():
            self.measurements.overload[connections] = self.drive(
                "uncached", number, connections, honour_retry_after=True
            )
        self.measurements.stampede = self.drive("uncached", STAMPEDE[1], STAMPEDE[0])
        self.measurements.home_stampede = self.drive("home", HOME_STAMPEDE[1], HOME_STAMPEDE[0])
        self.batch()
        self.note_shares()
        if soak:
            self.soak(soak)
        self.swap()
        self.note_shares()
        self.measurements.memory |= {"end": memory.max_mb(self.workers), "peak": memory.max_mb(self.workers, peak=True)}
        return self.measurements

    def measure_ratios(self, rounds: int) -> _Measurements:
        """Measure what `RATIOS` compare, over one connection, and return the measurements."""
        self.warm_up()
        calls = {name for pair in RATIOS.values() for name in pair}
        for _ in range(rounds):
            self.bare(BARE_HISTORIES)
            for name in calls & REQUESTS_PER_ROUND.keys():
                self.record(name, REQUESTS_PER_ROUND[name], 1)
        return self.measurements

    def warm_up(self) -> None:
        """Have both workers serve every call, and everything stored that is read again."""
        # The first call stores a list or a page, and each worker keeps what it has answered: many connections, so that
        # both have calls of each.
        for name in ("cached", "cached_key", "home", "similar_kept"):
            self.drive(name, 4 * NUM_READERS, WARM_UP_CONNECTIONS)
        for name in Workload.NAMES:
            self.drive(name, 60, WARM_UP_CONNECTIONS)

    def note_shares(self) -> None:
        """Keep the most memory of a worker so far, what it has in common with others by its share."""
        noted = self.measurements.memory
        noted["pss"] = max(noted.get("pss", 0.0), memory.max_pss_mb(self.workers))

    def drive(self, name: str, number: int, connections: int, **options: bool) -> LoadResult:
        """Send requests of a call from the second process."""
        requests = self.workload.next_requests(name, number)
        return self.pool.submit(drive_load, self.server, requests, connections, **options).result()

    def record(self, name: str, number: int, connections: int) -> None:
        """Drive a call and keep its times."""
        self.measurements.loads.setdefault((name, connections), []).append(self.drive(name, number, connections))

    def queries(self, name: str) -> int:
        """Return the database queries of one request."""
        connection = Connection(self.server)
        response = connection.send(with_query_count(self.workload.next_requests(name, 1)[0]))
        connection.close()
        return int(response.headers[QUERY_COUNT_HEADER.lower()])

    def bare(self, number: int) -> None:
        """Measure encoding and ranking in the second process, without a server."""
        from recommender import registry

        histories = [list(map(int, history)) for history in self.workload.histories[:number]]
        times = self.pool.submit(measure_bare, registry.folder(ACTIVE_VERSION), histories).result()
        self.measurements.bare_ms.append(times.list_ms)
        self.measurements.encode_ms += times.encode_ms
        self.measurements.encode_in_batch_ms.append(times.encode_in_batch_ms)

    def soak(self, seconds: int) -> None:
        """Drive full load and compare lists film by film; scores may differ in the last digit of the response."""
        started, before = time.monotonic(), memory.max_mb(self.workers)
        responses = differing = compared = failed = 0
        while time.monotonic() < started + seconds:
            loads = [self.drive(name, number, 16) for name, number in REQUESTS_PER_ROUND.items()]
            requests = self.workload.next_requests("uncached", REQUESTS_PER_ROUND["uncached"])
            loaded, alone = (
                self.pool.submit(drive_load, self.server, requests, connections, keep_lists=True).result()
                for connections in (16, 1)
            )
            loads += [loaded, alone]
            responses += sum(len(load.milliseconds) for load in loads)
            failed += sum(len(load.failed) + load.refused for load in loads)
            compared += len(alone.lists)
            differing += sum(
                not _is_same_list(loaded.lists.get(request), expected) for request, expected in alone.lists.items()
            )
        self.measurements.soak = {"seconds": round(time.monotonic() - started), "answers": responses, "failed": failed}
        self.measurements.soak |= {"lists_compared": compared, "lists_differing": differing}
        self.measurements.soak |= {"mb_before": round(before), "mb_after": round(memory.max_mb(self.workers))}

    def batch(self) -> None:
        """Measure one batch call."""
        connection = Connection(self.server)
        started = time.perf_counter()
        response = connection.send(self.workload.batch_request())
        self.measurements.batch_s = time.perf_counter() - started
        connection.close()
        if response.status != 200 or response.json()["success_count"] != 1000:
            raise SystemExit(f"POST /batch/recommend answered {response.status}: {response.body[:300]!r}")

    def swap(self) -> None:
        """Activate another model while viewers read."""
        from recommender import registry

        reading = self.pool.submit(drive_load, self.server, self.workload.next_requests("uncached", 400), 2)
        started = time.perf_counter()
        registry.activate(NEXT_VERSION, "the next model of the benchmark")
        seconds = time.perf_counter() - started
        load = reading.result()
        slowest = max(load.milliseconds)
        self.measurements.swap = {"seconds": seconds, "failed": len(load.failed) + load.refused, "slowest_ms": slowest}
        request = self.workload.next_requests("uncached", 1)[0]
        version = Connection(self.server).send(request).json()["model_version"]
        if version != NEXT_VERSION:
            raise SystemExit(f"After the activation {version} serves, not {NEXT_VERSION}.")


def _is_same_list(movies: list[tuple[str, float]] | None, expected: list[tuple[str, float]]) -> bool:
    return movies is not None and all(
        movie_id == expected_id and abs(score - expected_score) < SCORE_TOLERANCE
        for (movie_id, score), (expected_id, expected_score) in zip(movies, expected, strict=True)
    )


def _load_summary(connections: int, load: LoadResult) -> dict[str, float]:
    p50, p99 = np.quantile(load.milliseconds, (0.5, 0.99))
    answered = len(load.milliseconds)
    summary = {"connections": connections, "answered": answered, "refused": load.refused, "degraded": load.degraded}
    return summary | {
        "answered_share": round(answered / (answered + load.refused), 4),
        "a_second": round(len(load.milliseconds) / load.seconds),
        "p50_ms": round(p50),
        "p99_ms": round(p99),
    }


def _overload_row(name: str, load: dict[str, float]) -> list[Any]:
    lesser = f"{name}: {load['degraded']} degraded"
    return [lesser, load["connections"], load["p50_ms"], "", load["p99_ms"], load["a_second"], load["refused"], ""]


def _ratio_row(measurements: _Measurements, name: str) -> list[Any]:
    quantiles = (round(measurements.milliseconds(name, 1, q), 2) for q in (0.5, 0.9, 0.99))
    return [f"{name}, AVX2 alone", 1, *quantiles, round(measurements.per_second(name, 1)), "", ""]


def _report(
    measurements: _Measurements,
    without: _Measurements | None,
    fixture: ServingFixture,
    preset: str,
    seconds: dict[str, int],
) -> None:
    if failed := [*measurements.failed(), *(without.failed() if without else [])]:
        raise SystemExit(f"{len(failed)} requests failed, the first of them: {failed[0]}")
    p50 = measurements.p50()
    bare = p50["bare"]
    overload = [_load_summary(connections, load) for connections, load in measurements.overload.items()]
    stampede = _load_summary(STAMPEDE[0], measurements.stampede)
    home_stampede = _load_summary(HOME_STAMPEDE[0], measurements.home_stampede)
    result = {
        "bench": "serving",
        "preset": preset,
        "parameters": sum(p.numel() for p in fixture.ranker.model.parameters()),
        "movies": len(fixture.ranker.vocab),
        **{f"{name}_p50_ms": round(p50[name], 3) for name in Workload.NAMES},
        "uncached_p99_ms": round(measurements.milliseconds("uncached", 1, 0.99), 3),
        "bare_ms": round(bare, 3),
        "encode_ms": round(float(np.median(measurements.encode_ms)), 3),
        "encode_in_batch_ms": round(float(np.median(measurements.encode_in_batch_ms)), 3),
        "bare_p99_ms": round(float(np.quantile(np.concatenate(measurements.bare_ms), 0.99)), 3),
        "cached_key_over_cached": round(measurements.ratio("cached_key", "cached"), 3),
        **measurements.ratios(),
        "cached_rps": round(measurements.per_second("cached", 16)),
        "uncached_rps": round(measurements.per_second("uncached", 16)),
        "batch_s": round(measurements.batch_s, 2),
        "queries": measurements.queries,
        "overload": overload,
        "stampede": stampede,
        "home_stampede": home_stampede,
        "soak": measurements.soak or None,
        "swap": {name: round(value, 2) for name, value in measurements.swap.items()},
        "worker_mb": round(measurements.memory["peak"]),  # pages that processes have in common count in each
        "worker_pss_mb": round(measurements.memory["pss"]),  # by their share; idle, after the batch and the swap
        "memory_mb": {name: round(value) for name, value in measurements.memory.items()},
        "seconds": seconds,
    }
    if without is not None:
        own = without.p50()
        result |= {f"{name}_avx2": ratio for name, ratio in without.ratios().items()}
        result |= {"bare_ms_avx2": round(own["bare"], 3), "floor_p50_ms_avx2": round(own["floor"], 3)}
    print_report(
        f"{result['movies']:,} films, preset {preset}; {bare:.2f} ms bare, 1,000 viewers in {measurements.batch_s:.1f} "
        f"s, a worker's peak {result['worker_mb']} MB, {result['worker_pss_mb']} with its share of common pages",
        ["", "connections", "p50 ms", "p90 ms", "p99 ms", "a second", "503", "queries"],
        [
            [
                name,
                connections,
                *(round(measurements.milliseconds(name, connections, q), 2) for q in (0.5, 0.9, 0.99)),
                round(measurements.per_second(name, connections)),
                sum(load.refused for load in loads),
                measurements.queries[name],
            ]
            for (name, connections), loads in sorted(measurements.loads.items(), key=lambda entry: entry[0][1])
        ]
        + [_overload_row("uncached", load) for load in (*overload, stampede)]
        + [_overload_row("home", home_stampede)]
        + ([_ratio_row(without, name) for name, _ in sorted(without.loads)] if without is not None else []),
        result,
    )
