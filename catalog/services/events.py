"""Writing events: idempotent, safe under concurrency, the same few statements for one event or a thousand."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.db import connection, transaction

from catalog.event_keys import EventId
from catalog.keys import VIEWER_KEY_RULE, Key, parse_key
from catalog.limits import MAX_ID
from catalog.models import Viewer, WatchEvent
from catalog.pg_arrays import integer_array, moment_array, real_array, uuid_array
from catalog.services.event_duplicates import (
    compare,
    find_followers,
    find_stored,
    place_corrections,
    stands_before_corrections,
)
from catalog.services.event_types import EventBlock, EventResult, EventStatus, NewEvent, event_key
from catalog.services.progress import save_progress
from catalog.services.viewer_rows import LockedViewer, lock_viewers_by_key
from catalog.signals import viewers_changed

MIN_OCCURRED_AT = datetime(1900, 1, 1, tzinfo=UTC)
MAX_CLOCK_SKEW = timedelta(days=1)
_STORED = EventResult(EventStatus.STORED)
# Locks movies and then looks which viewers are there, so that no statement is needed to create them.
_LOCK_MOVIES = """
    WITH movies AS MATERIALIZED (SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE)
    SELECT ARRAY(SELECT id FROM movies),
      ARRAY(SELECT id FROM catalog_viewer WHERE id = ANY(%s::int[])),
      ARRAY(SELECT key FROM catalog_viewer WHERE key = ANY(%s::text[]))
"""
# Stores an event of a movie and of a viewer who are there: the same locks in the same order as for many events.
_INSERT_ONE = f"""
    WITH movie AS MATERIALIZED (SELECT id FROM catalog_movie WHERE id = %s FOR KEY SHARE),
    viewer AS MATERIALIZED (
      SELECT id FROM catalog_viewer WHERE {{column}} = %s AND EXISTS (SELECT FROM movie) FOR NO KEY UPDATE),
    stored AS (
      INSERT INTO catalog_watchevent (viewer_id, movie_id, occurred_at, kind, client_event_id, rating, completion)
      SELECT viewer.id, movie.id, e.* FROM viewer, movie,
        (VALUES (%s::timestamptz, %s::smallint, %s::uuid, %s::real, %s::real))
        AS e (occurred_at, kind, client_event_id, rating, completion)
      WHERE NOT ({stands_before_corrections("viewer.id", "movie.id", "e.occurred_at", "e.kind")})
      ON CONFLICT DO NOTHING
      RETURNING viewer_id)
    UPDATE catalog_viewer SET publish_pending = true, is_session = is_session AND %s,
      version = 1 + greatest(version, (SELECT version_floor FROM catalog_revision))
    WHERE id = (SELECT viewer_id FROM stored) RETURNING id, version
"""  # noqa: S608 - of constants
# Raises the versions of some viewers, above that of any deleted viewer too, and marks them for the outbox; those among
# some accounts are no sessions from here on.
_BUMP = """
    UPDATE catalog_viewer SET publish_pending = true, is_session = is_session AND id <> ALL(%s::int[]),
      version = 1 + greatest(version, (SELECT version_floor FROM catalog_revision))
"""
# Returns the places (from 1) of those that were not new, the ids of the new ones as ranges, and the viewers of the new
# ones with their new versions.
_INSERT = f"""
    WITH sequence AS MATERIALIZED (SELECT pg_get_serial_sequence('catalog_watchevent', 'id')::regclass AS name),
    sent AS MATERIALIZED (
      SELECT nextval((SELECT name FROM sequence)) AS id, e.*
      FROM unnest(%s::int[], %s::timestamptz[], %s::int[], %s::smallint[], %s::uuid[], %s::real[], %s::real[])
        WITH ORDINALITY
        AS e (viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion, place)),
    stored AS (
      INSERT INTO catalog_watchevent
        (id, viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion)
      SELECT id, viewer_id, occurred_at, movie_id, kind, client_event_id, rating, completion FROM sent
      WHERE NOT ({stands_before_corrections("sent.viewer_id", "sent.movie_id", "sent.occurred_at", "sent.kind")})
      ORDER BY place
      ON CONFLICT DO NOTHING
      RETURNING id, viewer_id),
    changed AS ({_BUMP} WHERE id IN (SELECT viewer_id FROM stored) RETURNING id, version)
    SELECT (SELECT array_agg(place) FROM sent WHERE NOT EXISTS (SELECT FROM stored WHERE stored.id = sent.id)),
      (SELECT range_agg(int8range(id, id + 1)) FROM stored),
      (SELECT array_agg(ARRAY[id, version]) FROM changed)
