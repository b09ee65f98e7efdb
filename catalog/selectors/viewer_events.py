"""A viewer's own history and the lists that follow from it, a page at a time, the newest first.

A page ends at a moment and an id, and the next one begins behind them: an event that comes meanwhile moves nothing.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Self
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection

from catalog.event_keys import event_key_text
from catalog.keys import Key
from catalog.last_word import PAST_RATING, EventColumns, find_held_events
from catalog.models import WatchEvent
from catalog.selectors.age_limits import certificates_within
from catalog.selectors.viewer_data import find_viewers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,17})\.([0-9]{1,19})\Z", re.ASCII)
_MAX_BIGINT = 2**63 - 1
_Kind = WatchEvent.Kind


class EventCursor(NamedTuple):
    """The last event of a page."""

    occurred_at: datetime
    event_number: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the cursor that a page gave; None for any other text."""
        match = _CURSOR.match(text)
        if match is None or int(match[2]) > _MAX_BIGINT:
            return None
        try:
            return cls(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))
        except OverflowError:
            return None

    def __str__(self) -> str:
        return f"{(self.occurred_at - _EPOCH) // timedelta(microseconds=1)}.{self.event_number}"


class ViewerEvent(NamedTuple):
    """An event of a viewer's history."""

    number: int  # the row's own
    movie_id: int
    kind: WatchEvent.Kind
    occurred_at: datetime
    rating: float | None  # stars
    completion: float | None  # share of the film
    client_event_id: UUID | None
    event_text: str | None  # the key as the site wrote it, where it is no UUID in lower case

    @property
    def event_key(self) -> str | None:
        """The key as the site wrote it; None for an event without one."""
        return event_key_text(self.client_event_id, self.event_text)


class EventPage(NamedTuple):
    """A page of events, and where the next one begins; None on the last page."""

    events: list[ViewerEvent]
    next: EventCursor | None


class FilmList(StrEnum):
    """A list of films that follows from a viewer's history."""

    RATINGS = "ratings"
    WATCHLIST = "watchlist"  # until the film is seen, rated or rejected
    HIDDEN = "hidden"


class ViewerCounts(NamedTuple):
    """How many films a viewer has done what with: each once, by the last word on it."""

    watched: int
    rated: int
    liked: int
    disliked: int
    hidden: int
    watchlist: int


class KnownViewings(NamedTuple):
    """When a viewer watched and rated a film, as far as is known."""

    watched_at: frozenset[datetime]
    rated_at: frozenset[datetime]
    stars: float | None  # of the newest rating


class _HeldHistory(NamedTuple):
    """The events that hold (`catalog.last_word`), in the order (occurred_at, id)."""

    numbers: np.ndarray  # int64 [n], of the events' rows
    occurred_at: np.ndarray  # int64 [n], unix microseconds
    movie_ids: np.ndarray  # int32 [n]
    kinds: np.ndarray  # int8 [n], as HeldEvents has them


_EVENT_DTYPE = np.dtype(
    [("number", ">i8"), ("at", ">i8"), ("movie", ">i4"), ("kind", ">i2"), ("rating", ">f4"), ("completion", ">f4")]
)
_SELECT_PACKED = """
    SELECT string_agg(
        int8send(e.id) || int8send((extract(epoch FROM e.occurred_at) * 1000000)::bigint) || int4send(e.movie_id)
          || int2send(e.kind) || float4send(coalesce(e.rating, 'NaN')) || float4send(coalesce(e.completion, 'NaN')),
        '' ORDER BY e.occurred_at, e.id)
    FROM catalog_watchevent e WHERE e.viewer_id = %s
"""
_SELECT_EVENTS = """
    SELECT e.id, e.movie_id, e.kind, e.occurred_at, e.rating, e.completion, e.client_event_id,
           (SELECT key FROM catalog_eventkey k WHERE k.id = e.client_event_id)
    FROM catalog_watchevent e WHERE {condition} ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(limit)s
"""
_BEHIND = "(e.occurred_at, e.id) < (%(occurred_at)s, %(number)s)"
_WITHIN_AGE_LIMIT = """EXISTS (SELECT 1 FROM catalog_movie m WHERE m.id = e.movie_id
                               AND m.certificate = ANY(%(certificates)s))"""


def history_page(
    viewer_id: int,
    cursor: EventCursor | None,
    page_size: int,
    age_limit: int | None = None,
    movie_id: int | None = None,
) -> EventPage:
    """Return a page of all that a viewer did, or did with one film, with films within the age limit (years)."""
    conditions = ["e.viewer_id = %(viewer)s"]
    values: dict[str, Any] = {"viewer": viewer_id}
    if movie_id is not None:
        conditions.append("e.movie_id = %(movie)s")
        values["movie"] = movie_id
    if age_limit is not None:
        conditions.append(_WITHIN_AGE_LIMIT)
        values["certificates"] = certificates_within(age_limit)
    if cursor is not None:
        conditions.append(_BEHIND)
        values |= {"occurred_at": cursor.occurred_at, "number": cursor.event_number}
    events = _read_events(" AND ".join(conditions), values, page_size + 1)
    last = events[page_size - 1] if len(events) > page_size else None
    return EventPage(events[:page_size], EventCursor(last.occurred_at, last.number) if last else None)


