"""What is popular now reaches every list under the model that is there: beat counts it, and nothing is trained anew."""

import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from django.core.cache import caches
from django.utils import timezone

from catalog.models import Viewer, WatchEvent
from catalog.services import NewEvent, record_events
from recommender import maintenance, registry, tasks
from recommender.cache import WatchCounts, read_watch_counts
from recommender.jobs import leases
from recommender.ml.model_folder import load_model, save_model
from recommender.ml.popularity import (
    DAY,
    FULL_DAY_VIEWERS,
    MIN_GOOD_STARS,
    WINDOW_DAYS,
    DailyPopularity,
    Popularity,
)
from recommender.models import Job
from recommender.movies import popularity_counts
from recommender.movies.popularity_counts import window_weights
from recommender.training import batch
from tests.support.api import recommended_ids
from tests.support.cast import BEN, watch_event
from tests.support.jobs import stored_list
from tests.support.popular_model import fixed_ensemble
from tests.support.tiny_model import INVENTED, UNKNOWN_TO_MODEL, clear_caches

RISEN = INVENTED["Crime"][17]  # Ben watches films for children
FOLLOWING = [0.0, 50.0, *[0.0] * 6]  # the last day alone decides


@pytest.fixture
def following(model, model_folder):
    """The tiny model in an ensemble, active."""
    loaded = load_model(model_folder)
    ensemble = fixed_ensemble(FOLLOWING, len(loaded.vocab), width=loaded.vectors.table.shape[1])
    metadata = {"metrics": {}}
    folder = registry.folder("following")
    save_model(folder, loaded.model, loaded.vocab, loaded.features, metadata, loaded.prior, ensemble)
    registry.register(folder, preset="basic", movies=len(loaded.vocab))
    registry.activate("following", "for the test")
    yield
    clear_caches()
    shutil.rmtree(folder)


def everybody_watches(movie_id, first_viewer=7_000):
    """Record a watch of the film by viewers who have been here for long, and of two more by every second of them."""
    now = timezone.now() - timedelta(minutes=5)
    viewers = range(first_viewer, first_viewer + FULL_DAY_VIEWERS)
    others = (INVENTED["Crime"][0], INVENTED["Crime"][1])
    record_events([watch_event(viewer, movie_id, now) for viewer in viewers])
    for other in others:
        record_events([watch_event(viewer, other, now - timedelta(days=60)) for viewer in viewers[::2]])
    Viewer.objects.filter(pk__in=viewers).update(created_at=now - timedelta(days=90))


def test_a_film_that_rises_after_the_training_reaches_the_next_list(api, following):
    tasks.count_watches()
    before = recommended_ids(api.get(f"/recommend?user_id={BEN}"))
    assert str(RISEN) not in before[:5]
    everybody_watches(RISEN)
    assert tasks.count_watches()["movies"] >= 3
    popularity_counts._local.reset()  # a process looks again after some minutes
    posted = api.post("/recommend", {"history": [str(film) for film in INVENTED["Children"][:4]]})
    assert recommended_ids(posted)[0] == str(RISEN)
    assert recommended_ids(api.get("/recommend?user_id=7001&seen=include"))[0] == str(RISEN)


def test_a_film_that_the_model_does_not_know_is_counted_too(following):
    everybody_watches(UNKNOWN_TO_MODEL)
    tasks.count_watches()
    counts = read_watch_counts()
    [row] = np.flatnonzero(counts.movie_ids == UNKNOWN_TO_MODEL)
    assert counts.counts[row].round().tolist() == [FULL_DAY_VIEWERS] * 6


def test_the_batch_writes_lists_of_what_is_popular_now(following):
    everybody_watches(RISEN)
    tasks.count_watches()
    maintenance.repair_versions()  # as beat does every few seconds
    batch.run(leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk))
    assert stored_list(BEN).movie_ids[0] == RISEN


def test_lists_go_on_without_redis_or_counts(api, following):
    caches["lists"].clear()
    popularity_counts._local.reset()
    assert len(recommended_ids(api.get(f"/recommend?user_id={BEN}"))) == 20
    caches["lists"].set("watch-counts", b"not ours")
    popularity_counts._local.reset()
    assert read_watch_counts() is None
    assert len(recommended_ids(api.get(f"/recommend?user_id={BEN}"))) == 20


