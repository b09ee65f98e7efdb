"""The same job with what a team would take instead, each in an environment of its own that this command makes: lists of
200 for every viewer of one data set, lists for one viewer at a time, and training.

ours          the batch job end to end (Postgres to Redis), and GET /recommend, computed and stored; in memory, as
              the libraries' `recommend` does: the lists of the same viewers from histories that were read before
rectools      SASRec and HSTU of RecTools in the published shape, trained for --minutes each, and its own `recommend`;
              SASRec in our shape too (width, layers, heads, films of a history), hardly trained
implicit      ALS and its own top-k
faiss         the best inner products alone, without histories: flat (exact) and HNSW
service       FastAPI, Redis and torch in a page (benchmarks/peers/service.py), random weights

viewers_per_min         lists of 200 for all viewers; one_p50_ms, one_p99_ms: a list of 20 for one viewer
fit_s, ndcg10           seconds of training, and NDCG@10 for what viewers watched next (P1's validation); for us the
                        seconds until that of the better model of RecTools is reached
peak_mb                 resident memory at its peak; ours: of all processes of the batch, of the service: of one worker
over_rectools           our viewers_per_min over those of the faster model of RecTools; in_our_shape: over that one;
                        in_memory_over_rectools: for the same job, as `ours` reads Postgres, packs lists and stores them

Libraries have no HTTP, database, filters or freshness in their figures; ours and the service's are over HTTP.
--quick is meant for ml-latest-small (--data)."""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import bench_batch, memory
from benchmarks.benchmark_system import isolated_system
from benchmarks.peers.environments import make_environment
from benchmarks.protocols import Task, make_task, read_events
from benchmarks.report import print_report
from benchmarks.serving.client import Connection, Server, drive_load
from benchmarks.serving.fixture import load_and_build
from benchmarks.synthetic_data import write_synthetic_movielens
from benchmarks.training.throughput import make_trainer
from benchmarks.training.time_to_quality import MAX_TARGETS, ndcg10_of
from infrastructure.resources import available_resources
from movierec.local.server_paths import redis_url
from recommender.ml import evaluate
from recommender.ml.config import get_preset
from recommender.ml.model import TransformerRecModel
from recommender.ml.train import Step, TrainingHooks, TrainingInterrupted

RATINGS, QUICK_RATINGS = 1_000_000, 100_000
MINUTES, QUICK_MINUTES = 10.0, 1.0
SHAPE_SECONDS = 5.0  # of training in our shape: its lists are timed, not judged
READERS = 300  # viewers whose lists are asked for one at a time
FOLDER = Path(__file__).parent / "peers"
SETTINGS = {"MOVIEREC_RATE_READS": "100000000/min"}
COLUMNS = ("viewers_per_min", "one_p50_ms", "one_p99_ms", "fit_s", "ndcg10", "peak_mb")
PUBLISHED = {
    "metarank": {
        "says": "Re-ranking latency: 10-30 ms; Redis memory usage: 1-10 GiB; data import 1000-3000 events/second",
        "source": "https://docs.metarank.ai/introduction/performance",
    },
    "gorse": {
        "says": "no figure of serving: its README and documentation name none",
        "source": "https://github.com/gorse-io/gorse",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of our model")
    parser.add_argument("--minutes", type=float, help=f"of training, each (default {MINUTES:g})")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_MINUTES:g} minute of training each, fewer ratings"
    )


