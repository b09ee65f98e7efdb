"""Writing what viewers did: idempotent, safe under concurrency, the same few statements for one event or a thousand."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import connection, transaction

from catalog.limits import MAX_ID
from catalog.models import Viewer, WatchEvent
from catalog.services.event_duplicates import resolve_duplicates
from catalog.services.event_types import EventKey, EventResult, EventStatus, NewEvent, event_key
from catalog.signals import viewers_changed

MIN_OCCURRED_AT = datetime(1900, 1, 1, tzinfo=UTC)
MAX_CLOCK_SKEW = timedelta(days=1)


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
    problems = [_validation_error(event) for event in events]
    sound = [event for event, problem in zip(events, problems, strict=True) if not problem]
    films = lock_movies({event.movie_id for event in sound})
    accepted = [event for event in sound if event.movie_id in films]
    viewers = {event.viewer_id for event in accepted}
    accounts = {event.viewer_id for event in accepted if not event.is_session}
    versions = lock_viewers(viewers, create=viewers, sessions=viewers - accounts)
    stored = _insert(accepted)
    versions |= bump_versions({key.viewer_id for key in stored}, accounts=accounts)
    send_viewers_changed(versions)

    results: dict[int, EventResult] = {}
    late: dict[int, NewEvent] = {}
    for place, (event, problem) in enumerate(zip(events, problems, strict=True)):
        if not problem and event.movie_id not in films:
            problem = f"there is no film {event.movie_id}"
        if problem:
            results[place] = EventResult(EventStatus.REJECTED, problem, versions.get(event.viewer_id))
        elif event_key(event) in stored:
            stored.remove(event_key(event))  # a second one like it in the same call is late
            results[place] = EventResult(EventStatus.STORED, "", versions[event.viewer_id])
        else:
            late[place] = event
    results |= resolve_duplicates(late, versions)
    return [results[place] for place in range(len(events))]


def _validation_error(event: NewEvent) -> str:
    """Why the event cannot be stored, or nothing."""
    if not 1 <= event.viewer_id <= MAX_ID:
        return f"viewer id {event.viewer_id} is not between 1 and {MAX_ID}"
    if not 1 <= event.movie_id <= MAX_ID:
        return f"film id {event.movie_id} is not between 1 and {MAX_ID}"
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
    if not MIN_OCCURRED_AT <= event.occurred_at <= datetime.now(UTC) + MAX_CLOCK_SKEW:
        return f"occurred_at {event.occurred_at.isoformat()} is before 1900 or over a day ahead of the server's clock"
    return ""


def lock_movies(ids: set[int]) -> set[int]:
    """Those that exist."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE", [sorted(ids)]
        )
        return {movie_id for (movie_id,) in cursor.fetchall()}


def lock_viewers(ids: Iterable[int], *, create: Iterable[int] = (), sessions: Iterable[int] = ()) -> dict[int, int]:
    """Locks viewers in id order until the transaction ends. Returns their versions; leaves out who is unknown and not
    among `create`. Who is created is an account, or one of `sessions`.

    Creating comes before locking and also in id order: two calls with the same newcomers wait, they do not deadlock.
    """
    ordered, new = sorted(set(ids)), sorted(set(create))
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        if new:
            cursor.execute(
                """INSERT INTO catalog_viewer (id, name, is_simulated, is_session, created_at, version, publish_pending)
                   SELECT id, '', false, id = ANY(%s::int[]), now(), 0, false FROM unnest(%s::int[]) AS id ORDER BY id
                   ON CONFLICT (id) DO NOTHING""",
                [sorted(set(sessions)), new],
            )
        cursor.execute(
            "SELECT id, version FROM catalog_viewer WHERE id = ANY(%s::int[]) ORDER BY id FOR NO KEY UPDATE", [ordered]
        )
        locked = dict(cursor.fetchall())
    if not locked.keys() >= set(new):  # one was erased between the two statements, and begins anew
        return lock_viewers(ordered, create=new, sessions=sessions)
    return locked


def _insert(events: Sequence[NewEvent]) -> set[EventKey]:
    """The keys of those that were new. Rows go in in the order given, so that ids keep it for equal times."""
    if not events:
        return set()
    columns = zip(*((*event_key(event), event.rating, event.completion) for event in events), strict=True)
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
        return {EventKey(*row) for row in cursor.fetchall()}


def bump_versions(ids: Iterable[int], *, accounts: Iterable[int] = ()) -> dict[int, int]:
    """Higher for each of these viewers, which must be locked already, and than that of any viewer who is gone; marked
    for the outbox. Those among `accounts` are no sessions from here on."""
    ordered = sorted(ids)
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer SET publish_pending = true, is_session = is_session AND id <> ALL(%s::int[]),
                 version = 1 + greatest(version, (SELECT version_floor FROM catalog_revision))
               WHERE id = ANY(%s::int[]) RETURNING id, version""",
            [sorted(set(accounts)), ordered],
        )
        return dict(cursor.fetchall())


def send_viewers_changed(versions: dict[int, int]) -> None:
    """Tells the layers above after commit; a listener that fails leaves the event stored and the outbox marked."""
    if versions:
        transaction.on_commit(partial(viewers_changed.send_robust, sender=Viewer, versions=versions))
