"""Clients that tell of films as seen, and note every list that has one all the same."""

import random
import threading
from typing import Any
from uuid import uuid4

from tests.support.live_server import LiveServer, Reply

WATCHERS = range(33_000, 33_400)  # viewers


class SeenFilms:
    """Calls that read a list and tell of its first film, and note every list that has a film which was acknowledged as
    visible before the list was asked for."""

    def __init__(self, live: LiveServer) -> None:
        self.live, self.lock = live, threading.Lock()
        self.seen: dict[int, set[str]] = {}
        self.wrong: list[Any] = []
        self.acknowledged: dict[str, Any] = {}

    def read(self, rng: random.Random) -> Reply:
        """Read a list."""
        viewer = rng.choice(WATCHERS)
        return self._read(viewer)

    def watch(self, rng: random.Random) -> Reply:
        """Read a list, and tell that its first film was seen."""
        viewer, name = rng.choice(WATCHERS), str(uuid4())
        films = self._read(viewer).body["recommendations"]
        if not films:
            return self._read(viewer)
        body = {"user_id": viewer, "movie_id": films[0]["movie_id"], "kind": "watch", "event_id": name}
        reply = self.live.send("/events", body, key=True)
        if reply.status == 200:
            self.acknowledged[name] = body
            if reply.body["visible"]:
                with self.lock:
                    self.seen.setdefault(viewer, set()).add(films[0]["movie_id"])
        return reply

    def _read(self, viewer: int) -> Reply:
        with self.lock:
            seen = set(self.seen.get(viewer, ()))
        reply = self.live.send(f"/recommend?user_id={viewer}&top_k=10")
        if reply.status == 200 and (found := seen & {film["movie_id"] for film in reply.body["recommendations"]}):
            self.wrong.append((viewer, found, reply.body["source"]))
        return reply
