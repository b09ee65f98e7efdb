"""The API of a running system of its own, driven over HTTP from a second process with connections that are kept.

floor      an empty view behind the same middleware, key check and throttle
cached     GET /recommend of viewers whose lists are stored
uncached   POST /recommend with a history of 200 films, of which the model reads its newest
filtered   POST /recommend/filtered with the same histories, by genres and year
explained  uncached with the reasons of each film
similar, home, events   POST /similar, GET /home, POST /events, one film or viewer each
batch      POST /batch/recommend, 1,000 viewers with 150 films each
bare       encode, score and take the best 20 of the same histories, in one process without any server
encode     that part of it alone, and of one viewer where 60 are encoded together

overload   uncached over more connections than may be computed and wait: the rest is refused with 503 at once, and
           comes back after the seconds that Retry-After tells
stampede   the same from clients that come back at once

`--soak SECONDS` drives all calls over 16 connections for so long, and compares every list that was computed under that
load with the one that the same request gets alone.

The calls take turns, so that each is measured beside the others. Times are of the client: from the request's first byte
to the answer's last."""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import memory
from benchmarks.benchmark_system import BenchmarkSystem, isolated_system
from benchmarks.report import print_report
from benchmarks.serving.client import QUERY_COUNT_HEADER, Connection, LoadResult, Server, drive_load, with_query_count
from benchmarks.serving.fixture import NEXT_VERSION, ServingFixture, load_and_build
from benchmarks.serving.workload import LIST_LENGTH, Workload
from recommender.ml.data import Events

RATINGS, QUICK_RATINGS = 1_000_000, 300_000
ROUNDS, QUICK_ROUNDS = 8, 3
REQUESTS_PER_ROUND = {"floor": 200, "cached": 200, "uncached": 60, "filtered": 60, "explained": 16}
REQUESTS_PER_ROUND |= {"similar": 60, "home": 60, "events": 60}
STORED = 500  # viewers whose lists are read
CONNECTIONS = (1, 16)
OVERLOAD = {64: 600, 128: 900}  # connections: requests
STAMPEDE = (128, 1500)
SCORE_NOISE = 1e-4
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings",
    "MOVIEREC_RATE_READS": "100000000/min",
    "MOVIEREC_RATE_EVENTS": "100000000/min",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS", help="full load for so long besides")
    parser.add_argument("--quick", action="store_true", help="fewer viewers and repetitions; about a minute")


