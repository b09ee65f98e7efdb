"""Writing what viewers did: idempotent, safe under concurrency, the same few statements for one event or a thousand."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from catalog.limits import LARGEST_ID
from catalog.models import Viewer, WatchEvent
from catalog.signals import viewers_changed

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewEvent:
    viewer_id: int
    movie_id: int
    kind: int
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    client_event_id: UUID | None = None


class EventStatus(StrEnum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class EventResult:
    """`viewer_version` is the version as committed; None where the viewer was not touched."""

    status: EventStatus
    reason: str = ""
    viewer_version: int | None = None


class _Key(NamedTuple):
    """What identifies an event: the natural key and the client's own id."""

    viewer_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    client_event_id: UUID | None


def record_events(events: Sequence[NewEvent]) -> list[EventResult]:
    """Stores what is new and answers for each event, in order. One transaction, at most six statements.

    Locks are taken in one order everywhere, so that writers wait for each other but never deadlock:
    1. the films (key share, by id; a film cannot be deleted under its new event),
    2. the viewers (by id; unknown ones are created first),
    3. the events themselves, which are serial for each viewer by then.
    """
    with transaction.atomic():
        return _record(events)


def _record(events: Sequence[NewEvent]) -> list[EventResult]:
    problems = [_problem(event) for event in events]
    sound = [event for event, problem in zip(events, problems, strict=True) if not problem]
    films = _lock_films({event.movie_id for event in sound})
    accepted = [event for event in sound if event.movie_id in films]
    versions = lock_viewers({event.viewer_id for event in accepted}, create=True)
    stored = _insert(accepted)
    versions |= raise_versions({key.viewer_id for key in stored})
    owners = _owners_of_client_ids([e.client_event_id for e in accepted if e.client_event_id and _key(e) not in stored])
    announce_viewers(versions)

    results = []
    for event, problem in zip(events, problems, strict=True):
        if not problem and event.movie_id not in films:
            problem = f"there is no film {event.movie_id}"
        if not problem and owners.get(event.client_event_id, event.viewer_id) != event.viewer_id:
            problem = f"client_event_id {event.client_event_id} was already used for another viewer's event"
        if problem:
            results.append(EventResult(EventStatus.REJECTED, problem, versions.get(event.viewer_id)))
        elif _key(event) in stored:
            stored.remove(_key(event))  # a second one like it in the same call is a duplicate
            results.append(EventResult(EventStatus.STORED, "", versions[event.viewer_id]))
        else:
            results.append(EventResult(EventStatus.DUPLICATE, "", versions[event.viewer_id]))
    return results


def _problem(event: NewEvent) -> str:
    """Why the event cannot be stored, or nothing."""
    if not 1 <= event.viewer_id <= LARGEST_ID:
        return f"viewer id {event.viewer_id} is not between 1 and {LARGEST_ID}"
    if not 1 <= event.movie_id <= LARGEST_ID:
        return f"film id {event.movie_id} is not between 1 and {LARGEST_ID}"
    if event.kind not in WatchEvent.Kind.values:
        return f"kind {event.kind} is not one of {', '.join(map(str, WatchEvent.Kind.values))}"
    if event.rating is None and event.kind == WatchEvent.Kind.RATING:
        return "a rating event needs a rating from 0.5 to 5 in half stars"
    if event.rating is not None and event.rating * 2 not in range(1, 11):
        return f"rating {event.rating} is not among 0.5, 1, 1.5 … 5"
    if event.completion is not None and not (math.isfinite(event.completion) and 0 <= event.completion <= 1):
        return f"completion {event.completion} is not between 0 and 1"
    if event.occurred_at.tzinfo is None:
        return "occurred_at has no time zone"
    if not EARLIEST <= event.occurred_at <= datetime.now(UTC) + CLOCK_SKEW:
        return f"occurred_at {event.occurred_at.isoformat()} is before 1900 or over a day ahead of the server's clock"
    return ""


def _key(event: NewEvent) -> _Key:
    return _Key(event.viewer_id, event.occurred_at, event.movie_id, event.kind, event.client_event_id)


def _lock_films(ids: set[int]) -> set[int]:
    """Those that exist."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE", [sorted(ids)]
        )
        return {movie_id for (movie_id,) in cursor.fetchall()}


def lock_viewers(ids: Iterable[int], *, create: bool) -> dict[int, int]:
    """Locks viewers in id order until the transaction ends. Returns their versions; leaves out who is unknown.

    Creating comes before locking and also in id order: two calls with the same newcomers wait, they do not deadlock.
    """
    ordered = sorted(set(ids))
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        if create:
            cursor.execute(
                """INSERT INTO catalog_viewer (id, name, is_simulated, created_at, version, publish_pending)
                   SELECT id, '', false, now(), 0, false FROM unnest(%s::int[]) AS id ORDER BY id
                   ON CONFLICT (id) DO NOTHING""",
                [ordered],
            )
        cursor.execute(
            "SELECT id, version FROM catalog_viewer WHERE id = ANY(%s::int[]) ORDER BY id FOR NO KEY UPDATE", [ordered]
        )
        locked = dict(cursor.fetchall())
    if create and len(locked) < len(ordered):  # one was erased between the two statements, and begins anew
        return lock_viewers(ordered, create=True)
    return locked


def _insert(events: Sequence[NewEvent]) -> set[_Key]:
    """The keys of those that were new. Rows go in in the order given, so that ids keep it for equal times."""
    if not events:
        return set()
    columns = zip(*((*_key(event), event.rating, event.completion) for event in events), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_watchevent
                 (viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion)
               SELECT viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion
               FROM unnest(%s::int[], %s::timestamptz[], %s::int[], %s::smallint[], %s::uuid[], %s::real[], %s::real[])
                 WITH ORDINALITY
                 AS e (viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion, place)
               ORDER BY place
               ON CONFLICT DO NOTHING
               RETURNING viewer_id, occurred_at, movie_id, kind, client_event_id""",
            [list(column) for column in columns],
        )
        return {_Key(*row) for row in cursor.fetchall()}


def _owners_of_client_ids(ids: Sequence[UUID]) -> dict[UUID | None, int]:
    """The viewers whose events hold these client event ids."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT client_event_id, viewer_id FROM catalog_watchevent WHERE client_event_id = ANY(%s::uuid[])",
            [list(ids)],
        )
        return dict(cursor.fetchall())


def raise_versions(ids: Iterable[int]) -> dict[int, int]:
    """Higher for each of these viewers, which must be locked already, and than that of any viewer who is gone; marked
    for the outbox."""
    ordered = sorted(ids)
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer SET publish_pending = true,
                 version = 1 + greatest(version, (SELECT version_floor FROM catalog_revision))
               WHERE id = ANY(%s::int[]) RETURNING id, version""",
            [ordered],
        )
        return dict(cursor.fetchall())


def announce_viewers(versions: dict[int, int]) -> None:
    """Tells the layers above after commit; a listener that fails leaves the event stored and the outbox marked."""
    if versions:
        transaction.on_commit(partial(viewers_changed.send_robust, sender=Viewer, versions=versions))
