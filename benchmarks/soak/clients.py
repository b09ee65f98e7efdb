"""Clients of a site that read and watch, and an editor beside them; every answer is checked against what was
acknowledged before it was asked for."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from benchmarks.serving.client import Connection, Response, Server

Call = tuple[str, str, Any]  # method, path, body
EVENTS_PER_VIEWER = 30  # then the client turns to another viewer
HIDDEN_SECONDS = 1.5  # that a film stays hidden
MAX_EXAMPLES = 5  # of what was wrong, to print

READS: dict[str, Callable[[int, random.Random], Call]] = {
    "list": lambda viewer, _: ("GET", f"/recommend?user_id={viewer}&top_k=40", None),
    "titled": lambda viewer, _: ("GET", f"/recommend?user_id={viewer}&top_k=10&titles=true", None),
    "filtered": lambda viewer, rng: (
        "POST",
        "/recommend/filtered",
        {"user_id": viewer, "genres": [rng.choice(("Drama", "Comedy", "Action"))], "final_k": 30},
    ),
    "home": lambda viewer, _: ("GET", f"/home?user_id={viewer}", None),
    "explained": lambda viewer, _: ("GET", f"/recommend?user_id={viewer}&top_k=5&explain=true", None),
    "popular": lambda viewer, _: ("GET", f"/popular?user_id={viewer}&top_k=40", None),
    "trending": lambda viewer, _: ("GET", f"/trending?user_id={viewer}&personal=true", None),
}


def films_in(answer: Any) -> list[str]:
    """Return the ids of the films that a list, a page or similar films show."""
    rows = [row["films"] for row in answer.get("rows", ())]
    lists = [answer.get("recommendations", ()), answer.get("similar", ()), *rows]
    return [film["movie_id"] for films in lists for film in films]


@dataclass
class Ledger:
    """What was acknowledged, and what became of the calls. Threads share it."""

    removed: dict[int, set[str]] = field(default_factory=dict)  # viewer -> films that no later answer may list
    hidden: set[str] = field(default_factory=set)  # films that nobody may be shown now
    milliseconds: dict[str, list[float]] = field(default_factory=dict)  # by call
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def barred(self, viewer: int) -> set[str]:
        """Return what may not be shown to the viewer from now on."""
        with self.lock:
            return self.hidden | self.removed.get(viewer, set())

    def bar(self, viewer: int, films: Iterable[str]) -> None:
        """Note films of acknowledged events."""
        with self.lock:
            self.removed.setdefault(viewer, set()).update(films)
            self.counts["events"] += 1

    def note(self, what: str, example: str) -> None:
        """Count what was wrong, with an example."""
        with self.lock:
            self.counts[what] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(f"{what}: {example}")


class Client:
    """One connection of a client."""

    def __init__(self, server: Server, ledger: Ledger, number: int) -> None:
        self.server, self.ledger, self.rng = server, ledger, random.Random(number)
        self.connection = Connection(server)

    def send(self, name: str, call: Call, expect: Sequence[int] = (200,)) -> Response | None:
        """Send a call and note its time; None, and noted, where it is not answered as expected."""
        started = time.perf_counter()
        try:
            response = self.connection.send(self.server.request(*call))
        except (OSError, ValueError, IndexError) as error:
            self.ledger.note("errors", f"{call[0]} {call[1]}: {error!r}")
            with suppress(OSError):
                self.connection = Connection(self.server)
            return None
        with self.ledger.lock:
            self.ledger.milliseconds.setdefault(name, []).append(1000 * (time.perf_counter() - started))
        if response.status not in expect:
            self.ledger.note("errors", f"{call[0]} {call[1]}: {response.status} {response.body[:200]!r}")
            return None
        return response

    def read(self, name: str, viewer: int, call: Call) -> list[str]:
        """Read a list, check it, and return its films."""
        barred = self.ledger.barred(viewer)
        response = self.send(name, call)
        if response is None:
            return []
        answer = response.json()
        films = films_in(answer)
        if stale := barred.intersection(films):
            still = stale & self.ledger.barred(viewer)  # a film that an editor brought back meanwhile is right
            if still:
                self.ledger.note("stale", f"{call[1]} of viewer {viewer} shows {sorted(still)[:3]}")
        if answer.get("degraded"):
            self.ledger.counts["degraded"] += 1
        return films

    def watch(self, viewer: int, film: str) -> None:
        """Send an event until it is visible, and hold later answers to it."""
        event: dict[str, Any] = {"user_id": viewer, "movie_id": film, "event_id": str(uuid4())}
        event["kind"] = self.rng.choice(("watch", "watch", "rating", "dislike", "not_interested"))
        if event["kind"] == "rating":
            event["rating"] = self.rng.choice((1.0, 3.5, 5.0))
        for _ in range(100):
            response = self.send("event", ("POST", "/events", {"events": [event]}))
            if response is not None and response.json()["rejected"]:  # an editor deleted or hid the film meanwhile
                return
            if response is not None and response.json()["visible"]:
                self.ledger.bar(viewer, [film])
                return
            time.sleep(0.05)
        self.ledger.note("errors", f"an event of viewer {viewer} was not visible after 100 attempts")


def run_viewers(server: Server, ledger: Ledger, number: int, viewers: Sequence[int], done: threading.Event) -> None:
    """Read and watch as one viewer after another, who are this client's alone, until it is `done`."""
    client, position = Client(server, ledger, number), 0
    while not done.is_set():
        viewer = viewers[position % len(viewers)]
        position += 1
        for _ in range(EVENTS_PER_VIEWER):
            films = client.read("list", viewer, READS["list"](viewer, client.rng))
            if films:
                client.watch(viewer, client.rng.choice(films))
                about = client.rng.choice(films)
                body = {"movie_id": about, "user_id": viewer, "top_k": 20}
                client.read("similar", viewer, ("POST", "/similar", body))
            for name in client.rng.sample(list(READS), 2):
                client.read(name, viewer, READS[name](viewer, client.rng))
            if done.is_set():
                return


def run_editor(server: Server, ledger: Ledger, films: Sequence[str], done: threading.Event) -> None:
    """Take popular films away and bring them back, by their own field and by a merchandising rule in turn."""
    from django.db import connections

    from catalog.models import Rule
    from catalog.services import delete_records, save_record

    client = Client(server, ledger, 10_000)
    edits = 0
    while not done.wait(0.2):
        film = client.rng.choice(films)
        edits += 1
        if edits % 2:
            if client.send("edit", ("PATCH", f"/movies/{film}", {"published": False})) is None:
                continue
        else:
            rule = Rule(name=f"soak {edits}", action=Rule.Action.EXCLUDE, movie_id=int(film))
            save_record(rule)
        with ledger.lock:
            ledger.hidden.add(film)
            ledger.counts["edits"] += 1
        done.wait(HIDDEN_SECONDS)
        with ledger.lock:
            ledger.hidden.discard(film)
        if edits % 2:
            client.send("edit", ("PATCH", f"/movies/{film}", {"published": True}))
        else:
            delete_records([rule])
    connections.close_all()