def test_counts_of_another_data_set_are_not_used(following):
    ranker = registry.ranker()
    ids, counts = np.array([RISEN], np.int32), np.full((1, 6), 9, np.float32)
    popularity_counts.cache.store_watch_counts(WatchCounts(1, 0, ids, counts))
    assert popularity_counts.at_current_counts(ranker) is ranker
    popularity_counts._local.reset()
    popularity_counts.cache.store_watch_counts(WatchCounts(0, 0, ids, counts))
    newer = popularity_counts.at_current_counts(ranker)
    assert newer is not ranker
    assert popularity_counts.at_current_counts(ranker) is newer  # made once


def test_training_counts_as_beat_does(more_movies):
    """Crowds of one day, viewers of one film, new ones, heavy ones, films watched twice, poor ratings."""
    rng = np.random.default_rng(4)
    today = int(timezone.now().timestamp()) // DAY
    films = [film for of_genre in INVENTED.values() for film in of_genre]
    came = {viewer: 100 + viewer // 8 for viewer in range(1, 640)} | dict.fromkeys(range(640, 840), 150)
    rows = []
    for viewer, days_ago in came.items():
        days_ago = 185 - days_ago  # 85 to 6
        for _ in range(1 if viewer % 9 == 0 else int(rng.integers(2, 45 if viewer % 50 == 0 else 8))):
            film = int(rng.choice(films[: 1 + viewer % len(films)]))
            stars = 2.0 if (viewer + film) % 7 == 0 else 4.0
            rows.append((viewer, film, today - int(rng.integers(5, days_ago + 1)), stars))
    rows += [(9_000 + n, films[n % 3], today - 2, 4.0) for n in range(6)]  # they came too late to count
    rows += [(n, films[2], today - 1, 4.0) for n in range(7, 600, 7) if (n + films[2]) % 7]
    frame = pl.DataFrame(rows, schema=["viewer", "movie", "day", "stars"], orient="row").unique(
        ["viewer", "movie", "day"], keep="first", maintain_order=True
    )
    frame = frame.sort("viewer", "day", maintain_order=True)
    moments = [datetime.fromtimestamp(day * DAY + 60 * (n % 600), UTC) for n, day in enumerate(frame["day"].to_list())]
    record_events(
        [
            NewEvent(viewer, movie, WatchEvent.Kind.RATING, at, stars)
            for (viewer, movie, _, stars), at in zip(frame.iter_rows(), moments, strict=True)
        ]
    )
    first = frame.group_by("viewer").agg(pl.col("day").min())
    for viewer, day in first.iter_rows():
        Viewer.objects.filter(pk=viewer).update(created_at=datetime.fromtimestamp((day + 1) * DAY - 1, UTC))
    counts = popularity_counts.count_watches()
    vocab = np.unique(frame["movie"].to_numpy())
    viewer_index = np.unique(frame["viewer"].to_numpy(), return_inverse=True)[1]
    columns = np.searchsorted(vocab, frame["movie"].to_numpy())
    good = frame["stars"].to_numpy() >= MIN_GOOD_STARS
    daily = DailyPopularity(frame["day"].to_numpy(), viewer_index, columns, len(vocab), good)
    np.testing.assert_allclose(
        Popularity(counts.movie_ids, counts.counts).counts_of(vocab), daily.at_day(today), rtol=1e-4, atol=1e-9
    )


def test_windows_follow_the_clock_of_the_site():
    """Three full days, then one with half as many viewers: a window of three days reaches the second of them."""
    days = np.array([100, 101, 102, 103])
    viewers = np.array([1, 1, 1, 0.5]) * FULL_DAY_VIEWERS
    first_day, windows = window_weights(days, viewers)
    assert first_day == 100
    in_window = windows > 0.5
    assert in_window[WINDOW_DAYS.index(1)].tolist() == [False, False, False, True]
    assert in_window[WINDOW_DAYS.index(3)].tolist() == [False, True, True, True]
    assert in_window[-1].all()
    assert window_weights(days[:0], viewers[:0])[1].shape == (6, 1)


def test_packed_counts_are_the_same_and_foreign_bytes_are_none():
    counts = WatchCounts(3, 1_700_000_000, np.array([-5, 7], np.int32), np.arange(12, dtype=np.float32).reshape(2, 6))
    again = WatchCounts.unpack(counts.pack())
    assert (again.data_set, again.made_at) == (3, 1_700_000_000)
    np.testing.assert_array_equal(again.movie_ids, counts.movie_ids)
    np.testing.assert_array_equal(again.counts, counts.counts)
    for value in (None, b"", counts.pack()[:-1], b"x" * len(counts.pack()), 5):
        assert WatchCounts.unpack(value) is None


def test_no_watch_gives_no_counts(following):
    WatchEvent.objects.all().delete()
    assert tasks.count_watches() == {"movies": 0}
    assert datetime.now(UTC).timestamp() - read_watch_counts().made_at < 60