def film_list_page(
    viewer_id: int, films: FilmList, cursor: EventCursor | None, page_size: int, age_limit: int | None = None
) -> EventPage:
    """Return a page of one of a viewer's lists, no film twice: of each the event that put it there.

    Films above the age limit (years) are left out.
    """
    history = _held_history(viewer_id)
    listed = np.flatnonzero(_listed(history, films))[::-1]
    if cursor is not None:
        before = (cursor.occurred_at - _EPOCH) // timedelta(microseconds=1)
        times, numbers = history.occurred_at[listed], history.numbers[listed]
        listed = listed[(times < before) | ((times == before) & (numbers < cursor.event_number))]
    if age_limit is not None:
        listed = listed[np.isin(history.movie_ids[listed], _within(history.movie_ids[listed], age_limit))]
    page = listed[:page_size]
    events = _read_events("e.id = ANY(%(numbers)s)", {"numbers": history.numbers[page].tolist()}, page_size)
    if len(listed) <= page_size:
        return EventPage(events, None)
    moment = _EPOCH + timedelta(microseconds=int(history.occurred_at[page[-1]]))
    return EventPage(events, EventCursor(moment, int(history.numbers[page[-1]])))


def known_viewings(viewer: Key, movie_ids: Collection[int]) -> dict[int, KnownViewings]:
    """Map those of the movies that a viewer watched or rated to when that was; a viewer who is not there has none."""
    rows = WatchEvent.objects.filter(
        viewer_id__in=find_viewers([viewer]).values(),
        movie_id__in=movie_ids,
        kind__in=(_Kind.WATCH, _Kind.REWATCH, _Kind.RATING),
    )
    found: dict[int, KnownViewings] = {}
    for movie_id, kind, at, stars in rows.order_by("occurred_at", "id").values_list(
        "movie_id", "kind", "occurred_at", "rating"
    ):
        known = found.get(movie_id, KnownViewings(frozenset(), frozenset(), None))
        found[movie_id] = (
            known._replace(rated_at=known.rated_at | {at}, stars=stars)
            if kind == _Kind.RATING
            else known._replace(watched_at=known.watched_at | {at})
        )
    return found


def viewer_counts(viewer_id: int) -> ViewerCounts:
    """Count the films of a viewer by what holds of them."""
    history = _held_history(viewer_id)

    def count(*kinds: int) -> int:
        return len(np.unique(history.movie_ids[np.isin(history.kinds, kinds)]))

    return ViewerCounts(
        watched=count(_Kind.WATCH, _Kind.RATING),
        rated=int(_listed(history, FilmList.RATINGS).sum()),
        liked=count(_Kind.LIKE),
        disliked=count(_Kind.DISLIKE),
        hidden=int(_listed(history, FilmList.HIDDEN).sum()),
        watchlist=int(_listed(history, FilmList.WATCHLIST).sum()),
    )


def _held_history(viewer_id: int) -> _HeldHistory:
    with connection.cursor() as db:
        db.execute(_SELECT_PACKED, [viewer_id])
        [packed] = db.fetchone()
    events = np.frombuffer(packed or b"", dtype=_EVENT_DTYPE)
    columns = EventColumns(
        events["movie"].astype(np.int32),
        events["kind"].astype(np.int8),
        events["rating"].astype(np.float32),
        events["completion"].astype(np.float32),
    )
    held = find_held_events(columns, settings.SEEN_SHARE)
    return _HeldHistory(
        events["number"].astype(np.int64)[held.rows],
        events["at"].astype(np.int64)[held.rows],
        columns.movie_ids[held.rows],
        held.kinds,
    )


def _listed(history: _HeldHistory, films: FilmList) -> np.ndarray:
    """Return which events put a film on the list, bool [n]: at most one of each film."""
    if films is FilmList.RATINGS:
        return np.isin(history.kinds, [_Kind.RATING, PAST_RATING])
    rejected = np.isin(history.kinds, [_Kind.DISLIKE, _Kind.NOT_INTERESTED])
    if films is FilmList.HIDDEN:
        return rejected
    settled = rejected | np.isin(history.kinds, [_Kind.WATCH, _Kind.REWATCH, _Kind.RATING])
    unique, film_of = np.unique(history.movie_ids, return_inverse=True)
    last_settled = np.full(len(unique), -1)
    np.maximum.at(last_settled, film_of[settled], np.flatnonzero(settled))
    return (history.kinds == _Kind.WATCHLIST) & (np.arange(len(film_of)) > last_settled[film_of])


def _within(movie_ids: np.ndarray, age_limit: int) -> list[int]:
    """Return those of the movies that are within the age limit (years)."""
    with connection.cursor() as db:
        db.execute(
            "SELECT id FROM catalog_movie WHERE id = ANY(%s) AND certificate = ANY(%s)",
            [movie_ids.tolist(), certificates_within(age_limit)],
        )
        return [movie_id for (movie_id,) in db.fetchall()]


def _read_events(condition: str, values: dict[str, Any], limit: int) -> list[ViewerEvent]:
    """Read events, the newest first."""
    with connection.cursor() as db:
        db.execute(_SELECT_EVENTS.format(condition=condition), values | {"limit": limit})
        return [ViewerEvent(row[0], row[1], _Kind(row[2]), *row[3:]) for row in db.fetchall()]
