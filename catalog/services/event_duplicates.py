"""Events that are sent again: a duplicate where the content is the same, else a conflict that names what differs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from django.db import connection
from numpy import float32

from catalog.event_keys import EventId
from catalog.models import WatchEvent
from catalog.pg_arrays import integer_array, moment_array, uuid_array
from catalog.services.event_types import EventBlock, EventResult, EventStatus, NewEvent, event_key, event_number

MOMENT = timedelta(milliseconds=1)  # words on one movie that are sent with one moment lie within it
_KIND = WatchEvent.Kind
_OPINIONS = (_KIND.LIKE, _KIND.UNLIKE, _KIND.DISLIKE, _KIND.UNDISLIKE, _KIND.NOT_INTERESTED, _KIND.INTERESTED)
_VIEWINGS = (_KIND.WATCH, _KIND.REWATCH, _KIND.RATING, _KIND.UNWATCH)
# Kinds of which the last word counts: each one's order among the others of its family matters.
_FAMILIES: Mapping[int, Collection[int]] = {kind: family for family in (_OPINIONS, _VIEWINGS) for kind in family}
# Of a viewing `unwatch` alone says the contrary, so a watch after a rewatch is the same word again.
_CONTRARY: Mapping[int, Collection[int]] = {
    kind: family if kind in (*_OPINIONS, _KIND.UNWATCH) else (kind, _KIND.UNWATCH) for kind, family in _FAMILIES.items()
}


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


def stands_before_corrections(viewer_id: str, movie_id: str, occurred_at: str, kind: str) -> str:
    """Return SQL that tells whether corrections stand behind the moment of an event, given as SQL: others of its family
    at that moment, and a little later. One subquery: to plan a second one takes longer than to run both."""
    cases = " ".join(
        f"WHEN {kind} IN ({numbers}) THEN ARRAY[{numbers}]"
        for numbers in (", ".join(str(int(one)) for one in family) for family in (_OPINIONS, _VIEWINGS))
    )
    return f"""EXISTS (SELECT FROM catalog_watchevent family WHERE family.viewer_id = {viewer_id}
        AND family.movie_id = {movie_id} AND family.kind = ANY(CASE {cases} END)
        AND family.occurred_at >= {occurred_at}
        AND family.occurred_at < {occurred_at} + interval '{MOMENT.total_seconds()} s'
        HAVING min(family.occurred_at) = {occurred_at} AND max(family.occurred_at) > {occurred_at})"""


def find_followers(block: EventBlock, positions: Sequence[int]) -> set[int]:
    """Find the events that have to wait for what becomes of one before them, of the same viewer, movie, moment and
    family."""
    kinds = set(block.kinds)
    if len(kinds.intersection(_OPINIONS)) < 2 and (_KIND.UNWATCH not in kinds or not kinds.intersection(_VIEWINGS[:3])):
        return set()  # as in nearly all blocks
    seen: set[tuple[object, ...]] = set()
    followers: set[int] = set()
    for position in positions:
        if family := _FAMILIES.get(block.kinds[position]):
            group = (block.viewers[position], block.movie_ids[position], block.moments[position], family)
            if group in seen:
                followers.add(position)
            seen.add(group)
    return followers


def place_corrections(
    unstored: Mapping[int, NewEvent], found: Mapping[int, StoredEvent]
) -> dict[int, NewEvent | EventResult]:
    """Place events behind those of the same moment that they correct (like, dislike, like): the later sent is the last
    word.

    Returns by position the events as they are to be stored, a microsecond later each; of one that was sent before, what
    becomes of it. One without an id of its own was, if the same was said at that moment at all; with an id that is not
    known, if it is the last word. `found`: what find_stored() found.
    """
    events = {
        position: event
        for position, event in unstored.items()
        if event.kind in _FAMILIES
        and (
            position not in found
            or event_number(event) is None
            or event_number(event) != found[position].client_event_id
        )
    }
    said = _said_at_moments(events)
    placed: dict[int, NewEvent | EventResult] = {}
    sent: dict[UUID, StoredEvent] = {}  # by id, in this call
    for position, event in events.items():
        words = said.setdefault(event_key(event)[:3], [])
        number = event_number(event)
        if number in sent:
            placed[position] = compare(event, sent[number])
            continue
        if same := _same_words(event, words):
            results = [compare(event, word) for word in same]
            is_duplicate = event.kind == _KIND.RATING or any(one.status is EventStatus.DUPLICATE for one in results)
            placed[position] = EventResult(EventStatus.DUPLICATE) if is_duplicate else results[-1]
            continue
        family = [word for word in words if word.kind in _FAMILIES[event.kind]]
        moment = max((word.occurred_at for word in family), default=event.occurred_at)
        if moment > event.occurred_at or any(word.kind == event.kind for word in family):
            moment += timedelta(microseconds=1)
        if _is_moment_of(event, moment):
            placed[position] = correction = replace(event, occurred_at=moment)
            words.append(StoredEvent.of(correction))
            if number is not None:
                sent[number] = words[-1]
        elif position not in found:
            placed[position] = compare(event, family[-1])
    return placed


def _same_words(event: NewEvent, words: Sequence[StoredEvent]) -> list[StoredEvent]:
    """Return what says the same at the event's moment, so that the event is no new word; `words`: the newest last."""
    if event_number(event) is not None:
        words = [word for word in words if word.kind in _CONTRARY[event.kind]][-1:]
    return [
        word
        for word in words
        if word.kind == event.kind and (event.kind != _KIND.RATING or equal_as_float32(event.rating, word.rating))
    ]


def _said_at_moments(events: Mapping[int, NewEvent]) -> dict[tuple[int, datetime, int], list[StoredEvent]]:
    """Read what the same viewer said of the same movie at the moment of each of these, the newest last."""
    said: dict[tuple[int, datetime, int], list[StoredEvent]] = {}
    if not events:
        return said
    keys = [*{event_key(event)[:3] for event in events.values()}]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.viewer_id, k.occurred_at, k.movie_id,
                 e.viewer_id, e.occurred_at, e.movie_id, e.kind, e.rating, e.completion, e.client_event_id
               FROM unnest(%s::int[], %s::timestamptz[], %s::int[]) AS k (viewer_id, occurred_at, movie_id)
               JOIN catalog_watchevent e ON e.viewer_id = k.viewer_id AND e.movie_id = k.movie_id
                 AND e.occurred_at >= k.occurred_at
                 AND e.occurred_at < k.occurred_at + make_interval(secs => %s)
               ORDER BY e.occurred_at, e.id""",
            [
                integer_array(viewer_id for viewer_id, _, _ in keys),
                moment_array(moment for _, moment, _ in keys),
                integer_array(movie_id for _, _, movie_id in keys),
                MOMENT.total_seconds(),
            ],
        )
        for viewer_id, occurred_at, movie_id, *word in cursor.fetchall():
            said.setdefault((viewer_id, occurred_at, movie_id), []).append(StoredEvent(*word))
    return said


def _is_moment_of(event: NewEvent, stored_at: datetime) -> bool:
    """Tell whether an event is stored at its moment, or a little later behind others that it corrects."""
    later = stored_at - event.occurred_at
    return not later or (event.kind in _FAMILIES and timedelta() < later < MOMENT)


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
