"""Three web hosts over one: network namespaces with a bounded share of a processor each, HAProxy before them, one
Postgres and one Valkey for all.

calls_1, calls_3     GET /recommend of stored lists a second, by one host and by three
ratio                the one over the other
bound_1, bound_3     share of the time in which a host used up its share of a processor: near 1, or something else was
                     the limit and the ratio says nothing of hosts
failed_1, failed_3   calls that were not answered by 200 meanwhile: a host that gets too little time says 503
restart_calls, restart_failed   calls while the three are restarted one after another, paced at 80 % of calls_3; those
                     that were not answered by 200
degraded             of these, answers that say that they are less than asked for

Client, balancer and servers take what the hosts leave of this machine."""

import argparse
import contextlib
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path

import torch

from benchmarks.benchmark_system import isolated_system
from benchmarks.cluster.hosts import Balancer, Host, bridged_network
from benchmarks.report import print_report
from benchmarks.serving.client import DEGRADED, Connection, Server
from benchmarks.serving.fixture import load_and_build

RATINGS, QUICK_RATINGS = 1_000_000, 20_000
HOSTS = 3
READERS = 100  # viewers whose lists are read
CONNECTIONS = 4  # for each host: more than one throttled process answers at a time would only wait
SECONDS, QUICK_SECONDS = 20.0, 6.0
LOAD_AT_RESTART = 0.8  # of what three hosts do
MUST = 2.6
FAILURE_PAUSE = 0.2  # seconds: a client that goes on at once would take the processors of the hosts
WARM_UP_SECONDS = 120.0
SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings", "MOVIEREC_RATE_READS": "100000000/min"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--share", type=float, default=0.2, metavar="CORES", help="of a processor, for each host")
    parser.add_argument("--quick", action="store_true", help="a smaller catalogue and shorter rounds")


def run(args: argparse.Namespace) -> None:
    """Measure one host and three, restart the three under load, and print the report."""
    torch.set_num_threads(1)
    seconds = QUICK_SECONDS if args.quick else SECONDS
    hosts: list[Host] = []
    figures: dict[str, float] = {}
    with isolated_system(**SETTINGS), tempfile.TemporaryDirectory() as name:
        fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset)
        viewers = fixture.histories.viewers[:READERS].tolist()
        movies = len(fixture.ranker.movie_ids)
        with bridged_network(), contextlib.ExitStack() as running:
            for number in range(1, HOSTS + 1):
                hosts.append(Host(number, args.share, fixture.key))
                running.callback(hosts[-1].remove)
                hosts[-1].begin()
            for host in hosts:
                host.wait_until_ready()
            for count in (HOSTS, 1, HOSTS):  # three first, so that no host does work of its start when one is measured
                with Balancer(hosts[:count], Path(name), fixture.key) as balancer:
                    figures |= _measure(hosts[:count], balancer.server, viewers, seconds)
                    print(figures, flush=True)
                    if count == HOSTS and "calls_1" in figures:
                        figures |= _restart_under_load(hosts, balancer.server, viewers, figures[f"calls_{HOSTS}"])
    ratio = figures[f"calls_{HOSTS}"] / figures["calls_1"]
    rows = [[name, round(value, 2)] for name, value in figures.items()]
    rows += [["ratio", f"{ratio:.2f} (must {MUST})"]]
    result = {"bench": "cluster", "preset": args.preset, "parameters": 0, "movies": movies, "share": args.share}
    print_report("Web hosts behind HAProxy", ["figure", ""], rows, result | figures | {"ratio": round(ratio, 3)})


class Load:
    """Clients that read lists over kept connections, as fast as answers come or so many calls a second."""

    def __init__(
        self, server: Server, viewers: list[int], connections: int, calls_a_second: float | None = None
    ) -> None:
        self.server, self._connections = server, connections
        self._pace = None if calls_a_second is None else connections / calls_a_second
        self._requests = cycle([server.request("GET", f"/recommend?user_id={viewer}&top_k=20") for viewer in viewers])
        self._lock, self._done = threading.Lock(), threading.Event()
        self.answered = self.failed = self.degraded = 0
        self.failure = ""  # of the last call that failed

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._read) for _ in range(self._connections)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        connection: Connection | None = None
        due_at = time.monotonic()
        while not self._done.is_set():
            with self._lock:
                request = next(self._requests)
            try:
                connection = connection or Connection(self.server)
                response = connection.send(request)
                is_answered, is_degraded = response.status == 200, DEGRADED.search(response.body) is not None
                failure = f"{response.status} {response.body[:200].decode(errors='replace')}"
            except (OSError, IndexError, ValueError, KeyError) as error:  # it ended in the middle of an answer
                is_answered, is_degraded, connection, failure = False, False, None, repr(error)
            if not is_answered:
                self.failure = failure
                time.sleep(FAILURE_PAUSE)
            with self._lock:
                self.answered += is_answered
                self.failed += not is_answered
                self.degraded += is_degraded
            if self._pace is not None:
                due_at = max(due_at + self._pace, time.monotonic() - self._pace)
                time.sleep(max(0.0, due_at - time.monotonic()))


def _measure(hosts: list[Host], server: Server, viewers: list[int], seconds: float) -> dict[str, float]:
    """Return calls a second and how far the hosts were bound, after a warm-up that makes every list."""
    with Load(server, viewers, CONNECTIONS * len(hosts)) as load:
        started = time.monotonic()
        while load.answered < 4 * len(viewers) * len(hosts) and time.monotonic() < started + WARM_UP_SECONDS:
            time.sleep(0.2)
        before, failed_before = load.answered, load.failed
        bound_before, began_at = [host.group.bound_periods() for host in hosts], time.monotonic()
        time.sleep(seconds)
        calls = (load.answered - before) / (time.monotonic() - began_at)
        bound_after = [host.group.bound_periods() for host in hosts]
        failed = load.failed - failed_before
    if not calls:
        raise SystemExit(f"No call was answered: {load.failure}")
    if failed:
        print(f"{failed} calls failed while nothing was restarted: {load.failure}", flush=True)
    periods = sum(after[0] - before[0] for before, after in zip(bound_before, bound_after, strict=True))
    bound = sum(after[1] - before[1] for before, after in zip(bound_before, bound_after, strict=True))
    figures = {f"calls_{len(hosts)}": round(calls, 1), f"bound_{len(hosts)}": round(bound / max(1, periods), 3)}
    return figures | {f"failed_{len(hosts)}": failed}


def _restart_under_load(hosts: list[Host], server: Server, viewers: list[int], calls: float) -> dict[str, float]:
    with Load(server, viewers, CONNECTIONS * len(hosts), LOAD_AT_RESTART * calls) as load:
        for host in hosts:
            host.restart()
            time.sleep(5)  # until HAProxy knows that it is back
    figures: dict[str, float] = {"restart_calls": load.answered + load.failed, "restart_failed": load.failed}
    return figures | {"degraded": load.degraded}
