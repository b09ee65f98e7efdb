"""Store impressions and clicks. They change no list, so they cost one lookup and one insert."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from catalog.event_keys import EventId
from catalog.services import EventResult, EventStatus, conflict_result
from recommender.models import Impression


class NewImpression(NamedTuple):
    """Hold an impression or a click."""

    viewer_id: int
    movie_id: int
    kind: int
    occurred_at: datetime
    position: int | None
    recommendation_id: str
    event_id: EventId | None
    is_session: bool  # whether the viewer is an anonymous session


def store_impressions(impressions: Sequence[NewImpression], have_timestamps: Sequence[bool]) -> list[EventResult]:
    """Insert what is new and return a result for each impression, in order.

    An impression that repeats an event id is a duplicate or a conflict. Its time is compared only where the client
    sent one (`have_timestamps`).
    """
    if not impressions:
        return []
    new_ids = _insert(impressions)
    repeated: dict[int, UUID] = {}
    for index, impression in enumerate(impressions):
        number = impression.event_id and impression.event_id.number
        if number and number not in new_ids:
            repeated[index] = number
        new_ids.discard(number)  # a second one with this id in the same call is a repetition
    rows = Impression.objects.filter(client_event_id__in=repeated.values()) if repeated else ()
    stored = {row.client_event_id: row for row in rows}
    results = [EventResult(EventStatus.STORED)] * len(impressions)
    for index, number in repeated.items():
        results[index] = _compare_with_stored(impressions[index], have_timestamps[index], stored.get(number))
    return results


def _insert(impressions: Sequence[NewImpression]) -> set[UUID | None]:
    """Insert all in one statement. Return the event ids that were new."""
    rows = [
        (*rest, event_id and event_id.number, event_id.text if event_id else "", is_session)
        for *rest, event_id, is_session in impressions
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO recommender_impression
                 (viewer_id, movie_id, kind, occurred_at, position, recommendation_id, client_event_id, event_key,
                  is_session)
               SELECT * FROM unnest(%s::int[], %s::int[], %s::smallint[], %s::timestamptz[], %s::smallint[], %s::text[],
                                    %s::uuid[], %s::text[], %s::bool[]) AS i (a, b, c, d, e, f, event_id, g, h)
               ORDER BY event_id  -- the same in every call: two with the same ids wait, they do not deadlock
               ON CONFLICT DO NOTHING RETURNING client_event_id""",
            [list(column) for column in zip(*rows, strict=True)],
        )
        return {event_id for (event_id,) in cursor.fetchall()}


def _compare_with_stored(impression: NewImpression, has_timestamp: bool, stored: Impression | None) -> EventResult:
    """Return DUPLICATE where the stored row says the same, else a conflict that names the fields that differ."""
    if stored is None:
        return EventResult(EventStatus.REJECTED, "What stood in its place was erased just now: send it again.")
    same_by_field = {
        "user_id": impression.viewer_id == stored.viewer_id,
        "movie_id": impression.movie_id == stored.movie_id,
        "kind": impression.kind == stored.kind,
        "position": impression.position == stored.position,
        "recommendation_id": impression.recommendation_id == stored.recommendation_id,
        "occurred_at": not has_timestamp or impression.occurred_at == stored.occurred_at,
    }
    differing = tuple(field for field, same in same_by_field.items() if not same)
    return conflict_result(impression.event_id, differing) if differing else EventResult(EventStatus.DUPLICATE)