def run(args: argparse.Namespace) -> None:
    """Measure all peers and print the report."""
    seconds = 60 * (args.minutes or (QUICK_MINUTES if args.quick else MINUTES))
    pythons = {name: make_environment(name) for name in ("rectools", "implicit", "service")}
    with tempfile.TemporaryDirectory(prefix="movierec-peers-") as name:
        folder = Path(name)
        data = args.data or write_synthetic_movielens(folder / "simulated", QUICK_RATINGS if args.quick else RATINGS)
        task = make_task("P1", *read_events(data, None), data)
        rows = folder / "rows.npz"
        _export(task, rows)
        peers: dict[str, dict[str, Any]] = {}
        for model in ("sasrec", "hstu"):
            peers[f"rectools {model}"] = _runner(pythons["rectools"], "rectools_runner.py", rows, model, seconds)
        peers["rectools sasrec, our shape"] = _runner(
            pythons["rectools"],
            "rectools_runner.py",
            rows,
            "sasrec",
            SHAPE_SECONDS,
            json.dumps(_our_shape(args.preset)),
        )
        peers |= _runner(pythons["implicit"], "implicit_runner.py", rows)
        goal = max(peers[f"rectools {model}"]["ndcg10"] for model in ("sasrec", "hstu"))
        training = _train_until(task, args.preset, goal, seconds)
        with isolated_system(**SETTINGS) as system:
            fixture = load_and_build(data, 0, args.preset)
            system.serve()
            server = Server("127.0.0.1", int(os.environ["PORT"]), fixture.key)
            readers = fixture.histories.viewers[:READERS].tolist()
            ours = {name: _drive(server, readers) for name in ("computed", "stored")}
            batch, alone = bench_batch.fill_lists(), bench_batch.rank_alone()
            with _service(pythons["service"], rows, redis_url(system.state)) as (other, peak):
                known = np.unique(np.load(rows)["viewers"])[:READERS].tolist()
                for name in ("computed", "stored"):
                    peers[f"service, {name}"] = _drive(other, known)
                peers["service, computed"]["peak_mb"] = peak()
        peers["ours, computed"] = training | ours["computed"]
        peers["ours, computed"] |= {"viewers_per_min": 60 * batch["viewers"] / batch["seconds"]}
        peers["ours, computed"]["peak_mb"] = batch["peak_mb"]
        peers["ours, stored"] = ours["stored"]
        peers["ours, in memory"] = {"viewers_per_min": 60 * alone["viewers"] / alone["seconds"]}
    _report(peers, args.preset, len(task.vocab), sum(p.numel() for p in fixture.ranker.model.parameters()))


def _export(task: Task, path: Path) -> None:
    """Write what all train on, and what the viewers of a sample of validation watched next."""
    tokens, starts = task.tokens, task.tokens.indptr[:-1]
    lengths = task.ends - starts
    rows = np.repeat(starts - np.append(0, np.cumsum(lengths)[:-1]), lengths) + np.arange(lengths.sum())
    targets = evaluate.sample_targets(task.validation, MAX_TARGETS)
    np.savez(
        path,
        viewers=np.repeat(np.arange(len(starts)), lengths),
        films=tokens.items[rows],
        times=tokens.times[rows],
        asked_at=tokens.times[np.minimum(task.ends, tokens.indptr[1:] - 1)],
        target_viewers=targets.viewers,
        target_films=tokens.items[targets.rows],
    )


def _runner(python: Path, script: str, *arguments: object) -> Any:
    """Run a peer in its environment, on as many cores as we have, and return its result."""
    env = os.environ | {"OMP_NUM_THREADS": str(available_resources().cpus), "PYTHONUNBUFFERED": "1"}
    print(f"{script} {' '.join(map(str, arguments[1:]))}", flush=True)
    process = subprocess.run(
        [python, "-P", FOLDER / script, *map(str, arguments)], capture_output=True, text=True, env=env
    )
    if process.returncode:
        raise SystemExit(f"{script} failed:\n{process.stderr[-3000:]}")
    return json.loads(process.stdout.splitlines()[-1])


def _our_shape(preset: str) -> dict[str, int]:
    model = get_preset(preset).model
    width, heads = {"n_factors": model.d_model, "n_blocks": model.layers}, {"n_heads": model.heads}
    return width | heads | {"session_max_len": model.max_len}


