"""Record client events: viewing history goes to the catalogue, impressions and clicks to a table of their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.utils import timezone

from catalog import selectors
from catalog.event_keys import EventId
from catalog.keys import Key
from catalog.models import WatchEvent
from catalog.services import EventResult, EventStatus, NewEvent, record_events, record_new_event
from recommender import cache
from recommender.ingest.group_commit import GroupCommit
from recommender.ingest.impressions import NewImpression, store_impressions
from recommender.models import Impression
from recommender.movies.movie_ids import MovieId
from recommender.outcomes import note_outcomes
from recommender.serving import metrics
from recommender.serving.current_versions import load_movie_ids, read_versions

HISTORY_KINDS = {kind.label: kind for kind in WatchEvent.Kind}
IMPRESSION_KINDS = {kind.label: kind for kind in Impression.Kind}
KINDS = (*HISTORY_KINDS, *IMPRESSION_KINDS)
CLOCK_SKEW = timedelta(minutes=5)
MAX_SHARED = 100  # events of one transaction that several calls share


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEvent:
    """One event as a client reports it."""

    viewer: Key
    movie_id: MovieId  # as the client names it
    kind: str  # one of KINDS
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    event_id: EventId | None = None
    recommendation_id: str = ""
    position: int | None = None
    has_timestamp: bool = True  # False: the client sent no time, and occurred_at is the time of receipt
    is_session: bool = False  # whether the viewer is an anonymous session


@dataclass(frozen=True, slots=True)
class RecordResult:
    """Hold a result for each event, in order, and whether every later read reflects all of them (`visible`)."""

    results: list[EventResult]
    visible: bool


class _Recorded(NamedTuple):
    """What became of an event that was recorded, and whether every later read reflects it."""

    result: EventResult
    visible: bool


def record_client_events(client_events: Sequence[ClientEvent | str]) -> RecordResult:
    """Store what is new, then publish the viewers' versions once, those of duplicates too. All in one transaction,
    maybe with the events of other calls that come at the same time.

    A string in place of an event is the reason why it could not be parsed: it is rejected for that reason.
    """
    events = {index: event for index, event in enumerate(client_events) if isinstance(event, ClientEvent)}
    movie_ids = dict(zip(events, load_movie_ids([event.movie_id for event in events.values()]), strict=True))
    rejected: dict[int, EventResult] = {}
    for index, event in enumerate(client_events):
        if isinstance(event, str):
            rejected[index] = EventResult(EventStatus.REJECTED, event)
        elif event.occurred_at > timezone.now() + CLOCK_SKEW:
            reason = f"{event.occurred_at.isoformat()} lies more than 5 minutes ahead of the server's clock"
            rejected[index] = EventResult(EventStatus.REJECTED, f"occurred_at: {reason}")
        elif not movie_ids[index]:
            rejected[index] = EventResult(EventStatus.REJECTED, f"there is no film {event.movie_id}")
    accepted = [index for index in events if index not in rejected]
    stored = _group_commit.run([(events[index], movie_ids[index]) for index in accepted]) if accepted else []
    results = rejected | {index: recorded.result for index, recorded in zip(accepted, stored, strict=True)}
    visible = all(recorded.visible for recorded in stored)
    _note_outcomes(events, movie_ids, results)
    _count_results(list(results.values()), visible=visible)
    return RecordResult([results[index] for index in range(len(client_events))], visible)


def _record(events: Sequence[tuple[ClientEvent, int]]) -> list[_Recorded]:
    """Store events of films with these ids in one transaction, and publish the viewers' versions.

    One event takes one statement where it is merely new, as nearly all are.
    """
    history = [(event, movie_id) for event, movie_id in events if event.kind in HISTORY_KINDS]
    impressions = [(event, movie_id) for event, movie_id in events if event.kind not in HISTORY_KINDS]
    watches = [_to_watch_event(event, movie_id) for event, movie_id in history]
    alone = record_new_event(watches[0]) if len(events) == len(watches) == 1 else None
    if alone is not None:
        stored, seen = [alone], []
    else:
        with transaction.atomic():
            stored = record_events(watches, announce=False, others=_named_viewers(event for event, _ in impressions))
            seen = _record_impressions([event for event, _ in impressions], [movie_id for _, movie_id in impressions])
    versions = {
        result.viewer_id: result.viewer_version
        for result in stored
        if result.viewer_id is not None and result.viewer_version is not None
    }
    visible = cache.try_publish_viewer_versions(versions)
    of_history, of_impressions = iter(stored), iter(seen)
    return [
        _Recorded(next(of_history if event.kind in HISTORY_KINDS else of_impressions), visible) for event, _ in events
    ]


_group_commit = GroupCommit(_record, MAX_SHARED)


def _count_results(results: Sequence[EventResult], *, visible: bool) -> None:
    """Count what became of the events of a call."""
    stored = sum(result.status == EventStatus.STORED for result in results)
    refused = sum(result.status in (EventStatus.REJECTED, EventStatus.CONFLICT) for result in results)
    counts = {"events": stored, "events_rejected": refused, "events_invisible": 0 if visible else stored}
    for name, count in counts.items():
        if count:
            metrics.increment(name, by=count)


def _note_outcomes(
    events: Mapping[int, ClientEvent], movie_ids: Mapping[int, int], results: Mapping[int, EventResult]
) -> None:
    """Hand what is new over to what ties it to the lists that showed the films."""
    new = [
        (event, movie_ids[index], viewer_id)
        for index, event in events.items()
        if results[index].status == EventStatus.STORED and (viewer_id := results[index].viewer_id) is not None
    ]
    note_outcomes(
        (viewer_id, movie_id, event.kind, event.occurred_at, event.completion, event.recommendation_id)
        for event, movie_id, viewer_id in new
    )


def _to_watch_event(event: ClientEvent, movie_id: int) -> NewEvent:
    return NewEvent(
        viewer=event.viewer,
        movie_id=movie_id,
        kind=HISTORY_KINDS[event.kind],
        occurred_at=event.occurred_at,
        rating=event.rating,
        completion=event.completion,
        client_event_id=event.event_id,
        has_client_time=event.has_timestamp,
        is_session=event.is_session,
    )


def _named_viewers(client_events: Iterable[ClientEvent]) -> dict[Key, bool]:
    """Return the viewers who are named by a text, who need a row to have an id -> whether each is a session."""
    viewers: dict[Key, bool] = {}
    for event in client_events:
        if isinstance(event.viewer, str):
            viewers[event.viewer] = viewers.get(event.viewer, True) and event.is_session
    return viewers


def _record_impressions(client_events: Sequence[ClientEvent], movie_ids: Sequence[int]) -> list[EventResult]:
    """Store impressions and clicks of movies that the catalogue has; reject the others."""
    if not client_events:
        return []
    exists = read_versions(None).load_snapshot().table.rows_of(np.array(movie_ids)) >= 0
    accepted = [
        (event, movie_id) for event, movie_id, known in zip(client_events, movie_ids, exists, strict=True) if known
    ]
    named = _named_viewers(event for event, _ in accepted)
    viewer_ids = selectors.find_viewers(named) if named else {}
    rows = [
        NewImpression(
            viewer_id=event.viewer if isinstance(event.viewer, int) else viewer_ids[event.viewer],
            movie_id=movie_id,
            kind=IMPRESSION_KINDS[event.kind],
            occurred_at=event.occurred_at,
            position=event.position,
            recommendation_id=event.recommendation_id,
            event_id=event.event_id,
            is_session=event.is_session,
        )
        for event, movie_id in accepted
    ]
    results = store_impressions(rows, [event.has_timestamp for event, _ in accepted])
    stored = iter([replace(result, viewer_id=row.viewer_id) for result, row in zip(results, rows, strict=True)])
    return [
        next(stored) if known else EventResult(EventStatus.REJECTED, f"there is no film {event.movie_id}")
        for event, known in zip(client_events, exists, strict=True)
    ]