def run(given: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    with isolated_system(**SETTINGS) as system:
        stage = load_and_build(given.data, QUICK_RATINGS if given.quick else RATINGS, given.preset)
        system.serve()
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            measured = _Measurer(system, stage, pool).all(QUICK_ROUNDS if given.quick else ROUNDS, given.soak)
    _report(measured, stage, given.preset)


@dataclass
class _Measurements:
    loads: dict[tuple[str, int], list[LoadResult]] = field(default_factory=dict)  # by call and connections
    bare_ms: list[float] = field(default_factory=list)
    encode_ms: list[float] = field(default_factory=list)  # one viewer alone
    encode_in_batch_ms: list[float] = field(default_factory=list)  # one of those that are encoded together
    queries: dict[str, int] = field(default_factory=dict)
    batch_s: float = 0.0
    overload: dict[int, LoadResult] = field(default_factory=dict)  # by connections
    stampede: LoadResult = field(default_factory=lambda: LoadResult(0.0))
    soak: dict[str, Any] = field(default_factory=dict)
    swap: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def milliseconds(self, name: str, connections: int, quantile: float) -> float:
        return float(np.quantile([ms for load in self.loads[name, connections] for ms in load.milliseconds], quantile))

    def per_second(self, name: str, connections: int) -> float:
        loads = self.loads[name, connections]
        return sum(len(load.milliseconds) for load in loads) / sum(load.seconds for load in loads)

    def failed(self) -> list[str]:
        loads = [load for loads in self.loads.values() for load in loads]
        return [words for load in [*loads, *self.overload.values(), self.stampede] for words in load.failed]


class _Measurer:
    def __init__(self, system: BenchmarkSystem, stage: ServingFixture, pool: ProcessPoolExecutor) -> None:
        self.system, self.stage, self.pool = system, stage, pool
        self.server = Server("127.0.0.1", int(os.environ["PORT"]), stage.key)
        self.calls = Workload(self.server, stage, STORED)
        self.workers = memory.worker_pids(system.web.pid)
        self.found = _Measurements()

    def all(self, rounds: int, soak: int) -> _Measurements:
        self.drive("cached", STORED, 4)  # stores the lists
        for name in Workload.NAMES:
            self.drive(name, 20, 4)  # both workers have seen everything once
            self.found.queries[name] = self.queries(name)
        self.found.memory["idle"] = memory.max_mb(self.workers)
        for _ in range(rounds):
            self.bare(REQUESTS_PER_ROUND["uncached"])
            for connections in CONNECTIONS:
                for name, number in REQUESTS_PER_ROUND.items():
                    self.keep(name, number, connections)
        for connections, number in OVERLOAD.items():
            self.found.overload[connections] = self.drive("uncached", number, connections, honour_retry_after=True)
        self.found.stampede = self.drive("uncached", STAMPEDE[1], STAMPEDE[0])
        self.batch()
        if soak:
            self.soak(soak)
        self.swap()
        self.found.memory |= {"end": memory.max_mb(self.workers), "peak": memory.max_mb(self.workers, peak=True)}
        return self.found

    def drive(self, name: str, number: int, connections: int, **how: bool) -> LoadResult:
        return self.pool.submit(
            drive_load, self.server, self.calls.next_requests(name, number), connections, **how
        ).result()

    def keep(self, name: str, number: int, connections: int) -> None:
        self.found.loads.setdefault((name, connections), []).append(self.drive(name, number, connections))

    def queries(self, name: str) -> int:
        connection = Connection(self.server)
        answer = connection.send(with_query_count(self.calls.next_requests(name, 1)[0]))
        connection.close()
        return int(answer.headers[QUERY_COUNT_HEADER.lower()])

    def bare(self, number: int) -> None:
        ranker, found = self.stage.ranker, self.found
        histories = [list(map(int, own)) for own in self.calls.histories[:number]]
        for own in histories:
            films = np.array(own, np.int64)
            started = time.perf_counter()
            states = ranker.encode([Events.from_ids(own)])
            encoded = time.perf_counter()
            ranker.top(states, LIST_LENGTH, exclude=[films])
            found.bare_ms.append(1000 * (time.perf_counter() - started))
            found.encode_ms.append(1000 * (encoded - started))
        started = time.perf_counter()
        ranker.encode([Events.from_ids(own) for own in histories])
        found.encode_in_batch_ms.append(1000 * (time.perf_counter() - started) / number)

    def soak(self, seconds: int) -> None:
        """Lists are compared film by film; scores may differ in the last digit that is told."""
        started, before = time.monotonic(), memory.max_mb(self.workers)
        answers = differing = compared = failed = 0
        while time.monotonic() < started + seconds:
            loads = [self.drive(name, number, 16) for name, number in REQUESTS_PER_ROUND.items()]
            requests = self.calls.next_requests("uncached", REQUESTS_PER_ROUND["uncached"])
            crowd, alone = (
                self.pool.submit(drive_load, self.server, requests, connections, keep_lists=True).result()
                for connections in (16, 1)
            )
            loads += [crowd, alone]
            answers += sum(len(load.milliseconds) for load in loads)
            failed += sum(len(load.failed) + load.refused for load in loads)
            compared += len(alone.lists)
            differing += sum(
                not _is_same_list(crowd.lists.get(request), wanted) for request, wanted in alone.lists.items()
            )
        self.found.soak = {"seconds": round(time.monotonic() - started), "answers": answers, "failed": failed}
        self.found.soak |= {"lists_compared": compared, "lists_differing": differing}
        self.found.soak |= {"mb_before": round(before), "mb_after": round(memory.max_mb(self.workers))}

    def batch(self) -> None:
        connection = Connection(self.server)
        started = time.perf_counter()
        answer = connection.send(self.calls.batch_request())
        self.found.batch_s = time.perf_counter() - started
        connection.close()
        if answer.status != 200 or answer.json()["success_count"] != 1000:
            raise SystemExit(f"POST /batch/recommend answered {answer.status}: {answer.body[:300]!r}")

    def swap(self) -> None:
        """A new model is taken up while viewers read."""
        from recommender import registry

        reading = self.pool.submit(drive_load, self.server, self.calls.next_requests("uncached", 400), 2)
        started = time.perf_counter()
        registry.activate(NEXT_VERSION, "the next model of the benchmark")
        seconds = time.perf_counter() - started
        load = reading.result()
        slowest = max(load.milliseconds)
        self.found.swap = {"seconds": seconds, "failed": len(load.failed) + load.refused, "slowest_ms": slowest}
        [after] = {Connection(self.server).send(self.calls.next_requests("uncached", 1)[0]).json()["model_version"]}
        if after != NEXT_VERSION:
            raise SystemExit(f"After the activation {after} answers, not {NEXT_VERSION}.")


def _is_same_list(found: list[tuple[str, float]] | None, wanted: list[tuple[str, float]]) -> bool:
    return found is not None and all(
        one == other and abs(score - its) < SCORE_NOISE
        for (one, score), (other, its) in zip(found, wanted, strict=True)
    )


def _load_summary(connections: int, load: LoadResult) -> dict[str, float]:
    p50, p99 = np.quantile(load.milliseconds, (0.5, 0.99))
    told = {"connections": connections, "answered": len(load.milliseconds), "refused": load.refused}
    return told | {"a_second": round(len(load.milliseconds) / load.seconds), "p50_ms": round(p50), "p99_ms": round(p99)}


def _report(measured: _Measurements, stage: ServingFixture, shape: str) -> None:
    if failed := measured.failed():
        raise SystemExit(f"{len(failed)} requests failed, the first of them: {failed[0]}")
    bare = float(np.median(measured.bare_ms))
    p50 = {name: measured.milliseconds(name, 1, 0.5) for name in Workload.NAMES}
    result = {
        "bench": "serving",
        "preset": shape,
        "parameters": sum(p.numel() for p in stage.ranker.model.parameters()),
        "movies": len(stage.ranker.vocab),
        **{f"{name}_p50_ms": round(p50[name], 3) for name in Workload.NAMES},
        "uncached_p99_ms": round(measured.milliseconds("uncached", 1, 0.99), 3),
        "bare_ms": round(bare, 3),
        "encode_ms": round(float(np.median(measured.encode_ms)), 3),
        "encode_in_batch_ms": round(float(np.median(measured.encode_in_batch_ms)), 3),
        "bare_p99_ms": round(float(np.quantile(measured.bare_ms, 0.99)), 3),
        "cached_over_floor": round(p50["cached"] / p50["floor"], 2),
        "uncached_over_bare": round(p50["uncached"] / bare, 2),
        "filtered_over_uncached": round(p50["filtered"] / p50["uncached"], 2),
        "cached_rps": round(measured.per_second("cached", 16)),
        "uncached_rps": round(measured.per_second("uncached", 16)),
        "batch_s": round(measured.batch_s, 2),
        "queries": measured.queries,
        "overload": [_load_summary(connections, load) for connections, load in measured.overload.items()],
        "stampede": _load_summary(STAMPEDE[0], measured.stampede),
        "soak": measured.soak or None,
        "swap": {name: round(value, 2) for name, value in measured.swap.items()},
        "worker_mb": round(measured.memory["peak"]),
        "memory_mb": {name: round(value) for name, value in measured.memory.items()},
    }
    print_report(
        f"{result['movies']:,} films, preset {shape}; {bare:.2f} ms bare, 1,000 viewers in {measured.batch_s:.1f} s, "
        f"a worker's peak {result['worker_mb']} MB",
        ["", "connections", "p50 ms", "p90 ms", "p99 ms", "a second", "503", "queries"],
        [
            [
                name,
                connections,
                *(round(measured.milliseconds(name, connections, q), 2) for q in (0.5, 0.9, 0.99)),
                round(measured.per_second(name, connections)),
                sum(load.refused for load in loads),
                measured.queries[name],
            ]
            for (name, connections), loads in sorted(measured.loads.items(), key=lambda one: one[0][1])
        ],
        result,
    )
