"""How far viewers are in their movies: one row for each viewer and movie, which the newest moment updates."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from numpy import float32

from catalog.models import WatchEvent
from catalog.services.event_duplicates import StoredEvent, compare, equal_as_float32
from catalog.services.event_types import EventResult, EventStatus, NewEvent, event_number

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class SavedProgress:
    """What became of progress events, and what of it is still to be written."""

    results: dict[int, EventResult] = field(default_factory=dict)  # by position
    new_events: list[NewEvent] = field(default_factory=list)  # to be inserted
    updated_events: list[NewEvent] = field(default_factory=list)  # that rows were updated to
    updated_viewers: set[int] = field(default_factory=set)
    changed_viewers: set[int] = field(default_factory=set)  # those of them whose lists are others now
    renewed: dict[int, int] = field(default_factory=dict)  # former ids of updated rows -> their ids


@dataclass(slots=True)
class _Row:
    """A stored or new row of a viewer's progress in a movie."""

    pk: int | None  # None: it is new
    occurred_at: datetime
    completion: float | None
    event_id: UUID | None
    kind: int = WatchEvent.Kind.PROGRESS
    event: NewEvent | None = None  # what it is updated to; None: it stays

    def update(self, event: NewEvent) -> None:
        self.occurred_at, self.completion, self.event_id = event.occurred_at, event.completion, event_number(event)
        self.event = event

    @property
    def is_whole(self) -> bool:
        return is_whole(self.completion)


@dataclass(slots=True)
class _Film:
    """What is known of a viewer's progress in a movie."""

    row: _Row | None = None  # the newest
    finished: list[_Row] = field(default_factory=list)  # that become watches
    seen_at: datetime = NEVER  # by the last whole watch
    unwatched_at: datetime = NEVER
    watched_at: set[datetime] = field(default_factory=set)  # of all watches

    @property
    def is_watched(self) -> bool:
        """Tell whether a watch says that the movie is seen."""
        return self.seen_at > self.unwatched_at


def save_progress(events: Mapping[int, NewEvent], found: Mapping[int, StoredEvent]) -> SavedProgress:
    """Update the rows of locked viewers to the newest of these progress events; older ones change nothing.

    `found`: what find_stored() found of them. Whoever begins a finished movie again has watched it: the row becomes
    that watch, and a new one begins. No list is another because a movie is merely further on.
    """
    saved = SavedProgress()
    if not events:
        return saved
    films = _read_films({(event.viewer_id, event.movie_id) for event in events.values()})
    sent: dict[UUID, NewEvent] = {}  # by id, in this call
    for position, event in events.items():
        number, stored = event_number(event), found.get(position)
        if number is not None and stored is not None and stored.client_event_id == number:
            saved.results[position] = compare(event, stored)
        elif number is not None and sent.setdefault(number, event) is not event:
            saved.results[position] = compare(event, StoredEvent.of(sent[number]))
        elif _update(films[event.viewer_id, event.movie_id], event, saved.changed_viewers):
            saved.results[position] = EventResult(EventStatus.STORED)
            saved.updated_viewers.add(event.viewer_id)
        else:
            saved.results[position] = EventResult(EventStatus.DUPLICATE)
    changed = []
    for film in films.values():
        for row in (*film.finished, *filter(None, [film.row])):
            if row.pk is None and row.event is not None:
                saved.new_events.append(replace(row.event, kind=row.kind))
            elif row.event is not None or row.kind == WatchEvent.Kind.WATCH:
                changed.append(row)
                saved.updated_events += filter(None, [row.event])
    saved.renewed = _write(changed)
    return saved


def is_whole(completion: float | None) -> bool:
    """Tell whether a movie is seen that was watched to this share."""
    return completion is None or bool(float32(completion) >= float32(settings.SEEN_SHARE))


def _update(film: _Film, event: NewEvent, changed_viewers: set[int]) -> bool:
    """Let the event update the movie's row, where it is newer. Returns whether it did; adds its viewer to those whose
    lists change."""
    row = film.row
    if row is not None and event.occurred_at <= row.occurred_at:
        is_same = equal_as_float32(event.completion, row.completion)
        if event.occurred_at < row.occurred_at or is_same:
            return False
    if row is None or row.is_whole or is_whole(event.completion):
        changed_viewers.add(event.viewer_id)
    begins_again = row is not None and row.is_whole and not is_whole(event.completion)
    if row is not None and begins_again and not film.is_watched and row.occurred_at not in film.watched_at:
        row.kind, film.seen_at = WatchEvent.Kind.WATCH, row.occurred_at
        film.finished.append(row)
        row = None
    if row is None:
        film.row = row = _Row(None, event.occurred_at, event.completion, None)
    row.update(event)
    return True


def _read_films(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], _Film]:
    """Read what is known of each (viewer, movie)."""
    films = {pair: _Film() for pair in sorted(pairs)}
    kind = WatchEvent.Kind
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.viewer_id, e.movie_id, e.kind, e.id, e.occurred_at, e.completion, e.client_event_id
               FROM unnest(%s::int[], %s::int[]) AS p (viewer_id, movie_id)
               JOIN catalog_watchevent e USING (viewer_id, movie_id)
               WHERE e.kind = ANY(%s::smallint[]) ORDER BY e.occurred_at, e.id""",
            [*map(list, zip(*films, strict=True)), [kind.WATCH, kind.PROGRESS, kind.UNWATCH]],
        )
        for viewer_id, movie_id, row_kind, *row in cursor.fetchall():
            film = films[viewer_id, movie_id]
            if row_kind == kind.PROGRESS:
                film.row = _Row(*row)
            elif row_kind == kind.UNWATCH:
                film.unwatched_at = row[1]
            else:
                _, occurred_at, completion, _ = row
                film.watched_at.add(occurred_at)
                film.seen_at = occurred_at if is_whole(completion) else film.seen_at
    return films


def _write(rows: Collection[_Row]) -> dict[int, int]:
    """Update stored rows. The keys of events that they were before are forgotten.

    A row that is another event from here on has another id, so who takes the former one back does not find it. Returns
    those ids by the former ones.
    """
    if not rows:
        return {}
    columns: list[list[Any]] = [
        [row.pk for row in rows],
        [row.kind for row in rows],
        [row.occurred_at for row in rows],
        [row.completion for row in rows],
        [row.event_id for row in rows],
        [row.event is not None for row in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH newest AS MATERIALIZED (
                 SELECT n.*, CASE WHEN is_another
                   THEN nextval(pg_get_serial_sequence('catalog_watchevent', 'id')) ELSE id END AS next_id
                 FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::real[], %s::uuid[], %s::bool[])
                   AS n (id, kind, occurred_at, completion, client_event_id, is_another)),
               forgotten AS (
                 DELETE FROM catalog_eventkey k USING catalog_watchevent e, newest n
                 WHERE e.id = n.id AND k.id = e.client_event_id AND k.id IS DISTINCT FROM n.client_event_id)
               UPDATE catalog_watchevent e
               SET id = n.next_id, kind = n.kind, occurred_at = n.occurred_at, completion = n.completion,
                 client_event_id = n.client_event_id
               FROM newest n WHERE e.id = n.id RETURNING n.id, n.next_id""",
            columns,
        )
        return {former: now for former, now in cursor.fetchall() if former != now}