def _train_until(task: Task, preset: str, goal: float, seconds: float) -> dict[str, float]:
    """Train our model until its NDCG@10 reaches the goal at the end of an epoch, or the time is over; seconds without
    the evaluations."""
    found, started = {"fit_s": 0.0, "ndcg10": 0.0}, time.monotonic()

    def on_epoch(epoch: int, model: TransformerRecModel) -> dict[str, float]:
        nonlocal started
        paused = time.monotonic()
        found["fit_s"], found["ndcg10"] = round(paused - started, 1), ndcg10_of(task, model)
        print(f"ours, epoch {epoch}: NDCG@10 {found['ndcg10']:.4f} of {goal:.4f} after {found['fit_s']} s", flush=True)
        started += time.monotonic() - paused
        return {"ndcg10": found["ndcg10"]}

    def on_step(step: Step) -> bool:
        return found["ndcg10"] < goal and time.monotonic() - started < seconds

    trainer = make_trainer(task, get_preset(preset))
    with suppress(TrainingInterrupted):
        trainer.run(TrainingHooks(on_step, on_epoch))
    if not found["fit_s"]:  # the time was over in the first epoch
        found = {"fit_s": round(time.monotonic() - started, 1), "ndcg10": ndcg10_of(task, trainer.model.eval())}
    return found


def _drive(server: Server, viewers: list[int]) -> dict[str, float]:
    """Ask for a list of each viewer, one after another."""
    requests = [server.request("GET", f"/recommend?user_id={viewer}&top_k=20") for viewer in viewers]
    load = drive_load(server, requests, 1)
    if load.failed or load.refused:
        raise SystemExit(f"{len(load.failed) + load.refused} of {len(requests)} calls failed: {load.failed[:1]}")
    p50, p99 = np.quantile(load.milliseconds, (0.5, 0.99))
    return {"one_p50_ms": float(p50), "one_p99_ms": float(p99)}


@contextmanager
def _service(python: Path, rows: Path, redis: str) -> Iterator[Any]:
    """Run the service on histories in Redis; yield its address and what tells its memory."""
    from django_redis import get_redis_connection

    store = get_redis_connection("lists")
    with np.load(rows) as arrays:
        viewers, films = arrays["viewers"], arrays["films"]
    names, starts = np.unique(viewers, return_index=True)
    pipe = store.pipeline(transaction=False)
    for viewer, history in zip(names.tolist(), np.split(films, starts[1:]), strict=True):
        pipe.set(f"peer:history:{viewer}", json.dumps(history.tolist()))
    pipe.execute()
    port = int(os.environ["PORT"]) + 1
    env = os.environ | {"DATA": str(rows), "REDIS_URL": redis, "OMP_NUM_THREADS": "1"}
    command: list[str | Path] = [
        python,
        "-m",
        "uvicorn",
        "service:app",
        "--app-dir",
        FOLDER,
        "--port",
        str(port),
        "--workers",
        "2",
    ]
    process = subprocess.Popen([*command, "--log-level", "warning"], env=env)
    server = Server("127.0.0.1", port, "")
    try:
        _wait_until_up(server, process)
        yield server, lambda: memory.max_mb(memory.worker_pids(process.pid), peak=True)
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_up(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, IndexError):
            connection = Connection(server)
            status = connection.send(server.request("GET", "/recommend?user_id=0")).status
            connection.close()
            if status == 200:
                return
        time.sleep(0.2)
    raise SystemExit("The service did not start.")


def _report(peers: dict[str, dict[str, Any]], preset: str, movies: int, parameters: int) -> None:
    fastest = max(peers[f"rectools {model}"]["viewers_per_min"] for model in ("sasrec", "hstu"))
    ours = peers["ours, computed"]["viewers_per_min"]
    result = {
        "bench": "peers",
        "preset": preset,
        "parameters": parameters,
        "movies": movies,
        "cpus": available_resources().cpus,
        "over_rectools": round(ours / fastest, 2),
        "in_memory_over_rectools": round(peers["ours, in memory"]["viewers_per_min"] / fastest, 2),
        "in_our_shape": round(ours / peers["rectools sasrec, our shape"]["viewers_per_min"], 2),
        "peers": {name: {key: round(float(value), 4) for key, value in row.items()} for name, row in peers.items()},
        "published": PUBLISHED,
    }
    for name, quote in PUBLISHED.items():
        print(f"{name}: {quote['says']} ({quote['source']})")
    print_report(
        f"{movies:,} films; our batch makes {result['over_rectools']} times as many lists a minute as RecTools, "
        f"{result['in_our_shape']} times in our shape",
        ["", *COLUMNS],
        [[name, *(row.get(column, "") for column in COLUMNS)] for name, row in peers.items()],
        result,
    )
