"""The calls that are measured, as requests made ready: what a site sends, by name."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.serving.client import Server
from benchmarks.serving.fixture import ServingFixture, make_histories

LIST_LENGTH = 20  # films asked for
HISTORY_LENGTH = 200  # films of a long history
BATCH_VIEWERS = 1000  # viewers of a batch call
FILTERS = {"genres": ["Drama", "Comedy"], "min_year": 1950, "top_k": 50, "final_k": LIST_LENGTH}


class Workload:
    """`take(name, n)` gives the next n requests of that call, no two of them alike while the data last."""

    NAMES = ("floor", "cached", "uncached", "filtered", "explained", "similar", "home", "events")

    def __init__(self, server: Server, stage: ServingFixture, stored: int) -> None:
        """`stored`: how many viewers' lists are read again and again; the others send the events."""
        self.server = server
        viewers = stage.histories.viewers.tolist()
        self.readers, writers = viewers[:stored], viewers[stored:] or viewers
        self.histories = [[str(film) for film in own] for own in make_histories(stage.histories, HISTORY_LENGTH, 2000)]
        self.films = np.random.default_rng(2).permutation(stage.ranker.movie_ids).tolist()
        self._next: dict[str, Iterator[bytes]] = {
            "floor": self._each([0], lambda _: ("GET", "/floor", None)),
            "cached": self._each(
                self.readers, lambda one: ("GET", f"/recommend?user_id={one}&top_k={LIST_LENGTH}", None)
            ),
            "uncached": self._each(
                self.histories, lambda own: ("POST", "/recommend", self._posted(own, top_k=LIST_LENGTH))
            ),
            "filtered": self._each(
                self.histories, lambda own: ("POST", "/recommend/filtered", self._posted(own, **FILTERS))
            ),
            "explained": self._each(
                self.histories,
                lambda own: ("POST", "/recommend", self._posted(own, top_k=LIST_LENGTH, explain=True)),
            ),
            "similar": self._each(
                self.films, lambda one: ("POST", "/similar", {"movie_id": str(one), "top_k": LIST_LENGTH})
            ),
            "home": self._each(self.readers, lambda one: ("GET", f"/home?user_id={one}", None)),
            "events": self._events(writers),
        }

    def _posted(self, history: list[str], **more: Any) -> dict[str, Any]:
        return {"user_id": self.readers[0], "history": history, **more}

    def _each(self, over: Sequence[Any], call: Callable[[Any], tuple[str, str, Any]]) -> Iterator[bytes]:
        return (self.server.request(*call(one)) for one in cycle(over))

    def _events(self, writers: Sequence[int]) -> Iterator[bytes]:
        for number, viewer, film in zip(count(), cycle(writers), cycle(self.films), strict=False):
            body = {"user_id": viewer, "movie_id": str(film), "kind": "watch", "event_id": str(UUID(int=number))}
            yield self.server.request("POST", "/events", body)

    def next_requests(self, name: str, number: int) -> list[bytes]:
        return [next(self._next[name]) for _ in range(number)]

    def batch_request(self) -> bytes:
        histories = cycle(self.histories)
        body = {
            "user_histories": {str(n): next(histories)[:150] for n in range(1, BATCH_VIEWERS + 1)},
            "top_k": LIST_LENGTH,
        }
        return self.server.request("POST", "/batch/recommend", body)
