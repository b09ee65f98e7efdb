"""What was shown and clicked, in its table: it moves no list, so it costs one look and one insert."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from catalog.services import EventResult, EventStatus, conflict_result
from recommender.models import Impression


class NewImpression(NamedTuple):
    """An impression or a click, in the order of the columns. `session`: whether the viewer is an anonymous session."""

    viewer_id: int
    movie_id: int
    kind: int
    occurred_at: datetime
    position: int | None
    recommendation_id: str
    event_id: UUID | None
    is_session: bool


def store_impressions(shown: Sequence[NewImpression], have_timestamps: Sequence[bool]) -> list[EventResult]:
    """An answer for each, in order. Where it was not `timed` by the client, another moment is no other content."""
    if not shown:
        return []
    fresh = _insert(shown)
    late = []
    for place, one in enumerate(shown):
        if one.event_id and one.event_id not in fresh:
            late.append(place)
        fresh -= {one.event_id}  # a second one like it in the same call is late
    present = _stored_by_event_id([shown[place].event_id for place in late])
    results = [EventResult(EventStatus.STORED)] * len(shown)
    for place in late:
        results[place] = _compare_with_stored(shown[place], have_timestamps[place], present.get(shown[place].event_id))
    return results


def _insert(shown: Sequence[NewImpression]) -> set[UUID]:
    """The event ids of those that were new."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO recommender_impression
                 (viewer_id, movie_id, kind, occurred_at, position, recommendation_id, client_event_id, is_session)
               SELECT * FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::timestamptz[], %s::smallint[],
                                    %s::text[], %s::uuid[], %s::bool[]) AS i (a, b, c, d, e, f, event_id, g)
               ORDER BY event_id  -- the same in every call: two with the same ids wait, they do not deadlock
               ON CONFLICT DO NOTHING RETURNING client_event_id""",
            [list(column) for column in zip(*shown, strict=True)],
        )
        return {event_id for (event_id,) in cursor.fetchall() if event_id}


def _stored_by_event_id(ids: Sequence[UUID | None]) -> dict[UUID | None, Impression]:
    return {one.client_event_id: one for one in Impression.objects.filter(client_event_id__in=ids)} if ids else {}


def _compare_with_stored(one: NewImpression, timed: bool, there: Impression | None) -> EventResult:
    """A duplicate where it says the same, else a conflict that names what is another."""
    if there is None:
        return EventResult(EventStatus.REJECTED, "What stood in its place was erased just now: send it again.")
    said = {
        "user_id": one.viewer_id == there.viewer_id,
        "movie_id": one.movie_id == there.movie_id,
        "kind": one.kind == there.kind,
        "position": one.position == there.position,
        "recommendation_id": one.recommendation_id == there.recommendation_id,
        "occurred_at": not timed or one.occurred_at == there.occurred_at,
    }
    differing = tuple(name for name, same in said.items() if not same)
    return conflict_result(one.event_id, differing) if differing else EventResult(EventStatus.DUPLICATE)
