"""Clients of a site that watch movies of their lists and check every later answer against the acknowledged events."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

from django.core.cache import caches
from django.db import connections
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from catalog.services import bump_epoch
from recommender.jobs import leases
from recommender.models import Job
from recommender.training import batch
from tests.support.live_server import LiveServer

FIRST_VIEWER = 20_000
EVENTS_PER_VIEWER = 24  # then the site turns to another viewer: the catalogue is small
KINDS = ("watch", "watch", "rating", "dislike", "not_interested")  # each takes its film off every list
VERSION_KEYS = ("epoch", "catalogue", "model")
READS: tuple[Callable[[int], tuple[str, Any]], ...] = (
    lambda viewer: (f"/recommend?user_id={viewer}&top_k=40", None),
    lambda viewer: (f"/recommend?user_id={viewer}&top_k=40", None),
    lambda viewer: (f"/recommend?user_id={viewer}&top_k=3&titles=true", None),
    lambda viewer: ("/recommend/filtered", {"user_id": viewer, "genres": ["Crime", "Sci-Fi"], "final_k": 40}),
    lambda viewer: (f"/home?user_id={viewer}", None),
    lambda viewer: (f"/popular?user_id={viewer}&top_k=40", None),
    lambda viewer: (f"/trending?user_id={viewer}&personal=true", None),
)


def movie_ids_in(answer: dict[str, Any]) -> set[str]:
    """Return the movie ids of a list or a home page."""
    movies = answer.get("recommendations") or [movie for row in answer.get("rows", ()) for movie in row["films"]]
    return {movie["movie_id"] for movie in movies}


class AcknowledgedEvents:
    """Keep what was acknowledged as visible: viewer -> movies that no later answer may list."""

    def __init__(self) -> None:
        self._removed: dict[int, set[str]] = {}
        self._lock = threading.Lock()
        self.acknowledged = self.checked = 0
        self.sources: set[str] = set()

    def add(self, viewer: int, movie_ids: set[str]) -> None:
        """Note movies that a viewer must not get any more."""
        with self._lock:
            self._removed.setdefault(viewer, set()).update(movie_ids)
            self.acknowledged += len(movie_ids)

    def check_answer(self, server: LiveServer, viewer: int, rng: random.Random) -> None:
        """Read a random list; fail if it shows what was acknowledged before the read began."""
        with self._lock:
            removed = set(self._removed.get(viewer, ()))
        answer = server.fetch(*rng.choice(READS)(viewer))
        assert not removed & movie_ids_in(answer), (viewer, answer.get("source"), removed & movie_ids_in(answer))
        if "removed" in answer:
            reasons = ("seen", "disliked", "not_interested")
            assert sum(answer["removed"].get(reason, 0) for reason in reasons) >= len(removed), answer
        with self._lock:
            self.checked += 1
            self.sources.add(answer.get("source", "home"))


def simulate_site(server: LiveServer, ledger: AcknowledgedEvents, number: int, until: float) -> None:
    """Watch and rate as one of two sites that share each viewer. An event that is not yet visible is sent again."""
    rng, event_count = random.Random(number), 0
    unconfirmed: list[dict[str, Any]] = []
    while time.monotonic() < until or unconfirmed:
        viewer = FIRST_VIEWER + 1000 * (number // 2) + event_count // EVENTS_PER_VIEWER
        offered = sorted(movie_ids_in(server.fetch(f"/recommend?user_id={viewer}&top_k=40")))
        fresh = [_event(viewer, movie, rng) for movie in rng.sample(offered, min(len(offered), rng.choice((1, 1, 3))))]
        events = [*unconfirmed, *fresh] if time.monotonic() < until else unconfirmed
        rng.shuffle(events)
        event_count += len(fresh)
        for _ in range(rng.choice((1, 2))):  # at times sent again at once
            reply = server.send("/events", {"events": events}, key=True) if events else None
            if reply is None or reply.status != 200:
                unconfirmed = events
                time.sleep(0.05)
                continue
            assert reply.body["rejected"] == 0, reply
            unconfirmed = [] if reply.body["visible"] else events
            if reply.body["visible"]:
                for event in events:
                    ledger.add(event["user_id"], {event["movie_id"]})
        for _ in range(2):
            ledger.check_answer(server, viewer, rng)


def _event(viewer: int, movie: str, rng: random.Random) -> dict[str, Any]:
    event = {"user_id": viewer, "movie_id": movie, "kind": rng.choice(KINDS), "event_id": str(uuid4())}
    if event["kind"] == "rating":
        event["rating"] = rng.choice((1.0, 3.5, 5.0))
    if rng.random() < 0.5:  # reported late
        event["occurred_at"] = int(time.time()) - rng.randrange(10_000_000)
    return event


def evict_versions(until: float) -> None:
    """Evict versions from Redis at random, as Redis may when memory is short."""
    rng = random.Random(0)
    while time.monotonic() < until:
        viewers = [FIRST_VIEWER + 1000 * rng.randrange(4) + rng.randrange(3) for _ in range(3)]
        keys = [*VERSION_KEYS, *(f"viewer:{viewer}:version" for viewer in viewers)]
        with suppress(ConnectionInterrupted, RedisError):
            caches["lists"].delete_many(rng.sample(keys, 3))
        time.sleep(0.003)


def run_batches(until: float) -> None:
    """Make every viewer's list ahead of time, again and again."""
    while time.monotonic() < until:
        lease = leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk)
        assert lease is not None
        with leases.running_lease(lease):
            batch.run(lease)
    connections.close_all()


def bump_epochs(until: float) -> None:
    """Raise the epoch every two seconds, as an import does."""
    while time.monotonic() < until:
        bump_epoch()
        time.sleep(2)
    connections.close_all()


def run_sites(
    server: LiveServer, seconds: float, *disturbances: Callable[[float], None], sites: int = 8
) -> AcknowledgedEvents:
    """The sites for that long, and what happens `beside` them, which is told when to end (monotonic seconds)."""
    ledger, until = AcknowledgedEvents(), time.monotonic() + seconds
    with ThreadPoolExecutor(sites + len(disturbances)) as threads:
        running = [threads.submit(simulate_site, server, ledger, number, until) for number in range(sites)]
        running += [threads.submit(one, until) for one in disturbances]
        for one in running:
            one.result()
    return ledger
