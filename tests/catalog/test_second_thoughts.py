"""Events that take back, correct or go on: what is stored of them, and what is answered."""

from datetime import timedelta
from uuid import uuid4

import pytest

from catalog import selectors
from catalog.event_keys import EventId, parse_event_key
from catalog.models import EventKey, Viewer, WatchEvent
from catalog.services import EventStatus, NewEvent, record_events
from tests.support.cast import ADA, EVE, GODFATHER, MORNING, NEMO, rating_event, watch_event

STORED, DUPLICATE, REJECTED, CONFLICT = EventStatus
NOON = MORNING + timedelta(days=30)
K = WatchEvent.Kind
pytestmark = pytest.mark.usefixtures("cast")


def statuses(*events):
    return [result.status for result in record_events(events)]


def rating(stars, event_id=None, at=NOON):
    return NewEvent(EVE, GODFATHER, K.RATING, at, stars, client_event_id=event_id)


def progress(share, minute, *, event_id=None, movie=GODFATHER, **more):
    at = NOON + timedelta(minutes=minute)
    return NewEvent(EVE, movie, K.PROGRESS, at, completion=share, client_event_id=event_id, **more)


def held(viewer=EVE, movie=GODFATHER):
    """Return (kind, stars, share) of what holds of a movie, rounded."""
    history = selectors.history(viewer)
    rows = zip(history.movie_ids, history.kinds, history.ratings, history.completions, strict=True)
    return [
        (K(kind), *(None if value != value else round(float(value), 3) for value in values))
        for movie_id, kind, *values in rows
        if movie_id == movie
    ]


def version(viewer=EVE):
    return Viewer.objects.get(pk=viewer).version


# Ratings of one moment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_one_call", [True, False])
@pytest.mark.parametrize("with_ids", [True, False])
def test_of_two_ratings_of_one_moment_the_later_sent_counts(in_one_call, with_ids):
    sent = [rating(stars, EventId(uuid4()) if with_ids else None) for stars in (4, 2, 5)]
    answers = statuses(*sent) if in_one_call else [statuses(event)[0] for event in sent]
    assert answers == [STORED] * 3
    assert held() == [(K.RATING, 5, None)]

    before = version()
    assert statuses(*sent) == [DUPLICATE] * 3  # all of them again, as a client or a file sends them
    assert [statuses(event)[0] for event in sent] == [DUPLICATE] * 3
    assert (held(), version()) == ([(K.RATING, 5, None)], before)


def test_an_id_with_other_stars_stays_a_conflict():
    first, second = EventId(uuid4()), EventId(uuid4())
    assert statuses(rating(4, first), rating(2, second), rating(3, second)) == [STORED, STORED, CONFLICT]
    assert statuses(rating(1, first), rating(4, second)) == [CONFLICT, CONFLICT]
    assert held() == [(K.RATING, 2, None)]


def test_a_new_id_may_go_back_to_the_first_stars():
    assert statuses(rating(4, EventId(uuid4()))) == [STORED]
    assert statuses(rating(2, EventId(uuid4()))) == [STORED]
    assert statuses(rating(4, back := EventId(uuid4()))) == [STORED]
    assert held() == [(K.RATING, 4, None)]
    assert statuses(rating(4, back), rating(4, EventId(uuid4()))) == [DUPLICATE, DUPLICATE]


def test_a_correction_of_the_moment_raises_the_version_once():
    statuses(rating(4))
    before = version()
    [result] = record_events([rating(2)])
    assert (result.status, result.viewer_version, version()) == (STORED, before + 1, before + 1)


# Progress ------------------------------------------------------------------------------------------------------------


def test_progress_is_one_row():
    assert statuses(*(progress(minute / 100, minute) for minute in (10, 20))) == [STORED] * 2
    assert statuses(progress(0.3, 30)) == [STORED]
    assert statuses(progress(0.25, 25), progress(0.3, 30)) == [DUPLICATE] * 2  # too late, and again
    row = WatchEvent.objects.get(viewer=EVE)
    assert (row.occurred_at, row.completion, row.kind) == (NOON + timedelta(minutes=30), pytest.approx(0.3), K.PROGRESS)
    assert held() == [(K.PROGRESS, None, 0.3)]
    assert statuses(progress(0.71, 60)) == [STORED]
    assert held() == [(K.WATCH, None, 0.71)]
    assert WatchEvent.objects.filter(viewer=EVE).count() == 1


def test_only_what_changes_lists_raises_the_version():
    statuses(progress(0.1, 1))
    started = version()
    [result] = record_events([progress(0.2, 2)])
    assert (result.viewer_version, version()) == (started, started)
    statuses(progress(0.8, 80))
    assert version() == started + 1
    statuses(progress(0.9, 90))
    assert version() == started + 2, "how much was watched weighs"


def test_who_begins_again_has_watched_it_and_there_is_still_one_row_of_progress():
    for minute, share in enumerate((0.95, 0.1, 0.9, 0.2, 1.0, 0.3)):
        assert statuses(progress(share, minute)) == [STORED]
    assert held() == [(K.WATCH, None, 0.95), (K.PROGRESS, None, 0.3)]
    assert sorted(WatchEvent.objects.filter(viewer=EVE).values_list("kind", flat=True)) == [K.WATCH, K.PROGRESS]


def test_after_an_unwatch_a_finished_movie_is_kept_again():
    unwatch = NewEvent(EVE, GODFATHER, K.UNWATCH, NOON + timedelta(minutes=3))
    assert statuses(progress(0.95, 1), progress(0.1, 2), unwatch, progress(0.9, 4), progress(0.1, 5)) == [STORED] * 5
    assert held() == [(K.WATCH, None, 0.9), (K.PROGRESS, None, 0.1)]


def test_ids_of_progress():
    first, second = parse_event_key("player 1"), parse_event_key("player 2")
    assert statuses(progress(0.1, 1, event_id=first), progress(0.2, 2, event_id=second)) == [STORED] * 2
    assert statuses(progress(0.1, 1, event_id=first), progress(0.2, 2, event_id=second)) == [DUPLICATE] * 2
    assert statuses(progress(0.3, 3, event_id=second)) == [CONFLICT]
    assert statuses(progress(0.3, 3, event_id=second, movie=NEMO)) == [CONFLICT]
    assert list(EventKey.objects.values_list("key", flat=True)) == ["player 2"], "of the row that is there"
    again = parse_event_key("player 3")
    sent = [progress(0.4, 4, event_id=again), progress(0.4, 4, event_id=again), progress(0.5, 5, event_id=again)]
    assert statuses(*sent) == [STORED, DUPLICATE, CONFLICT]
    assert held() == [(K.PROGRESS, None, 0.4)]


def test_a_session_whose_progress_is_an_accounts_is_an_account():
    statuses(progress(0.1, 1, is_session=True))
    assert Viewer.objects.get(pk=EVE).is_session
    statuses(progress(0.2, 2))
    assert not Viewer.objects.get(pk=EVE).is_session


def test_progress_needs_a_share():
    [result] = record_events([progress(None, 1)])
    assert (result.status, result.reason) == (REJECTED, "a progress event needs a completion from 0 to 1")


def test_statements_do_not_grow_with_events(django_assert_max_num_queries):
    events = [progress(0.1, 1, event_id=EventId(uuid4()), movie=movie) for movie in (GODFATHER, NEMO)]
    events += [rating(4), rating(2), watch_event(ADA, NEMO, NOON), rating_event(ADA, NEMO, NOON, 3)]
    with django_assert_max_num_queries(13):
        record_events(events)
    with django_assert_max_num_queries(13):
        record_events([*events, progress(0.2, 2), rating(3)])
