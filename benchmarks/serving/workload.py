"""The calls that are measured, as prepared requests: what a site sends, by name."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle
from typing import Any
from urllib.parse import quote
from uuid import UUID

import numpy as np

from benchmarks.serving.client import Server
from benchmarks.serving.fixture import ServingFixture, make_histories

LIST_LENGTH = 20  # films of a list
HISTORY_LENGTH = 200  # films of a long history
BATCH_VIEWERS = 1000  # viewers of a batch call
FILTERS = {"genres": ["Drama", "Comedy"], "min_year": 1950, "top_k": 50, "final_k": LIST_LENGTH}


class Workload:
    """Requests of each call by name, no two of them equal while the data last."""

    NAMES = (
        *("floor", "cached", "cached_first", "cached_key", "uncached", "filtered", "explained", "similar"),
        *("similar_kept", "home", "home_computed", "events"),
    )

    def __init__(self, server: Server, fixture: ServingFixture, num_readers: int, keys: Sequence[str] = ()) -> None:
        """Let `num_readers` viewers read their lists again and again, and those of `keys`; others send events."""
        self.server = server
        viewers = fixture.histories.viewers.tolist()
        self.readers, writers = viewers[:num_readers], viewers[num_readers:] or viewers
        self.histories = [
            [str(movie_id) for movie_id in history]
            for history in make_histories(fixture.histories, HISTORY_LENGTH, 2000)
        ]
        self.movie_ids = np.random.default_rng(2).permutation(fixture.ranker.movie_ids).tolist()
        self._next: dict[str, Iterator[bytes]] = {
            "floor": self._each([0], lambda _: ("GET", "/floor", None)),
            "cached": self._each(
                self.readers, lambda viewer_id: ("GET", f"/recommend?user_id={viewer_id}&top_k={LIST_LENGTH}", None)
            ),
            # Lengths around LIST_LENGTH, so that no answer of before is asked for again.
            "cached_first": self._each(
                [(viewer_id, length) for length in range(10, 31) for viewer_id in self.readers],
                lambda pair: ("GET", f"/recommend?user_id={pair[0]}&top_k={pair[1]}", None),
            ),
            "cached_key": self._each(
                keys, lambda key: ("GET", f"/recommend?user_id={quote(key, safe='')}&top_k={LIST_LENGTH}", None)
            ),
            "uncached": self._each(
                self.histories, lambda history: ("POST", "/recommend", self._posted(history, top_k=LIST_LENGTH))
            ),
            "filtered": self._each(
                self.histories, lambda history: ("POST", "/recommend/filtered", self._posted(history, **FILTERS))
            ),
            "explained": self._each(
                self.histories,
                lambda history: ("POST", "/recommend", self._posted(history, top_k=LIST_LENGTH, explain=True)),
            ),
            "similar": self._each(
                self.movie_ids,
                lambda movie_id: ("POST", "/similar", {"movie_id": str(movie_id), "top_k": LIST_LENGTH}),
            ),
            "similar_kept": self._each(
                self.movie_ids[:num_readers], lambda movie_id: ("GET", f"/similar/{movie_id}?top_k={LIST_LENGTH}", None)
            ),
            "home": self._each(self.readers, lambda viewer_id: ("GET", f"/home?user_id={viewer_id}", None)),
            # A page without a film that is named is not stored.
            "home_computed": self._each(
                list(zip(cycle(self.readers), self.movie_ids, strict=False)),
                lambda pair: ("GET", f"/home?user_id={pair[0]}&exclude={pair[1]}", None),
            ),
            "events": self._events(writers),
        }

    def _posted(self, history: list[str], **fields: Any) -> dict[str, Any]:
        return {"user_id": self.readers[0], "history": history, **fields}

    def _each(self, values: Sequence[Any], call: Callable[[Any], tuple[str, str, Any]]) -> Iterator[bytes]:
        return (self.server.request(*call(value)) for value in cycle(values))

    def _events(self, writers: Sequence[int]) -> Iterator[bytes]:
        for number, viewer_id, movie_id in zip(count(), cycle(writers), cycle(self.movie_ids), strict=False):
            body = {"user_id": viewer_id, "movie_id": str(movie_id), "kind": "watch", "event_id": str(UUID(int=number))}
            yield self.server.request("POST", "/events", body)

    def next_requests(self, name: str, number: int) -> list[bytes]:
        """Return the next requests of a call."""
        return [next(self._next[name]) for _ in range(number)]

    def batch_request(self) -> bytes:
        """Return a batch call."""
        histories = cycle(self.histories)
        body = {
            "user_histories": {str(n): next(histories)[:150] for n in range(1, BATCH_VIEWERS + 1)},
            "top_k": LIST_LENGTH,
        }
        return self.server.request("POST", "/batch/recommend", body)
