"""`implicit`'s ALS with its own top-k, and faiss for the scoring alone. This script runs alone in their environment:

    .venv-implicit/bin/python -P benchmarks/peers/implicit_runner.py DATA

DATA as for rectools_runner.py. The last line of the output is JSON by peer: als (as there), faiss_flat and faiss_hnsw
(viewers_per_min, one_p50_ms, one_p99_ms of the best 200 inner products; hnsw also recall200 against flat).
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import faiss
import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy import sparse

LIST_LENGTH, SHORT, SINGLES = 200, 20, 200
HNSW_LINKS, HNSW_EFFORT = 32, 400


def timed(viewers: int, many: Callable[[], Any], one: Callable[[int], Any]) -> dict[str, float]:
    """Measure lists for all viewers at once, and for one at a time."""
    started = time.monotonic()
    many()
    seconds = time.monotonic() - started
    milliseconds = []
    for viewer in range(min(SINGLES, viewers)):
        started = time.perf_counter()
        one(viewer)
        milliseconds.append(1000 * (time.perf_counter() - started))
    p50, p99 = np.quantile(milliseconds, (0.5, 0.99))
    return {"viewers_per_min": 60 * viewers / seconds, "one_p50_ms": float(p50), "one_p99_ms": float(p99)}


def _search_one(index: Any, states: np.ndarray, row: int) -> Any:
    return index.search(states[row : row + 1], LIST_LENGTH)


def main(path: str) -> None:
    """Measure all three and print the result."""
    with np.load(path) as arrays:
        data = dict(arrays)
    viewers, rows = np.unique(data["viewers"], return_inverse=True)
    count = int(data["films"].max()) + 1
    watched = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, data["films"])), shape=(len(viewers), count))
    model, started = AlternatingLeastSquares(64, iterations=15, alpha=10.0, random_state=1), time.monotonic()
    model.fit(watched, show_progress=False)
    fit_s = time.monotonic() - started
    all_rows, viewer_count = np.arange(len(viewers)), len(viewers)
    als = timed(
        viewer_count,
        lambda: model.recommend(all_rows, watched, N=LIST_LENGTH, filter_already_liked_items=True),
        lambda row: model.recommend(row, watched[row], N=SHORT, filter_already_liked_items=True),
    )
    targets = np.searchsorted(viewers, data["target_viewers"])
    lists, _ = model.recommend(targets, watched[targets], N=10, filter_already_liked_items=True)
    hits = lists == data["target_films"][:, None]
    als["ndcg10"] = float((hits / np.log2(2 + np.arange(10))).sum() / len(data["target_viewers"]))
    als["fit_s"] = round(fit_s, 1)
    films, states = np.ascontiguousarray(model.item_factors), np.ascontiguousarray(model.user_factors)
    flat, started = faiss.IndexFlatIP(films.shape[1]), time.monotonic()
    flat.add(films)
    built = {"faiss_flat": time.monotonic() - started}
    hnsw, started = faiss.IndexHNSWFlat(films.shape[1], HNSW_LINKS, faiss.METRIC_INNER_PRODUCT), time.monotonic()
    hnsw.hnsw.efSearch = HNSW_EFFORT
    hnsw.add(films)
    built["faiss_hnsw"] = time.monotonic() - started
    result: dict[str, dict[str, float]] = {"als": als}
    found = {}
    for name, index in (("faiss_flat", flat), ("faiss_hnsw", hnsw)):
        result[name] = timed(
            len(states),
            partial(index.search, states, LIST_LENGTH),
            partial(_search_one, index, states),
        )
        result[name]["fit_s"] = round(built[name], 2)
        found[name] = index.search(states[:SINGLES], LIST_LENGTH)[1]
    shared = [
        len(np.intersect1d(exact, near)) for exact, near in zip(found["faiss_flat"], found["faiss_hnsw"], strict=True)
    ]
    result["faiss_hnsw"]["recall200"] = round(float(np.mean(shared)) / min(LIST_LENGTH, count), 4)
    for measured in result.values():
        measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
