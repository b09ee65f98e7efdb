"""Which events hold: a table of cases, and the same as a slow reading of the rules, event by event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import last_word
from catalog.last_word import PAST_RATING, EventColumns, find_held_events
from catalog.models import WatchEvent

K = WatchEvent.Kind
SHARE = 0.7


def columns(events) -> EventColumns:
    """`events`: (movie, kind), or with stars, or with a completion as third and fourth."""
    rows = [(*event, *(None, None))[:4] for event in events]
    movies, kinds, stars, shares = zip(*rows, strict=True) if rows else ((),) * 4
    floats = [
        np.array([np.nan if value is None else value for value in column], np.float32) for column in (stars, shares)
    ]
    return EventColumns(np.array(movies, np.int32), np.array(kinds, np.int8), *floats)


def held(events, viewers=None):
    """Return (row, kind, stars) of what holds."""
    found = find_held_events(columns(events), SHARE, viewers)
    rows = np.arange(len(events))[found.rows]
    stars = [None if np.isnan(value) else float(value) for value in found.ratings]
    return list(zip(rows.tolist(), found.kinds.tolist(), stars, strict=True))


CASES = {
    "nothing": ([], []),
    "no second thought": (
        [(1, K.WATCHLIST), (1, K.WATCH, None, 0.9), (2, K.RATING, 3), (1, K.RATING, 4), (1, K.LIKE), (3, K.DISLIKE)],
        [(0, K.WATCHLIST), (1, K.WATCH), (2, K.RATING), (3, K.RATING), (4, K.LIKE), (5, K.DISLIKE)],
    ),
    "the newest stars": ([(1, K.RATING, 5), (2, K.RATING, 3), (1, K.RATING, 2)], [(1, K.RATING), (2, K.RATING)]),
    "stars sent again": ([(1, K.RATING, 5), (2, K.RATING, 3), (1, K.RATING, 5)], [(0, K.RATING), (1, K.RATING)]),
    "there and back": ([(1, K.RATING, 5), (1, K.RATING, 2), (1, K.RATING, 5)], [(2, K.RATING)]),
    "like after dislike": ([(1, K.DISLIKE), (1, K.LIKE)], [(1, K.LIKE)]),
    "undislike takes no like": ([(1, K.DISLIKE), (1, K.LIKE), (1, K.UNDISLIKE)], [(1, K.LIKE)]),
    "unlike": ([(1, K.LIKE), (1, K.UNLIKE)], []),
    "undislike": ([(1, K.DISLIKE), (1, K.UNDISLIKE)], []),
    "interested": ([(1, K.NOT_INTERESTED), (1, K.INTERESTED)], []),
    "interested takes no dislike": ([(1, K.DISLIKE), (1, K.INTERESTED)], [(0, K.DISLIKE)]),
    "liked again": ([(1, K.LIKE), (1, K.UNLIKE), (1, K.LIKE)], [(2, K.LIKE)]),
    "taken back alone": ([(1, K.UNLIKE), (2, K.UNWATCH), (3, K.INTERESTED)], []),
    "unwatch": ([(1, K.WATCH), (1, K.REWATCH), (1, K.PROGRESS, None, 0.2), (1, K.UNWATCH)], []),
    "unwatch keeps the stars": ([(1, K.WATCH), (1, K.RATING, 5), (1, K.UNWATCH)], [(1, PAST_RATING)]),
    "rated after unwatch": ([(1, K.RATING, 5), (1, K.UNWATCH), (1, K.RATING, 5)], [(2, K.RATING)]),
    "watched after unwatch": ([(1, K.WATCH), (1, K.UNWATCH), (1, K.WATCH)], [(2, K.WATCH)]),
    "watched twice": ([(1, K.WATCH), (2, K.WATCH), (1, K.WATCH)], [(1, K.WATCH), (2, K.WATCH)]),
    "rewatched": ([(1, K.WATCH), (2, K.WATCH), (1, K.REWATCH)], [(0, K.WATCH), (1, K.WATCH), (2, K.REWATCH)]),
    "rewatched alone": ([(1, K.REWATCH), (1, K.REWATCH)], [(0, K.WATCH), (1, K.REWATCH)]),
    "left early": ([(1, K.WATCH, None, 0.69)], [(0, K.PROGRESS)]),
    "just seen": ([(1, K.WATCH, None, 0.7), (2, K.PROGRESS, None, 0.7)], [(0, K.WATCH), (1, K.WATCH)]),
    "started, then seen": ([(1, K.PROGRESS, None, 0.2), (1, K.WATCH)], [(1, K.WATCH)]),
    "started, then rated": ([(1, K.WATCH, None, 0.2), (1, K.RATING, 2)], [(1, K.RATING)]),
    "begun again": ([(1, K.WATCH), (1, K.PROGRESS, None, 0.2)], [(0, K.WATCH), (1, K.PROGRESS)]),
    "progress of no share": ([(1, K.PROGRESS)], [(0, K.PROGRESS)]),
    "watchlist again": ([(1, K.WATCHLIST), (1, K.WATCH), (1, K.WATCHLIST)], [(1, K.WATCH), (2, K.WATCHLIST)]),
    "stars with the watch": ([(1, K.WATCH, 2), (1, K.RATING, 5)], [(0, K.WATCH), (1, K.RATING)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_holds(name):
    events, expected = CASES[name]
    assert [(row, kind) for row, kind, _ in held(events)] == expected


def test_the_stars_of_a_watch_yield_to_a_later_rating():
    assert [stars for *_, stars in held([(1, K.WATCH, 2), (1, K.RATING, 5)])] == [None, 5]
    assert [stars for *_, stars in held([(1, K.RATING, 5), (1, K.WATCH, 2)])] == [5, 2]


def test_a_history_without_second_thoughts_is_returned_as_it_is():
    events = columns(CASES["no second thought"][0])
    found = find_held_events(events, SHARE)
    assert found.rows == slice(None)
    assert np.shares_memory(found.kinds, events.kinds)
    assert np.shares_memory(found.ratings, events.ratings)


def slow_reading(events):
    """Read one viewer's events of one movie, one after the other: (row, kind, stars) of what holds."""
    watched, started, rated, opinion, wish, rewatches = None, None, None, None, None, []
    unwatched, taken_back = -1, {K.UNLIKE: K.LIKE, K.UNDISLIKE: K.DISLIKE, K.INTERESTED: K.NOT_INTERESTED}
    before = None  # the last opinion or its withdrawal
    for row, (kind, stars, share) in events:
        if kind in (K.WATCH, K.PROGRESS):
            if (share is not None and share < np.float32(SHARE)) or (kind == K.PROGRESS and share is None):
                started = (row, stars)
            else:
                watched, started = (row, stars), None
        elif kind == K.REWATCH:
            rewatches.append(row)
            started = None
        elif kind == K.RATING:
            if rated is None or rated[1] != stars or rated[0] < unwatched:
                rated = (row, stars)
            started = None
        elif kind == K.UNWATCH:
            watched, started, rewatches, unwatched = None, None, [], row
        elif kind == K.WATCHLIST:
            wish = row
        elif kind in taken_back:
            if opinion is not None and opinion[1] == taken_back[kind]:
                opinion = None
            before = kind
        else:
            if before != kind:
                opinion = (row, kind)
            before = kind
    rows = {}
    if rated is not None:
        rows[rated[0]] = (K.RATING if rated[0] > unwatched else PAST_RATING, rated[1])
    for row in rewatches:
        rows[row] = (K.REWATCH, None)
    if watched is None and rewatches:
        rows[rewatches[0]] = (K.WATCH, None)
    if watched is not None:
        rows[watched[0]] = (K.WATCH, None if rated is not None and rated[0] > watched[0] else watched[1])
    if started is not None:
        rows[started[0]] = (K.PROGRESS, started[1])
    if opinion is not None:
        rows[opinion[0]] = (opinion[1], None)
    if wish is not None:
        rows[wish] = (K.WATCHLIST, None)
    return rows


def stars_for(kind):
    halves = st.integers(1, 10).map(lambda half: half / 2)
    if kind == K.RATING:
        return halves
    return st.none() | halves if kind == K.WATCH else st.none()


EVENT = st.sampled_from(list(K)).flatmap(
    lambda kind: st.tuples(
        st.integers(0, 2), st.sampled_from([-5, 1, 2_000_000_000]), st.just(kind), stars_for(kind),
        st.sampled_from([None, 0.0, 0.5, 0.7, 1.0]) if kind in (K.WATCH, K.PROGRESS) else st.none(),
    )
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENT, max_size=40), st.sampled_from([3, 1_000]))
def test_it_is_what_reading_event_by_event_says(events, chunk_rows):
    events = sorted(events, key=lambda event: event[0])  # by viewer
    expected = {}
    for key in {event[:2] for event in events}:
        expected |= slow_reading([(row, event[2:]) for row, event in enumerate(events) if event[:2] == key])
    viewers = np.array([event[0] for event in events], np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(last_word, "_CHUNK_ROWS", chunk_rows)
        found = held([event[1:] for event in events], viewers)
    assert found == [(row, int(kind), stars) for row, (kind, stars) in sorted(expected.items())]
