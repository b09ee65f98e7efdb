"""Recording events: idempotent, right under concurrency, constant in statements."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections

from catalog.event_keys import EventId
from catalog.models import Movie, Viewer, WatchEvent
from catalog.services import (
    EventStatus,
    NewEvent,
    delete_movies,
    invalidate_viewers,
    mark_published,
    record_events,
    record_new_event,
)
from catalog.signals import viewers_changed
from tests.support.cast import (
    ADA,
    BEN,
    CAST_MOVIES,
    CLEO,
    EVE,
    GODFATHER,
    JEDI,
    MORNING,
    NEMO,
    TOY_STORY,
    UNKNOWN_MOVIE,
    rating_event,
    watch_event,
)

STORED, DUPLICATE, REJECTED, CONFLICT = EventStatus
NOON = MORNING + timedelta(days=30)
pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def signals() -> Iterator[list[dict[int, int]]]:
    """What `viewers_changed` said, in order."""
    received: list[dict[int, int]] = []

    def listen(versions: dict[int, int], **_: object) -> None:
        received.append(versions)

    viewers_changed.connect(listen)
    yield received
    viewers_changed.disconnect(listen)


def version(viewer: int) -> int:
    return Viewer.objects.values_list("version", flat=True).get(id=viewer)


def test_it_works(django_capture_on_commit_callbacks: Callable, signals: list[dict[int, int]]) -> None:
    before = version(ADA)
    with django_capture_on_commit_callbacks(execute=True):
        [result] = record_events([watch_event(ADA, GODFATHER, NOON, completion=0.9)])
    assert (result.status, result.reason, result.viewer_version) == (STORED, "", before + 1)
    event = WatchEvent.objects.get(viewer=ADA, movie=GODFATHER)
    assert (event.occurred_at, event.kind, event.completion) == (NOON, WatchEvent.Kind.WATCH, pytest.approx(0.9))
    assert version(ADA) == before + 1
    assert Viewer.objects.get(id=ADA).publish_pending
    assert signals == [{ADA: before + 1}]


def test_the_same_event_is_stored_once_and_signalled_again(
    django_capture_on_commit_callbacks: Callable, signals: list[dict[int, int]]
) -> None:
    event = NewEvent(ADA, GODFATHER, WatchEvent.Kind.WATCH, NOON, client_event_id=EventId(uuid4()))
    record_events([event])
    now = version(ADA)
    with django_capture_on_commit_callbacks(execute=True):
        [again] = record_events([event])
        [without_client_id] = record_events([NewEvent(ADA, GODFATHER, WatchEvent.Kind.WATCH, NOON)])
    assert (again.status, again.viewer_version) == (DUPLICATE, now)
    assert without_client_id.status == DUPLICATE
    assert signals == [{ADA: now}, {ADA: now}]
    assert WatchEvent.objects.filter(viewer=ADA, movie=GODFATHER).count() == 1


def test_a_client_id_belongs_to_one_event_of_one_viewer() -> None:
    client_id = EventId(uuid4())
    kind = WatchEvent.Kind.WATCH
    record_events([NewEvent(ADA, GODFATHER, kind, NOON, completion=0.3, client_event_id=client_id)])
    others = [
        NewEvent(ADA, NEMO, kind, NOON, completion=0.3, client_event_id=client_id),
        NewEvent(BEN, JEDI, kind, NOON, completion=0.3, client_event_id=client_id),
        NewEvent(ADA, GODFATHER, WatchEvent.Kind.RATING, NOON, 4.5, 0.3, client_event_id=client_id),
        NewEvent(ADA, GODFATHER, kind, NOON, completion=0.4, client_event_id=client_id),
        NewEvent(ADA, GODFATHER, kind, NOON + timedelta(hours=1), completion=0.3, client_event_id=client_id),
        NewEvent(ADA, GODFATHER, kind, NOON + timedelta(hours=1), None, 0.3, client_id, has_client_time=False),
        NewEvent(ADA, GODFATHER, kind, NOON, completion=0.3, client_event_id=client_id),
    ]
    results = record_events(others)
    assert [result.fields for result in results] == [
        ("movie_id",), ("user_id", "movie_id"), ("kind", "rating"), ("completion",), ("occurred_at",), (), (),
    ]  # fmt: skip
    assert [result.status for result in results] == [CONFLICT] * 5 + [DUPLICATE] * 2
    assert f"event_id: {client_id} came before with another kind and rating" in results[2].reason
    assert WatchEvent.objects.filter(client_event_id=client_id.number).count() == 1


def test_the_same_event_with_another_completion_is_a_conflict() -> None:
    [first, other, again] = record_events([watch_event(ADA, GODFATHER, NOON, completion=c) for c in (0.9, 0.8, 0.9)])
    assert [first.status, other.status, again.status] == [STORED, CONFLICT, DUPLICATE]
    assert other.reason.startswith("completion: ")
    assert record_events([watch_event(ADA, GODFATHER, NOON, completion=0.8)])[0].fields == ("completion",)
    assert WatchEvent.objects.get(viewer=ADA, movie=GODFATHER).completion == pytest.approx(0.9)


def test_two_of_one_client_id_in_a_call_are_one_and_a_conflict() -> None:
    client_id, kind = EventId(uuid4()), WatchEvent.Kind.WATCH
    events = [NewEvent(ADA, movie, kind, NOON, client_event_id=client_id) for movie in (GODFATHER, NEMO, GODFATHER)]
    assert [result.status for result in record_events(events)] == [STORED, CONFLICT, DUPLICATE]


def test_each_event_has_its_own_result_and_a_version_rises_once() -> None:
    before = version(CLEO)
    results = record_events(
        [
            watch_event(CLEO, TOY_STORY, NOON),
            watch_event(CLEO, TOY_STORY, NOON),
            watch_event(CLEO, UNKNOWN_MOVIE, NOON),
            rating_event(CLEO, TOY_STORY, NOON, 4.5),
            watch_event(EVE, NEMO, NOON),
        ]
    )
    assert [r.status for r in results] == [STORED, DUPLICATE, REJECTED, STORED, STORED]
    assert results[2].reason == f"there is no film {UNKNOWN_MOVIE}"
    assert version(CLEO) == before + 1
    assert version(EVE) == 1


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (NewEvent(ADA, NEMO, WatchEvent.Kind.RATING, NOON), "needs a rating"),
        (rating_event(ADA, NEMO, NOON, 4.2), "4.2"),
        (rating_event(ADA, NEMO, NOON, float("nan")), "nan"),
        (rating_event(ADA, NEMO, NOON, 0.0), "0.5"),
        (watch_event(ADA, NEMO, NOON, completion=1.5), "between 0 and 1"),
        (NewEvent(ADA, NEMO, 99, NOON), "kind 99"),
        (NewEvent(0, NEMO, WatchEvent.Kind.WATCH, NOON), "viewer id 0"),
        (NewEvent(ADA, 2**31, WatchEvent.Kind.WATCH, NOON), "film id"),
        (watch_event(ADA, NEMO, datetime(2024, 1, 1)), "time zone"),
        (watch_event(ADA, NEMO, datetime.now(UTC) + timedelta(days=3)), "ahead"),
    ],
)
def test_impossible_events_are_rejected(event: NewEvent, message: str) -> None:
    before = version(ADA)
    [result] = record_events([event])
    assert result.status == REJECTED
    assert message in result.reason
    assert version(ADA) == before


def test_the_number_of_statements_does_not_grow(django_assert_num_queries: Callable) -> None:
    def events(number: int, day: int) -> list[NewEvent]:
        movies, start = [movie.id for movie in CAST_MOVIES], NOON + timedelta(days=day)
        return [
            NewEvent(
                1000 + i % 50, movies[i % 16], 1, start + timedelta(seconds=i), client_event_id=EventId(UUID(int=i + 1))
            )
            for i in range(number)
        ]

    with django_assert_num_queries(4):  # films, viewers made and locked, events with versions
        record_events(events(1, day=0))
    many = events(1000, day=1)
    many[0] = events(1, day=0)[0]
    with django_assert_num_queries(5):  # and who holds the client ids of the duplicates
        results = record_events(many)
    assert [r.status for r in results] == [DUPLICATE] + [STORED] * 999
    with django_assert_num_queries(3):  # the viewers are there
        record_events([replace(event, client_event_id=None) for event in events(1000, day=2)])


def test_equal_times_keep_the_order_of_the_request() -> None:
    movies = [JEDI, TOY_STORY, NEMO, GODFATHER]
    record_events([watch_event(EVE, movie, NOON) for movie in movies])
    assert list(WatchEvent.objects.filter(viewer=EVE).order_by("id").values_list("movie_id", flat=True)) == movies


def test_the_outbox_is_cleared_only_up_to_the_published_version() -> None:
    [first] = record_events([watch_event(ADA, GODFATHER, NOON)])
    record_events([watch_event(ADA, NEMO, NOON)])
    assert mark_published({ADA: first.viewer_version or 0}) == 0
    assert mark_published({ADA: version(ADA)}) == 1
    assert not Viewer.objects.get(id=ADA).publish_pending


def test_invalidating_a_viewer_raises_the_version() -> None:
    before = version(BEN)
    assert invalidate_viewers([BEN, EVE]) == {BEN: before + 1}


class TestOneAlone:
    """An event that is merely new is stored by one statement, as record_events() stores it."""

    def test_it_is_stored_with_all_that_belongs_to_it(self, django_assert_num_queries: Callable) -> None:
        before, number = version(ADA), uuid4()
        event = replace(rating_event(ADA, NEMO, NOON, 4.5), client_event_id=EventId(number))
        with django_assert_num_queries(1):
            result = record_new_event(event)
        assert result is not None
        assert (result.status, result.viewer_id, result.viewer_version) == (STORED, ADA, before + 1)
        stored = WatchEvent.objects.get(client_event_id=number)
        assert (stored.viewer_id, stored.movie_id, stored.kind, stored.rating) == (ADA, NEMO, event.kind, 4.5)
        assert (stored.occurred_at, stored.completion) == (NOON, None)
        viewer = Viewer.objects.get(pk=ADA)
        assert (viewer.version, viewer.publish_pending) == (before + 1, True)
        assert record_events([event])[0].status is DUPLICATE

    def test_a_session_becomes_an_account_by_an_event_that_says_so(self) -> None:
        record_events([replace(watch_event(EVE, NEMO, NOON), is_session=True)])
        later = NOON + timedelta(days=1)
        assert record_new_event(replace(watch_event(EVE, JEDI, later), is_session=True))
        assert Viewer.objects.get(pk=EVE).is_session
        assert record_new_event(watch_event(EVE, TOY_STORY, later))
        assert not Viewer.objects.get(pk=EVE).is_session

    def test_a_viewer_who_is_named_by_a_text(self) -> None:
        record_events([NewEvent("ann@example.org", NEMO, WatchEvent.Kind.WATCH, NOON)])
        result = record_new_event(NewEvent("ann@example.org", JEDI, WatchEvent.Kind.WATCH, NOON))
        assert result is not None
        assert result.viewer_id == Viewer.objects.get(key="ann@example.org").pk
        assert WatchEvent.objects.filter(viewer_id=result.viewer_id).count() == 2

    @pytest.mark.parametrize(
        "event",
        [
            watch_event(987, NEMO, NOON),
            NewEvent("nobody@example.org", NEMO, WatchEvent.Kind.WATCH, NOON),
            watch_event(ADA, UNKNOWN_MOVIE, NOON),
            replace(watch_event(ADA, NEMO, NOON), kind=WatchEvent.Kind.PROGRESS, completion=0.5),
            replace(watch_event(ADA, NEMO, NOON), client_event_id=EventId(uuid4(), "a text")),
            replace(watch_event(ADA, NEMO, NOON), rating=7.0),
            watch_event(ADA, NEMO, NOON + timedelta(days=36_500)),
        ],
    )
    def test_any_other_is_left_to_the_other_way(self, event: NewEvent) -> None:
        before, events = version(ADA), WatchEvent.objects.count()
        assert record_new_event(event) is None
        assert (version(ADA), WatchEvent.objects.count()) == (before, events)

    def test_one_that_is_there_is_left_to_it_too(self) -> None:
        event = watch_event(ADA, NEMO, NOON)
        assert record_new_event(event)
        before = version(ADA)
        assert record_new_event(event) is None
        assert version(ADA) == before


class TestAtTheSameTime:
    """Real connections, real commits."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def at_once(self, calls: list[list[NewEvent]]) -> list[EventStatus]:
        def call(events: list[NewEvent]) -> list[EventStatus]:
            try:
                return [result.status for result in record_events(events)]
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            return [status for answer in pool.map(call, calls) for status in answer]

    def test_no_increment_is_lost(self) -> None:
        before = version(ADA)
        calls = [[watch_event(ADA, movie.id, NOON + timedelta(seconds=i))] for i, movie in enumerate(CAST_MOVIES)]
        assert set(self.at_once(calls)) == {STORED}
        assert version(ADA) == before + len(CAST_MOVIES)

    def test_no_increment_is_lost_by_single_statements(self) -> None:
        before = version(ADA)

        def call(number: int) -> bool:
            try:
                return record_new_event(watch_event(ADA, NEMO, NOON + timedelta(seconds=number))) is not None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(call, range(60)))
        assert version(ADA) == before + 60
        assert WatchEvent.objects.filter(viewer_id=ADA, movie_id=NEMO, occurred_at__gte=NOON).count() == 60

    def test_one_event_sent_many_times_is_stored_once(self) -> None:
        before = version(ADA)
        event = NewEvent(ADA, GODFATHER, WatchEvent.Kind.WATCH, NOON, client_event_id=EventId(uuid4()))
        statuses = self.at_once([[event]] * 12)
        assert sorted(statuses) == [DUPLICATE] * 11 + [STORED]
        assert version(ADA) == before + 1

    def test_batches_over_the_same_viewers_in_any_order_do_not_deadlock(self) -> None:
        viewers = [ADA, BEN, CLEO, *range(500, 520)]
        events = [watch_event(viewer, movie, NOON) for viewer in viewers for movie in (TOY_STORY, NEMO, JEDI)]
        calls = [events, events[::-1], events[::2], events[1::2][::-1]] * 4
        statuses = self.at_once(calls)
        assert statuses.count(STORED) == len(events)
        assert set(statuses) == {STORED, DUPLICATE}

    def test_events_of_a_movie_deleted_meanwhile_are_rejected_or_deleted(self) -> None:
        def delete() -> None:
            try:
                delete_movies([NEMO])
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            deleted = pool.submit(delete)
            statuses = self.at_once([[watch_event(600 + i, NEMO, NOON)] for i in range(20)])
            deleted.result()
        assert set(statuses) <= {STORED, REJECTED}
        assert not Movie.objects.filter(id=NEMO).exists()
        assert not WatchEvent.objects.filter(movie_id=NEMO).exists()
