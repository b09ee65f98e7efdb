"""Events that are sent again: a duplicate where the content is the same, else a conflict that names what differs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from django.db import connection
from numpy import float32

from catalog.event_keys import EventId
from catalog.models import WatchEvent
from catalog.pg_arrays import integer_array, moment_array, uuid_array
from catalog.services.event_types import EventResult, EventStatus, NewEvent, event_key, event_number

MOMENT = timedelta(milliseconds=1)  # ratings of one movie that are sent with one moment lie within it


class StoredEvent(NamedTuple):
    """What stands in the way of an event."""

    user_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    rating: float | None
    completion: float | None
    client_event_id: UUID | None

    @classmethod
    def of(cls, event: NewEvent) -> Self:
        """Return an event of the same call."""
        key = event_key(event)
        return cls(*key[:4], event.rating, event.completion, key.client_event_id)


def find_stored(unstored: Mapping[int, NewEvent]) -> dict[int, StoredEvent]:
    """Find what stands in the way of each event, by its position: the one of the same client id, else of the same
    natural key."""
    if not unstored:
        return {}
    keys = [event_key(event) for event in unstored.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH unstored AS MATERIALIZED (
                 SELECT * FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::int[], %s::smallint[], %s::uuid[])
                   AS u (position, viewer_id, occurred_at, movie_id, kind, client_event_id))
               SELECT 0 AS rank, u.position, viewer_id, occurred_at, movie_id, kind, rating, completion,
                 e.client_event_id
               FROM unstored u JOIN catalog_watchevent e USING (viewer_id, occurred_at, movie_id, kind)
               UNION ALL
               SELECT 1, u.position, e.viewer_id, e.occurred_at, e.movie_id, e.kind, rating, completion,
                 e.client_event_id
               FROM unstored u JOIN catalog_watchevent e ON e.client_event_id = u.client_event_id
               ORDER BY rank""",
            [
                integer_array(unstored),
                integer_array(key.viewer_id for key in keys),
                moment_array(key.occurred_at for key in keys),
                integer_array(key.movie_id for key in keys),
                integer_array(key.kind for key in keys),
                uuid_array(key.client_event_id for key in keys),
            ],
        )
        # The event of the same client id comes last, and counts.
        return {position: StoredEvent(*row) for _, position, *row in cursor.fetchall()}


def compare(event: NewEvent, stored: StoredEvent | None) -> EventResult:
    """Return a duplicate where both say the same, else a conflict that names what differs."""
    if stored is None:
        return EventResult(EventStatus.REJECTED, "What stood in its place was erased just now: send it again.")
    is_same = {
        "user_id": event.viewer_id == stored.user_id,
        "movie_id": event.movie_id == stored.movie_id,
        "kind": event.kind == stored.kind,
        "rating": equal_as_float32(event.rating, stored.rating),
        "completion": equal_as_float32(event.completion, stored.completion),
        "occurred_at": not event.has_client_time or _is_moment_of(event, stored.occurred_at),
    }
    differing = tuple(name for name, same in is_same.items() if not same)
    if not differing:
        return EventResult(EventStatus.DUPLICATE)
    by_client_id = event.client_event_id is not None and event.client_event_id.number == stored.client_event_id
    return conflict_result(event.client_event_id if by_client_id else None, differing)


def place_corrections(unstored: Mapping[int, NewEvent], found: Mapping[int, StoredEvent]) -> dict[int, NewEvent | None]:
    """Place ratings that say something else than one of the same moment behind it: the later sent is the last word.

    Returns by position the events as they are to be stored, a microsecond later each; None for a rating that was sent
    before. One without an id of its own was, if those stars were given at that moment at all; with an id that is not
    known, if they are the last ones. `found`: what find_stored() found.
    """
    ratings = {
        position: event
        for position, event in unstored.items()
        if event.kind == WatchEvent.Kind.RATING
        and position in found
        and (event_number(event) is None or event_number(event) != found[position].client_event_id)
    }
    given = _ratings_of_moments(ratings)
    placed: dict[int, NewEvent | None] = {}
    sent: set[UUID | None] = set()  # by id, in this call
    for position, event in ratings.items():
        at_moment, number = given[event_key(event)[:3]], event_number(event)
        asked = [stars for _, stars in (at_moment if number is None else at_moment[-1:])]
        moment = at_moment[-1][0] + timedelta(microseconds=1)
        if any(equal_as_float32(event.rating, stars) for stars in asked):
            placed[position] = None
        elif _is_moment_of(event, moment) and (number is None or number not in sent):
            placed[position] = replace(event, occurred_at=moment)
            at_moment.append((moment, event.rating))
            sent.add(number)
    return placed


def _ratings_of_moments(
    ratings: Mapping[int, NewEvent],
) -> dict[tuple[int, datetime, int], list[tuple[datetime, float | None]]]:
    """Read (moment, stars) of the ratings of the same viewer, moment and movie as each of these, the newest last."""
    given: dict[tuple[int, datetime, int], list[tuple[datetime, float | None]]] = {}
    if not ratings:
        return given
    keys = [*{event_key(event)[:3] for event in ratings.values()}]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.viewer_id, k.occurred_at, k.movie_id, e.occurred_at, e.rating
               FROM unnest(%s::int[], %s::timestamptz[], %s::int[]) AS k (viewer_id, occurred_at, movie_id)
               JOIN catalog_watchevent e ON e.viewer_id = k.viewer_id AND e.movie_id = k.movie_id AND e.kind = %s
                 AND e.occurred_at >= k.occurred_at
                 AND e.occurred_at < k.occurred_at + make_interval(secs => %s)
               ORDER BY e.occurred_at""",
            [
                integer_array(viewer_id for viewer_id, _, _ in keys),
                moment_array(moment for _, moment, _ in keys),
                integer_array(movie_id for _, _, movie_id in keys),
                WatchEvent.Kind.RATING,
                MOMENT.total_seconds(),
            ],
        )
        for viewer_id, occurred_at, movie_id, *rating in cursor.fetchall():
            given.setdefault((viewer_id, occurred_at, movie_id), []).append((rating[0], rating[1]))
    return given


def _is_moment_of(event: NewEvent, stored_at: datetime) -> bool:
    """Tell whether an event is stored at its moment; of a rating that is a little later behind another one."""
    later = stored_at - event.occurred_at
    return not later or (event.kind == WatchEvent.Kind.RATING and timedelta() < later < MOMENT)


def conflict_result(event_id: EventId | None, fields: tuple[str, ...]) -> EventResult:
    """Return the result for an event that is stored with other `fields`; `event_id` where it was found by that id."""
    names = " and ".join(filter(None, [", ".join(fields[:-1]), fields[-1]]))
    if event_id is None:
        message = f"{fields[0]}: this viewer's event of this film, kind and moment is there with another {names}"
        return EventResult(EventStatus.CONFLICT, f"{message}; send the moment of the new one.", fields=fields)
    message = f"event_id: {event_id} came before with another {names}"
    return EventResult(EventStatus.CONFLICT, f"{message}; send a new event_id for a new event.", fields=fields)


def equal_as_float32(left: float | None, right: float | None) -> bool:
    """Tell whether both are the same in the four bytes that a column keeps."""
    return left == right if left is None or right is None else float32(left) == float32(right)
