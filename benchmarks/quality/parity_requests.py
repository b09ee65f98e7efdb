"""The ways in which a sample of viewers asks a running system, each with what the offline figure is told for it."""

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

NUM_CLIENTS = 4  # who ask side by side


class RequestMode(NamedTuple):
    name: str
    time: TimeMode  # what the offline figure is told
    tokens: Tokens  # what it reads
    source: str  # where the answers have to come from
    requests: Sequence[tuple[str, dict[str, Any] | None]]  # path and body, by target


def request_modes(
    ranker: Ranker, histories: Histories, tokens: Tokens, targets: Targets, depth: int
) -> Iterator[RequestMode]:
    """Each has to be asked before the next is made. `tokens` are those of `histories`, row by row; the lists have
    `depth` films."""
    viewers, moments = histories.viewers[targets.viewers].tolist(), tokens.times[targets.rows].tolist()
    own = [f"/recommend?user_id={viewer}&top_k={depth}" for viewer in viewers]
    at = [(f"{path}&at={moment}", None) for path, moment in zip(own, moments, strict=True)]
    yield RequestMode("at", "request", tokens, "model", at)
    yield RequestMode("no_at", "unknown", tokens, "model", [(path, None) for path in own])
    yield RequestMode(
        "posted", "none", tokenise(_without_times(histories), ranker.vocab), "model", _posts(histories, targets, depth)
    )
    _store_lists(viewers)
    yield RequestMode("stored", "unknown", tokens, "cache", [(path, None) for path in own])


def _without_times(histories: Histories) -> Histories:
    """Film ids alone, which are taken for watches."""
    kinds, ratings = np.full_like(histories.kinds, WATCH), np.full_like(histories.ratings, np.nan)
    return histories._replace(kinds=kinds, ratings=ratings, timed=np.zeros_like(histories.timed))


def _posts(histories: Histories, targets: Targets, depth: int) -> list[tuple[str, dict[str, Any]]]:
    """The viewers' histories before the targets, or as many of their newest films as may be sent."""
    from recommender.api.fields import MAX_HISTORY

    posts = []
    for place, row in zip(*targets, strict=True):
        films = histories.movie_ids[histories.indptr[place] : row][-MAX_HISTORY:].tolist()
        body = {"user_id": int(histories.viewers[place]), "history": films, "top_k": depth}
        posts.append(("/recommend", body))
    return posts


def _store_lists(viewers: Sequence[int]) -> None:
    """By the batch; a list that was stored on asking must not pass for the batch's."""
    from django.core.management import call_command

    from recommender import cache

    for viewer in viewers:
        cache.erase_viewer(viewer)
    call_command("batch")


def request_lists(url: str, way: RequestMode, model: str) -> list[ServedList]:
    """The lists that are served, by target. Raises SystemExit for one that came from elsewhere."""
    with ThreadPoolExecutor(NUM_CLIENTS) as clients:
        answers = list(clients.map(lambda call: _answer(url, *call), way.requests))
    origins = {(answer["source"], answer["model_version"], answer["degraded"]) for answer in answers}
    if wrong := origins - {(way.source, model, False)}:
        raise SystemExit(f"{way.name}: lists came from {sorted(wrong, key=str)}, not from {way.source} and {model}.")
    return [_served_list(answer["recommendations"]) for answer in answers]


def _answer(url: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, data, {"Content-Type": "application/json"}), timeout=60) as answer:
        return dict(json.load(answer))


def _served_list(films: Sequence[dict[str, Any]]) -> ServedList:
    ids = np.array([int(film["movie_id"]) for film in films], np.int32)
    return ServedList(ids, np.array([film["score"] for film in films], np.float64))
