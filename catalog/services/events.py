"""Writing events: idempotent, safe under concurrency, the same few statements for one event or a thousand."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from catalog.keys import VIEWER_KEY_RULE, Key, parse_key
from catalog.limits import MAX_ID
from catalog.models import Viewer, WatchEvent
from catalog.services.event_duplicates import compare, find_stored, place_corrections
from catalog.services.event_types import EventKey, EventResult, EventStatus, NewEvent, event_key
from catalog.services.progress import save_progress
from catalog.services.viewer_rows import LockedViewer, lock_viewers_by_key
from catalog.signals import viewers_changed

MIN_OCCURRED_AT = datetime(1900, 1, 1, tzinfo=UTC)
MAX_CLOCK_SKEW = timedelta(days=1)


def record_events(
    events: Sequence[NewEvent], *, announce: bool = True, others: Mapping[Key, bool] | None = None
) -> list[EventResult]:
    """Store the new events and return a result for each, in order. One transaction, at most seven statements,
    and three more for progress and for ratings that correct one of the same moment.

    Locks are taken in one order everywhere, so that writers wait for each other but never deadlock:
    1. the movies (key share, by id; a movie cannot be deleted under its new event),
    2. the viewers (by id; unknown ones are created first, by key),
    3. the events themselves, which are serial for each viewer by then.

    A caller that publishes the versions of the results itself passes `announce=False`: the signal is not sent then.
    `others`: viewers without an event here who are to be there as well when this returns -> whether each is a session.
    """
    with transaction.atomic():
        return _record(events, announce, others or {})


def _record(events: Sequence[NewEvent], announce: bool, others: Mapping[Key, bool]) -> list[EventResult]:
    errors = [_validation_error(event) for event in events]
    valid = [event for event, error in zip(events, errors, strict=True) if not error]
    movies = lock_movies({event.movie_id for event in valid})
    accepted = [event for event in valid if event.movie_id in movies]
    viewers = _lock_viewers(accepted, others)
    events, accepted = _look_up_viewers(events, viewers), _look_up_viewers(accepted, viewers)
    accounts = {event.viewer_id for event in accepted if not event.is_session}
    versions = {viewer.id: viewer.version for viewer in viewers.values()}
    stored = _insert([event for event in accepted if event.kind != WatchEvent.Kind.PROGRESS])
    _store_keys(accepted, stored)
    changed = {key.viewer_id for key in stored}

    results: dict[int, EventResult] = {}
    unstored: dict[int, NewEvent] = {}
    for position, (event, error) in enumerate(zip(events, errors, strict=True)):
        if not error and event.movie_id not in movies:
            error = f"there is no film {event.movie_id}" if event.movie_id > 0 else "there is no such film"
        if error:
            results[position] = EventResult(EventStatus.REJECTED, error)
        elif event_key(event) in stored:
            stored.remove(event_key(event))  # a second one like it in the same call is a duplicate
            results[position] = EventResult(EventStatus.STORED)
        else:
            unstored[position] = event
    settled, changed_by_them = _settle(unstored, accounts)
    results |= settled
    changed |= changed_by_them
    versions |= bump_versions(changed, accounts=accounts)
    if announce:
        send_viewers_changed(versions)
    return [_add_version(results[position], event, versions) for position, event in enumerate(events)]


def _add_version(result: EventResult, event: NewEvent, versions: Mapping[int, int]) -> EventResult:
    """Return the result with the viewer's id and version, where the viewer was touched."""
    if not isinstance(event.viewer, int) or event.viewer not in versions:
        return result
    return replace(result, viewer_version=versions[event.viewer], viewer_id=event.viewer)


def _settle(events: Mapping[int, NewEvent], accounts: Collection[int]) -> tuple[dict[int, EventResult], set[int]]:
    """Settle the events that are not merely new: progress, later words of a moment, and what was sent before.

    Returns a result for each, by position, and the viewers whose lists are others now.
    """
    found = find_stored(events)
    progress = {position: event for position, event in events.items() if event.kind == WatchEvent.Kind.PROGRESS}
    saved = save_progress(progress, found)
    _end_sessions(saved.updated_viewers.intersection(accounts))
    others = {position: event for position, event in events.items() if position not in progress}
    corrections = place_corrections(others, found)
    added = [*saved.new_events, *filter(None, corrections.values())]
    stored = _insert(added)
    _store_keys([*saved.updated_events, *added], stored | {event_key(event) for event in saved.updated_events})
    results, changed = saved.results, saved.changed_viewers
    for position, event in others.items():
        correction = corrections.get(position, event)
        if correction is None:
            results[position] = EventResult(EventStatus.DUPLICATE)
        elif correction is not event and event_key(correction) in stored:
            results[position] = EventResult(EventStatus.STORED)
            changed.add(event.viewer_id)
        else:
            results[position] = compare(event, found.get(position))
    return results, changed