"""  # noqa: S608 - of constants


class RecordedBlock(NamedTuple):
    """What became of a block of events."""

    others: dict[int, EventResult]  # by position, of those that were not merely stored
    viewer_ids: dict[Key, int]  # of the viewers that were touched, by key
    versions: dict[int, int]  # theirs, as committed (viewer id -> version)
    ranges: list[tuple[int, int]]  # ids of the new events: from one, and below another
    renewed: dict[int, int]  # progress that went on: the event's former id -> its id
    new_viewers: list[int]  # ids of those who were not known
    backdated: Sequence[int] = ()  # ids of new viewers who came at another moment than noted before


class _Inserted(NamedTuple):
    """Which of the events were not new, by their positions."""

    unstored: set[int]
    ranges: list[tuple[int, int]]  # as in RecordedBlock
    versions: dict[int, int]  # of the viewers of the new ones, raised


class _Settled(NamedTuple):
    """What became of events that were not merely new."""

    results: dict[int, EventResult]  # by position
    changed: set[int]  # viewers whose lists are others now
    versions: dict[int, int]  # of those among them that were raised with new events
    ranges: list[tuple[int, int]]  # as in RecordedBlock
    renewed: dict[int, int]  # as in RecordedBlock


def record_events(
    events: Sequence[NewEvent], *, announce: bool = True, others: Mapping[Key, bool] | None = None
) -> list[EventResult]:
    """Store the new events and return a result for each, in order. One transaction, at most five statements, three for
    viewers who are there, and three more for progress and for what corrects something of the same moment.

    Locks are taken in one order everywhere, so that writers wait for each other but never deadlock:
    1. the movies (key share, by id; a movie cannot be deleted under its new event),
    2. the viewers (by id; unknown ones are created first, by key),
    3. the events themselves, which are serial for each viewer by then.

    A caller that publishes the versions of the results itself passes `announce=False`: the signal is not sent then.
    `others`: viewers without an event here who are to be there as well when this returns -> whether each is a session.
    """
    with transaction.atomic(savepoint=False):  # within a caller's transaction two round trips less
        recorded = _record(EventBlock.of(events), announce, others or {})
    results = [recorded.others.get(position, _STORED) for position in range(len(events))]
    return [_add_version(result, event.viewer, recorded) for result, event in zip(results, events, strict=True)]


def record_new_event(event: NewEvent) -> EventResult | None:
    """Store an event that is merely new, of a movie and a viewer who are there, in one statement, and announce nothing.

    None for any other, of which nothing is stored: record_events() says what becomes of it.
    """
    event_id = event.client_event_id
    is_plain = event.kind != WatchEvent.Kind.PROGRESS and not (event_id and event_id.text)
    if not is_plain or _validation_errors(EventBlock.of([event])):
        return None
    column = "id" if isinstance(event.viewer, int) else "key"
    values = (event.occurred_at, event.kind, event_id and event_id.number, event.rating, event.completion)
    with connection.single_write(), connection.cursor() as cursor:  # type: ignore[attr-defined]  # movierec.postgres
        cursor.execute(_INSERT_ONE.format(column=column), [event.movie_id, event.viewer, *values, event.is_session])
        row = cursor.fetchone()
    return None if row is None else replace(_STORED, viewer_id=row[0], viewer_version=row[1])


def record_block(block: EventBlock, *, newcomers: set[int] | None = None) -> RecordedBlock:
    """Store the new events of a block as record_events() does, which has one object for each.

    `newcomers`: ids of the viewers whom earlier blocks of an import have created, is filled. The operator, no client,
    dates the events, so these viewers count as known since the first of theirs.
    """
    with transaction.atomic():
        recorded = _record(block, announce=True, others={})
        if newcomers is not None:
            newcomers.update(recorded.new_viewers)
            recorded = recorded._replace(backdated=_backdate(block, recorded, newcomers))
    return recorded


def _record(block: EventBlock, announce: bool, others: Mapping[Key, bool]) -> RecordedBlock:
    errors = _validation_errors(block)
    wanted = {movie_id for position, movie_id in enumerate(block.movie_ids) if position not in errors}
    movies, known_viewers = _lock_movies_and_find(wanted, {*block.viewers, *others})
    if unknown := wanted - movies:
        for position, movie_id in enumerate(block.movie_ids):
            if movie_id in unknown:
                error = f"there is no film {movie_id}" if movie_id > 0 else "there is no such film"
                errors.setdefault(position, error)
    accepted = [position for position in range(len(block)) if position not in errors] if errors else range(len(block))
    viewers = _lock_viewers(block, accepted, others, known_viewers)
    ids = {key: viewer.id for key, viewer in viewers.items()}
    versions = {viewer.id: viewer.version for viewer in viewers.values()}
    accounts = {ids[block.viewers[position]] for position in accepted if not block.sessions[position]}

    progress = [position for position in accepted if block.kinds[position] == WatchEvent.Kind.PROGRESS]
    apart = find_followers(block, accepted).union(progress)
    plain = sorted({*accepted}.difference(apart)) if apart else accepted
    inserted = _insert(block, plain, ids, accounts)
    settled = _settle({n: block.event(n, ids[block.viewers[n]]) for n in sorted(apart | inserted.unstored)}, accounts)
    versions |= inserted.versions | settled.versions
    versions |= bump_versions(settled.changed - inserted.versions.keys() - settled.versions.keys(), accounts=accounts)
    if announce:
        send_viewers_changed(versions)
    rejected = {position: EventResult(EventStatus.REJECTED, error) for position, error in errors.items()}
    outcome = {n: result for n, result in settled.results.items() if result.status is not EventStatus.STORED}
    return RecordedBlock(
        rejected | outcome,
        ids,
        versions,
        [*inserted.ranges, *settled.ranges],
        settled.renewed,
        [viewer.id for viewer in viewers.values() if viewer.is_new],
    )


def _add_version(result: EventResult, viewer: Key, recorded: RecordedBlock) -> EventResult:
    """Return the result with the viewer's id and version, where the viewer was touched."""
    viewer_id = recorded.viewer_ids.get(viewer)
    if viewer_id is None or viewer_id not in recorded.versions:
        return result
    return replace(result, viewer_version=recorded.versions[viewer_id], viewer_id=viewer_id)


