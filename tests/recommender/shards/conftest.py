"""Viewers whose histories fill several shards."""

from datetime import timedelta

import numpy as np
import pytest

from catalog.models import Movie, WatchEvent
from catalog.services import NewEvent, record_events
from recommender.shards import export
from tests.support.cast import MORNING
from tests.support.shards import FIRST, MANY


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    """Let a few viewers be several shards."""
    monkeypatch.setattr(export, "TARGET_EVENTS", 60)
    monkeypatch.setattr(export, "READ_VIEWERS", 7)


@pytest.fixture
def many(cast):
    """Store viewers beside the cast, with events of many kinds, second thoughts among them."""
    movies = list(Movie.objects.order_by("pk").values_list("pk", flat=True))
    kinds = [kind for kind in WatchEvent.Kind if kind != WatchEvent.Kind.PROGRESS]
    rng = np.random.default_rng(3)
    events = [
        NewEvent(
            FIRST + viewer,
            int(rng.choice(movies)),
            (kind := kinds[int(rng.integers(len(kinds)))]),
            MORNING + timedelta(minutes=int(rng.integers(5_000))),
            rating=float(rng.integers(1, 11)) / 2 if kind == WatchEvent.Kind.RATING else None,
        )
        for viewer in range(MANY)
        for _ in range(12)
    ]
    record_events(events)
