"""Events that are sent again: a duplicate where the content is the same, else a conflict that names what differs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from numpy import float32

from catalog.services.event_types import EventResult, EventStatus, NewEvent, event_key


class _StoredEvent(NamedTuple):
    user_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    rating: float | None
    completion: float | None
    client_event_id: UUID | None


def resolve_duplicates(unstored: Mapping[int, NewEvent], versions: Mapping[int, int]) -> dict[int, EventResult]:
    """Return a result for each event, by its position, that was not stored because one like it exists.

    `versions`: of their viewers, who are locked.
    """
    stored = _stored_events(unstored)
    return {
        position: _compare(event, stored[position], versions[event.viewer_id])
        if position in stored
        else EventResult(EventStatus.REJECTED, "What stood in its place was erased just now: send it again.")
        for position, event in unstored.items()
    }


def _stored_events(unstored: Mapping[int, NewEvent]) -> dict[int, _StoredEvent]:
    """Find what stands in the way of each: the event of the same client id, else of the same natural key."""
    if not unstored:
        return {}
    columns = zip(*((position, *event_key(event)) for position, event in unstored.items()), strict=True)
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
            [list(column) for column in columns],
        )
        # The event of the same client id comes last, and counts.
        return {position: _StoredEvent(*row) for _, position, *row in cursor.fetchall()}


def _compare(event: NewEvent, stored: _StoredEvent, version: int) -> EventResult:
    """Return a duplicate where both say the same, else a conflict that names what differs."""
    is_same = {
        "user_id": event.viewer_id == stored.user_id,
        "movie_id": event.movie_id == stored.movie_id,
        "kind": event.kind == stored.kind,
        "rating": equal_as_float32(event.rating, stored.rating),
        "completion": equal_as_float32(event.completion, stored.completion),
        "occurred_at": not event.has_client_time or event.occurred_at == stored.occurred_at,
    }
    differing = tuple(name for name, same in is_same.items() if not same)
    if not differing:
        return EventResult(EventStatus.DUPLICATE, "", version, viewer_id=event.viewer_id)
    by_client_id = event.client_event_id is not None and event.client_event_id == stored.client_event_id
    conflict = conflict_result(event.client_event_id if by_client_id else None, differing, version)
    return replace(conflict, viewer_id=event.viewer_id)


def conflict_result(event_id: UUID | None, fields: tuple[str, ...], version: int | None = None) -> EventResult:
    """Return the result for an event that is stored with other `fields`; `event_id` where it was found by that id."""
    names = " and ".join(filter(None, [", ".join(fields[:-1]), fields[-1]]))
    if event_id is None:
        message = f"{fields[0]}: this viewer's event of this film, kind and moment is there with another {names}"
        return EventResult(EventStatus.CONFLICT, f"{message}; send the moment of the new one.", version, fields)
    message = f"event_id: {event_id} came before with another {names}"
    return EventResult(EventStatus.CONFLICT, f"{message}; send a new event_id for a new event.", version, fields)


def equal_as_float32(left: float | None, right: float | None) -> bool:
    """Tell whether both are the same in the four bytes that a column keeps."""
    return left == right if left is None or right is None else float32(left) == float32(right)
