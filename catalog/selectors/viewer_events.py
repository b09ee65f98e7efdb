"""A viewer's own history and the lists that follow from it, a page at a time, the newest first.

A page ends at a moment and an id, and the next one begins behind them: an event that comes meanwhile moves nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db import connection

from catalog.event_keys import event_key_text
from catalog.models import WatchEvent
from catalog.selectors.age_limits import certificates_within

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


@dataclass(frozen=True, slots=True)
class FilmList:
    """Films of which the last word, among the kinds of both fields, is one of those that put them on the list."""

    puts_on: Sequence[WatchEvent.Kind]
    takes_off: Sequence[WatchEvent.Kind] = ()

    @property
    def kinds(self) -> list[int]:
        """The kinds that decide."""
        return [int(kind) for kind in (*self.puts_on, *self.takes_off)]


WATCHED = FilmList([_Kind.WATCH, _Kind.REWATCH, _Kind.RATING], [_Kind.UNWATCH])
RATED = FilmList([_Kind.RATING])
LIKED = FilmList([_Kind.LIKE], [_Kind.UNLIKE, _Kind.DISLIKE])
DISLIKED = FilmList([_Kind.DISLIKE], [_Kind.UNDISLIKE, _Kind.LIKE])
HIDDEN = FilmList([_Kind.DISLIKE, _Kind.NOT_INTERESTED], [_Kind.UNDISLIKE, _Kind.LIKE, _Kind.INTERESTED])
WATCHLIST = FilmList([_Kind.WATCHLIST], [*WATCHED.puts_on, *HIDDEN.puts_on])

_COLUMNS = """e.id, e.movie_id, e.kind, e.occurred_at, e.rating, e.completion, e.client_event_id,
              (SELECT key FROM catalog_eventkey k WHERE k.id = e.client_event_id)"""
_BEHIND = "(e.occurred_at, e.id) < (%(occurred_at)s, %(number)s)"
_WITHIN_AGE_LIMIT = """EXISTS (SELECT 1 FROM catalog_movie m WHERE m.id = e.movie_id
                                AND m.certificate = ANY(%(certificates)s))"""
_NEWEST_FIRST = "ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(limit)s"
_LAST_WORDS = """SELECT DISTINCT ON (movie_id) * FROM catalog_watchevent
                 WHERE viewer_id = %(viewer)s AND kind = ANY(%(kinds)s)
                 ORDER BY movie_id, occurred_at DESC, id DESC"""


class ViewerCounts(NamedTuple):
    """How many films a viewer has done what with: each once, by the last word on it."""

    watched: int
    rated: int
    liked: int
    disliked: int
    hidden: int
    watchlist: int


_COUNTED = (WATCHED, RATED, LIKED, DISLIKED, HIDDEN, WATCHLIST)  # in the order of ViewerCounts
_PUTS_ON = """(array_agg(kind ORDER BY occurred_at DESC, id DESC) FILTER (WHERE kind = ANY(%s)))[1] = ANY(%s)"""


def history_page(viewer_id: int, cursor: EventCursor | None, page_size: int, age_limit: int | None = None) -> EventPage:
    """Return a page of all that a viewer did, with films within the age limit (years)."""
    values = {"viewer": viewer_id}
    return _read_page("catalog_watchevent", "e.viewer_id = %(viewer)s", values, cursor, page_size, age_limit)


def film_list_page(
    viewer_id: int, films: FilmList, cursor: EventCursor | None, page_size: int, age_limit: int | None = None
) -> EventPage:
    """Return a page of one of a viewer's lists, no film twice: of each the event that put it there.

    Films above the age limit (years) are left out.
    """
    values = {"viewer": viewer_id, "kinds": films.kinds, "puts_on": [int(kind) for kind in films.puts_on]}
    return _read_page(f"({_LAST_WORDS})", "e.kind = ANY(%(puts_on)s)", values, cursor, page_size, age_limit)


def _read_page(
    source: str,
    condition: str,
    values: dict[str, Any],
    cursor: EventCursor | None,
    page_size: int,
    age_limit: int | None,
) -> EventPage:
    values["limit"] = page_size + 1
    if age_limit is not None:
        condition += f" AND {_WITHIN_AGE_LIMIT}"
        values["certificates"] = certificates_within(age_limit)
    if cursor is not None:
        condition += f" AND {_BEHIND}"
        values |= {"occurred_at": cursor.occurred_at, "number": cursor.event_number}
    with connection.cursor() as db:
        db.execute(f"SELECT {_COLUMNS} FROM {source} e WHERE {condition} {_NEWEST_FIRST}", values)
        events = [ViewerEvent(row[0], row[1], _Kind(row[2]), *row[3:]) for row in db.fetchall()]
    last = events[page_size - 1] if len(events) > page_size else None
    return EventPage(events[:page_size], EventCursor(last.occurred_at, last.number) if last else None)


def viewer_counts(viewer_id: int) -> ViewerCounts:
    """Count the films of a viewer's lists in one scan of the history."""
    columns, parameters = [], []
    for films in _COUNTED:
        columns.append(
            "(array_agg(kind ORDER BY occurred_at DESC, id DESC) FILTER (WHERE kind = ANY(%s)))[1] = ANY(%s)"
        )
        parameters += [films.kinds, [int(kind) for kind in films.puts_on]]
    names = ViewerCounts._fields
    last_words = ", ".join(f"{column} AS {name}" for name, column in zip(names, columns, strict=True))
    counts = ", ".join(f"count(*) FILTER (WHERE {name})" for name in names)
    with connection.cursor() as db:
        db.execute(
            f"""SELECT {counts} FROM (SELECT {last_words} FROM catalog_watchevent WHERE viewer_id = %s
                GROUP BY movie_id) films""",
            [*parameters, viewer_id],
        )
        return ViewerCounts(*db.fetchone())
