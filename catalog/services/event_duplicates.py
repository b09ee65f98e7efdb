"""An event that is sent again: a duplicate where it says the same, else a conflict that names what is another."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from numpy import float32

from catalog.services.event_types import EventResult, EventStatus, NewEvent, event_key


class _StoredEvent(NamedTuple):
    """An event that is there."""

    user_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    rating: float | None
    completion: float | None
    client_event_id: UUID | None


def _stored_events(late: Mapping[int, NewEvent]) -> dict[int, _StoredEvent]:
    """What stands in the way of each: the event of the same client id, else of the same viewer, film, kind and time."""
    if not late:
        return {}
    columns = zip(*((place, *event_key(event)) for place, event in late.items()), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH late AS MATERIALIZED (
                 SELECT * FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::int[], %s::smallint[], %s::uuid[])
                   AS l (place, viewer_id, occurred_at, movie_id, kind, client_event_id))
               SELECT 0 AS rank, place, viewer_id, occurred_at, movie_id, kind, rating, completion, e.client_event_id
               FROM late l JOIN catalog_watchevent e USING (viewer_id, occurred_at, movie_id, kind)
               UNION ALL
               SELECT 1, place, e.viewer_id, e.occurred_at, e.movie_id, e.kind, rating, completion, e.client_event_id
               FROM late l JOIN catalog_watchevent e ON e.client_event_id = l.client_event_id
               ORDER BY rank""",
            [list(column) for column in columns],
        )
        return {
            place: _StoredEvent(*row) for _, place, *row in cursor.fetchall()
        }  # that of the same client id comes last


def resolve_duplicates(late: Mapping[int, NewEvent], versions: Mapping[int, int]) -> dict[int, EventResult]:
    """An answer for each event, by its place, that could not be stored since one like it is there. `versions` of their
    viewers, who are locked."""
    found = _stored_events(late)
    return {
        place: _compare(event, found[place], versions[event.viewer_id])
        if place in found
        else EventResult(EventStatus.REJECTED, "What stood in its place was erased just now: send it again.")
        for place, event in late.items()
    }


def _compare(event: NewEvent, present: _StoredEvent, version: int) -> EventResult:
    """A duplicate where it says the same, else a conflict that names what is another."""
    said = {
        "user_id": event.viewer_id == present.user_id,
        "movie_id": event.movie_id == present.movie_id,
        "kind": event.kind == present.kind,
        "rating": equal_as_float32(event.rating, present.rating),
        "completion": equal_as_float32(event.completion, present.completion),
        "occurred_at": not event.has_client_time or event.occurred_at == present.occurred_at,
    }
    differing = tuple(name for name, same in said.items() if not same)
    if not differing:
        return EventResult(EventStatus.DUPLICATE, "", version)
    by_id = event.client_event_id is not None and event.client_event_id == present.client_event_id
    return conflict_result(event.client_event_id if by_id else None, differing, version)


def conflict_result(event_id: UUID | None, fields: tuple[str, ...], version: int | None = None) -> EventResult:
    """Of an event that is there with other `fields`; `event_id` where it was found by it."""
    others = " and ".join(filter(None, [", ".join(fields[:-1]), fields[-1]]))
    if event_id is None:
        words = f"{fields[0]}: this viewer's event of this film, kind and moment is there with another {others}"
        return EventResult(EventStatus.CONFLICT, f"{words}; send the moment of the new one.", version, fields)
    words = f"event_id: {event_id} came before with another {others}"
    return EventResult(EventStatus.CONFLICT, f"{words}; send a new event_id for a new event.", version, fields)


def equal_as_float32(one: float | None, other: float | None) -> bool:
    """Whether both are the same in the four bytes that a column keeps."""
    return one == other if one is None or other is None else float32(one) == float32(other)