def _settle(events: Mapping[int, NewEvent], accounts: Collection[int]) -> _Settled:
    """Settle the events that are not merely new: progress, later words of a moment, and what was sent before."""
    found = find_stored(events)
    progress = {position: event for position, event in events.items() if event.kind == WatchEvent.Kind.PROGRESS}
    saved = save_progress(progress, found)
    _end_sessions(saved.updated_viewers.intersection(accounts))
    others = {position: event for position, event in events.items() if position not in progress}
    corrections = place_corrections(others, found)
    added = [*saved.new_events, *(event for event in corrections.values() if isinstance(event, NewEvent))]
    ids = {event.viewer: event.viewer_id for event in added}
    inserted = _insert(EventBlock.of(added), range(len(added)), ids, accounts)
    stored = {event_key(event) for position, event in enumerate(added) if position not in inserted.unstored}
    _store_texts(filter(None, (event.client_event_id for event in saved.updated_events)))
    results, changed = saved.results, saved.changed_viewers
    for position, event in others.items():
        correction = corrections.get(position)
        if isinstance(correction, EventResult):
            results[position] = correction
        elif correction is not None and event_key(correction) in stored:
            results[position] = _STORED
            changed.add(event.viewer_id)
        else:
            results[position] = compare(event, found.get(position))
    return _Settled(results, changed, inserted.versions, inserted.ranges, saved.renewed)