def _lock_viewers(events: Sequence[NewEvent], others: Mapping[Key, bool]) -> dict[Key, LockedViewer]:
    """Create and lock the viewers of the events, and the others. Of a session all events must say that it is one."""
    viewers = {event.viewer for event in events} | others.keys()
    accounts = {event.viewer for event in events if not event.is_session}
    accounts |= {viewer for viewer, is_session in others.items() if not is_session}
    return lock_viewers_by_key(viewers, create=viewers, sessions=viewers - accounts)


def _look_up_viewers(events: Sequence[NewEvent], viewers: Mapping[Key, LockedViewer]) -> list[NewEvent]:
    """Return the events with the ids of their viewers; those of unknown viewers, who have none, stay as they are."""
    if all(isinstance(event.viewer, int) for event in events):
        return list(events)
    return [
        replace(event, viewer=viewers[event.viewer].id)
        if isinstance(event.viewer, str) and event.viewer in viewers
        else event
        for event in events
    ]


def _validation_error(event: NewEvent) -> str:
    """Return why the event cannot be stored, or nothing."""
    if isinstance(event.viewer, int) and not 1 <= event.viewer <= MAX_ID:
        return f"viewer id {event.viewer} is not between 1 and {MAX_ID}"
    if isinstance(event.viewer, str) and parse_key(event.viewer) != event.viewer:
        return VIEWER_KEY_RULE
    if not event.movie_id or abs(event.movie_id) > MAX_ID:
        return f"film id {event.movie_id} is none that a film can have"
    if event.kind not in WatchEvent.Kind.values:
        return f"kind {event.kind} is not one of {', '.join(map(str, WatchEvent.Kind.values))}"
    if event.rating is None and event.kind == WatchEvent.Kind.RATING:
        return "a rating event needs a rating from 0.5 to 5 in half stars"
    if event.completion is None and event.kind == WatchEvent.Kind.PROGRESS:
        return "a progress event needs a completion from 0 to 1"
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
    """Lock movies against deletion until the transaction ends. Returns the ids that exist."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE", [sorted(ids)]
        )
        return {movie_id for (movie_id,) in cursor.fetchall()}


def _insert(events: Sequence[NewEvent]) -> set[EventKey]:
    """Insert events in order, so that ids keep it for equal times. Returns the keys of those that were new."""
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


def _store_keys(events: Sequence[NewEvent], stored: Collection[EventKey]) -> None:
    """Store the keys of new events that are no UUID in lower case; they go when their events go (by a trigger)."""
    texts: dict[UUID, str] = {}
    for event in events:
        if event.client_event_id and event_key(event) in stored:
            texts.setdefault(*event.client_event_id)  # the first of an id is the one that was stored
    texts = {number: text for number, text in texts.items() if text}
    if texts:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO catalog_eventkey (id, key) SELECT * FROM unnest(%s::uuid[], %s::text[])
                   ON CONFLICT (id) DO UPDATE SET key = EXCLUDED.key""",
                [list(texts), list(texts.values())],
            )


def bump_versions(ids: Iterable[int], *, accounts: Iterable[int] = ()) -> dict[int, int]:
    """Raise the versions of locked viewers, above that of any deleted viewer too, and mark them for the outbox.

    Viewers among `accounts` are no sessions from here on. Returns the new versions.
    """
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


def _end_sessions(ids: Collection[int]) -> None:
    """Make locked viewers accounts whose versions do not rise."""
    if ids:
        Viewer.objects.filter(pk__in=ids, is_session=True).update(is_session=False)


def send_viewers_changed(versions: dict[int, int]) -> None:
    """Send the signal after commit; a listener that fails leaves the event stored and the outbox marked."""
    if versions:
        transaction.on_commit(partial(viewers_changed.send_robust, sender=Viewer, versions=versions))
