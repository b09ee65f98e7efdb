"""Request lists from a running system in several modes, each with the inputs of the offline ranking."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.quality.parity import ServedList
from catalog.dataset import WATCH
from recommender.ml.data import Histories, Tokens, tokenise
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker

NUM_CLIENTS = 4  # in parallel


class RequestMode(NamedTuple):
    """A kind of request, and what the offline ranking gets for it."""

    name: str
    time: TimeMode  # of the offline ranking
    tokens: Tokens  # of the offline ranking
    source: str  # that the responses must have
    requests: Sequence[tuple[str, dict[str, Any] | None]]  # path and body by target


def request_modes(
    ranker: Ranker, histories: Histories, tokens: Tokens, targets: Targets, depth: int
) -> Iterator[RequestMode]:
    """Yield the modes; each must be requested before the next is made. `tokens` are those of `histories`, row by row;
    the lists have `depth` films."""
    viewers, times = histories.viewers[targets.viewers].tolist(), tokens.times[targets.rows].tolist()
    paths = [f"/recommend?user_id={viewer}&top_k={depth}" for viewer in viewers]
    with_time = [(f"{path}&at={time}", None) for path, time in zip(paths, times, strict=True)]
    yield RequestMode("at", "request", tokens, "model", with_time)
    yield RequestMode("no_at", "unknown", tokens, "model", [(path, None) for path in paths])
    ids_only = histories._replace(  # film ids alone count as watches
        kinds=np.full_like(histories.kinds, WATCH),
        ratings=np.full_like(histories.ratings, np.nan),
        timed=np.zeros_like(histories.timed),
    )
    posts = _posts(histories, targets, depth)
    yield RequestMode("posted", "none", tokenise(ids_only, ranker.vocab), "model", posts)
    _store_lists(viewers)
    yield RequestMode("stored", "unknown", tokens, "cache", [(path, None) for path in paths])


def _posts(histories: Histories, targets: Targets, depth: int) -> list[tuple[str, dict[str, Any]]]:
    """Return requests that post the viewers' histories before the targets, up to the limit of the API."""
    from recommender.history import MAX_POSTED_EVENTS

    posts = []
    for viewer_index, row in zip(*targets, strict=True):
        movie_ids = histories.movie_ids[histories.indptr[viewer_index] : row][-MAX_POSTED_EVENTS:].tolist()
        body = {"user_id": int(histories.viewers[viewer_index]), "history": movie_ids, "top_k": depth}
        posts.append(("/recommend", body))
    return posts


def _store_lists(viewers: Sequence[int]) -> None:
    """Store the viewers' lists by the batch job, after removing those that earlier requests stored."""
    from django.core.management import call_command

    from recommender import cache

    for viewer in viewers:
        cache.erase_viewer(viewer)
    call_command("batch")


def request_lists(url: str, mode: RequestMode, model: str) -> list[ServedList]:
    """Return the served lists by target. Raises `SystemExit` for a list of another source or model."""
    with ThreadPoolExecutor(NUM_CLIENTS) as clients:
        responses = list(clients.map(lambda call: _send(url, *call), mode.requests))
    origins = {(response["source"], response["model_version"], response["degraded"]) for response in responses}
    if wrong := origins - {(mode.source, model, False)}:
        raise SystemExit(f"{mode.name}: lists came from {sorted(wrong, key=str)}, not from {mode.source} and {model}.")
    lists = []
    for response in responses:
        movies = response["recommendations"]
        ids = np.array([int(movie["movie_id"]) for movie in movies], np.int32)
        lists.append(ServedList(ids, np.array([movie["score"] for movie in movies], np.float64)))
    return lists


def _send(url: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, data, {"Content-Type": "application/json"}), timeout=60) as response:
        return dict(json.load(response))