def _lock_viewers(
    block: EventBlock, accepted: Sequence[int], others: Mapping[Key, bool], known: Collection[Key]
) -> dict[Key, LockedViewer]:
    """Create and lock the viewers of the events, and the others; the `known` were there a moment ago. Of a session all
    events must say that it is one."""
    viewers = {block.viewers[position] for position in accepted} | others.keys()
    accounts = {block.viewers[position] for position in accepted if not block.sessions[position]}
    accounts |= {viewer for viewer, is_session in others.items() if not is_session}
    return lock_viewers_by_key(viewers, create=viewers, sessions=viewers - accounts, known=known)


def _validation_errors(block: EventBlock) -> dict[int, str]:
    """Return by position why events cannot be stored."""
    errors: dict[int, str] = {}
    viewer_errors = {viewer: _viewer_error(viewer) for viewer in set(block.viewers)}
    movie_errors = {movie_id: _movie_error(movie_id) for movie_id in set(block.movie_ids)}
    contents = list(zip(block.kinds, block.ratings, block.completions, strict=True))
    content_errors = {content: _content_error(*content) for content in set(contents)}
    now = datetime.now(UTC)
    if _are_in_time(block.moments, now) and not any(
        (*viewer_errors.values(), *movie_errors.values(), *content_errors.values())
    ):
        return errors
    for position, content in enumerate(contents):
        error = (
            viewer_errors[block.viewers[position]]
            or movie_errors[block.movie_ids[position]]
            or content_errors[content]
            or _moment_error(block.moments[position], now)
        )
        if error:
            errors[position] = error
    return errors


def _viewer_error(viewer: Key) -> str:
    if isinstance(viewer, int):
        return "" if 1 <= viewer <= MAX_ID else f"viewer id {viewer} is not between 1 and {MAX_ID}"
    return "" if parse_key(viewer) == viewer else VIEWER_KEY_RULE


def _movie_error(movie_id: int) -> str:
    is_possible = movie_id and abs(movie_id) <= MAX_ID
    return "" if is_possible else f"film id {movie_id} is none that a film can have"


def _content_error(kind: int, rating: float | None, completion: float | None) -> str:
    if kind not in WatchEvent.Kind.values:
        return f"kind {kind} is not one of {', '.join(map(str, WatchEvent.Kind.values))}"
    if rating is None and kind == WatchEvent.Kind.RATING:
        return "a rating event needs a rating from 0.5 to 5 in half stars"
    if completion is None and kind == WatchEvent.Kind.PROGRESS:
        return "a progress event needs a completion from 0 to 1"
    if rating is not None and rating * 2 not in range(1, 11):
        return f"rating {rating} is not among 0.5, 1, 1.5 … 5"
    if completion is not None and not (math.isfinite(completion) and 0 <= completion <= 1):
        return f"completion {completion} is not between 0 and 1"
    return ""


def _are_in_time(moments: Sequence[datetime], now: datetime) -> bool:
    if any(moment.tzinfo is None for moment in moments):
        return False
    return not moments or not (_moment_error(min(moments), now) or _moment_error(max(moments), now))


def _moment_error(moment: datetime, now: datetime) -> str:
    if moment.tzinfo is None:
        return "occurred_at has no time zone"
    if not MIN_OCCURRED_AT <= moment <= now + MAX_CLOCK_SKEW:
        return f"occurred_at {moment.isoformat()} is before 1900 or over a day ahead of the server's clock"
    return ""


