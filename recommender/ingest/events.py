"""Path 2: what viewers did. The history goes to the catalogue, what was shown and clicked to its own table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from catalog.models import WatchEvent
from catalog.services import EventResult, EventStatus, NewEvent, record_events
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.ingest import impressions
from recommender.models import Impression
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions, metrics

HISTORY_KINDS = {kind.label: kind for kind in WatchEvent.Kind}
IMPRESSION_KINDS = {kind.label: kind for kind in Impression.Kind}
KINDS = (*HISTORY_KINDS, *IMPRESSION_KINDS)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEvent:
    """One event as a client reports it."""

    viewer_id: int
    movie_id: int
    kind: str  # one of KINDS
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    event_id: UUID | None = None
    recommendation_id: str = ""
    position: int | None = None
    has_timestamp: bool = True  # whether the client said when
    is_session: bool = False  # whether the viewer is an anonymous session


@dataclass(frozen=True, slots=True)
class RecordResult:
    """A result for each event, in order. `visible`: every later read is of lists made after all of them."""

    results: list[EventResult]
    visible: bool


def record_client_events(client_events: Sequence[ClientEvent | str]) -> RecordResult:
    """Stores what is new, in one transaction; then publishes the viewers' versions, of duplicates too.

    A text in place of an event says why it could not be read: it is rejected for that reason.
    """
    reasons = [_rejection_reason(one) for one in client_events]
    results = {n: EventResult(EventStatus.REJECTED, reason) for n, reason in enumerate(reasons) if reason}
    sound = [(n, one) for n, one in enumerate(client_events) if isinstance(one, ClientEvent) and not reasons[n]]
    history = [(n, one) for n, one in sound if one.kind in HISTORY_KINDS]
    shown = [(n, one) for n, one in sound if one.kind in IMPRESSION_KINDS]
    with transaction.atomic():
        stored = record_events([_to_watch_event(one) for _, one in history])
        results |= {n: result for (n, _), result in zip(history, stored, strict=True)}
        results |= {
            n: result for (n, _), result in zip(shown, _record_impressions([one for _, one in shown]), strict=True)
        }
    metrics.increment("events", by=sum(one.status == EventStatus.STORED for one in results.values()))
    versions = {one.viewer_id: v for n, one in history if (v := results[n].viewer_version) is not None}
    return RecordResult([results[n] for n in range(len(client_events))], _publish(versions))


def _rejection_reason(one: ClientEvent | str) -> str:
    if isinstance(one, str):
        return one
    if one.occurred_at > timezone.now() + CLOCK_SKEW:
        return f"occurred_at: {one.occurred_at.isoformat()} lies more than 5 minutes ahead of the server's clock"
    return ""


def _publish(versions: dict[int, int]) -> bool:
    """The signal after commit has published them already, and may have failed unseen; this one is known to arrive."""
    if not versions:
        return True
    try:
        cache.publish_viewer_versions(versions)
    except CacheUnavailable:
        return False  # the outbox holds them: beat publishes within seconds
    return True


def _to_watch_event(one: ClientEvent) -> NewEvent:
    return NewEvent(
        viewer_id=one.viewer_id,
        movie_id=one.movie_id,
        kind=HISTORY_KINDS[one.kind],
        occurred_at=one.occurred_at,
        rating=one.rating,
        completion=one.completion,
        client_event_id=one.event_id,
        has_client_time=one.has_timestamp,
        is_session=one.is_session,
    )


def _record_impressions(happenings: Sequence[ClientEvent]) -> list[EventResult]:
    if not happenings:
        return []
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    exists = films.table.rows_of(np.array([one.movie_id for one in happenings])) >= 0
    known = [one for one, film in zip(happenings, exists, strict=True) if film]
    told = iter(
        impressions.store_impressions([_to_impression(one) for one in known], [one.has_timestamp for one in known])
    )
    return [
        next(told) if film else EventResult(EventStatus.REJECTED, f"there is no film {one.movie_id}")
        for one, film in zip(happenings, exists, strict=True)
    ]


def _to_impression(one: ClientEvent) -> impressions.NewImpression:
    return impressions.NewImpression(
        viewer_id=one.viewer_id,
        movie_id=one.movie_id,
        kind=IMPRESSION_KINDS[one.kind],
        occurred_at=one.occurred_at,
        position=one.position,
        recommendation_id=one.recommendation_id,
        event_id=one.event_id,
        is_session=one.is_session,
    )