def lock_movies(ids: set[int]) -> set[int]:
    """Lock movies against deletion until the transaction ends. Returns the ids that exist."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR KEY SHARE",
            [integer_array(sorted(ids))],
        )
        return {movie_id for (movie_id,) in cursor.fetchall()}


def _lock_movies_and_find(movie_ids: set[int], viewers: Collection[Key]) -> tuple[set[int], set[Key]]:
    """Lock movies as `lock_movies` does. Returns the ids that exist, and which of the viewers do."""
    if not movie_ids:
        return set(), set()
    numbers = [viewer for viewer in viewers if isinstance(viewer, int)]
    texts = [viewer for viewer in viewers if isinstance(viewer, str)]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_MOVIES, [integer_array(sorted(movie_ids)), numbers, texts])
        found, known_numbers, known_texts = cursor.fetchone()
    return set(found), {*known_numbers, *known_texts}


def _insert(
    block: EventBlock, positions: Sequence[int], ids: Mapping[Key, int], accounts: Collection[int]
) -> _Inserted:
    """Insert events in order, so that their ids keep it for equal times, with their keys, and raise the versions of
    their viewers. `ids`: of viewers by key; `accounts`: see `bump_versions`."""
    if not positions:
        return _Inserted(set(), [], {})
    if len(positions) < len(block):
        block = block.only(positions)
    columns = [
        integer_array(map(ids.__getitem__, block.viewers)),
        moment_array(block.moments),
        integer_array(block.movie_ids),
        integer_array(block.kinds),
        uuid_array(event_id and event_id.number for event_id in block.event_ids),
        real_array(block.ratings),
        real_array(block.completions),
        integer_array(sorted(accounts)),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)
        places, ranges, versions = cursor.fetchone()
    unstored = {place - 1 for place in places or ()}
    _store_texts(event_id for n, event_id in enumerate(block.event_ids) if event_id and n not in unstored)
    return _Inserted(
        {positions[n] for n in unstored}, [(first.lower, first.upper) for first in ranges or ()], dict(versions or ())
    )


def _store_texts(event_ids: Iterable[EventId]) -> None:
    """Store the keys of new events that are no UUID in lower case; they go when their events go (by a trigger)."""
    texts = {event_id.number: event_id.text for event_id in event_ids if event_id.text}
    if texts:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO catalog_eventkey (id, key) SELECT * FROM unnest(%s::uuid[], %s::text[])
                   ON CONFLICT (id) DO UPDATE SET key = EXCLUDED.key""",
                [uuid_array(texts), list(texts.values())],
            )


def _backdate(block: EventBlock, recorded: RecordedBlock, newcomers: Collection[int]) -> list[int]:
    """Move the day on which new viewers came back to their first event: charts count viewers who are not new.

    Returns the ids of those whose day was another.
    """
    first: dict[Key, datetime] = {}
    rejected = {n for n, result in recorded.others.items() if result.status is not EventStatus.DUPLICATE}
    for position, (viewer, moment) in enumerate(zip(block.viewers, block.moments, strict=True)):
        if (viewer not in first or moment < first[viewer]) and position not in rejected:
            first[viewer] = moment
    first = {viewer: moment for viewer, moment in first.items() if recorded.viewer_ids[viewer] in newcomers}
    if not first:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer v SET created_at = first.at
               FROM unnest(%s::int[], %s::timestamptz[]) AS first (viewer_id, at)
               WHERE v.id = first.viewer_id AND first.at < v.created_at RETURNING v.id""",
            [integer_array(map(recorded.viewer_ids.__getitem__, first)), moment_array(first.values())],
        )
        return [viewer_id for (viewer_id,) in cursor.fetchall()]


def bump_versions(ids: Iterable[int], *, accounts: Iterable[int] = ()) -> dict[int, int]:
    """Raise the versions of locked viewers, above that of any deleted viewer too, and mark them for the outbox.

    Viewers among `accounts` are no sessions from here on. Returns the new versions.
    """
    ordered = sorted(ids)
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"{_BUMP} WHERE id = ANY(%s::int[]) RETURNING id, version", [sorted(set(accounts)), ordered])
        return dict(cursor.fetchall())


def _end_sessions(ids: Collection[int]) -> None:
    """Make locked viewers accounts whose versions do not rise."""
    if ids:
        Viewer.objects.filter(pk__in=ids, is_session=True).update(is_session=False)


def send_viewers_changed(versions: dict[int, int]) -> None:
    """Send the signal after commit; a listener that fails leaves the event stored and the outbox marked."""
    if versions:
        transaction.on_commit(partial(viewers_changed.send_robust, sender=Viewer, versions=versions))
