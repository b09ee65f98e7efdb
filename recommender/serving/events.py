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
from recommender.models import Impression
from recommender.serving import impressions, stamps, tally
from recommender.serving.eligibility import catalogue

HISTORY_KINDS = {kind.label: kind for kind in WatchEvent.Kind}
SHOWN_KINDS = {kind.label: kind for kind in Impression.Kind}
KINDS = (*HISTORY_KINDS, *SHOWN_KINDS)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One event as a client reports it."""

    user_id: int
    movie_id: int
    kind: str  # one of KINDS
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    event_id: UUID | None = None
    recommendation_id: str = ""
    position: int | None = None
    timed: bool = True  # whether the client said when
    session: bool = False  # whether the viewer is an anonymous session


@dataclass(frozen=True, slots=True)
class Recorded:
    """A result for each event, in order. `visible`: every later read is of lists made after all of them."""

    results: list[EventResult]
    visible: bool


def record(happenings: Sequence[Happening | str]) -> Recorded:
    """Stores what is new, in one transaction; then publishes the viewers' versions, of duplicates too.

    A text in place of an event says why it could not be read: it is rejected for that reason.
    """
    reasons = [_refusal(one) for one in happenings]
    results = {n: EventResult(EventStatus.REJECTED, reason) for n, reason in enumerate(reasons) if reason}
    sound = [(n, one) for n, one in enumerate(happenings) if isinstance(one, Happening) and not reasons[n]]
    history = [(n, one) for n, one in sound if one.kind in HISTORY_KINDS]
    shown = [(n, one) for n, one in sound if one.kind in SHOWN_KINDS]
    with transaction.atomic():
        stored = record_events([_watch_event(one) for _, one in history])
        results |= {n: result for (n, _), result in zip(history, stored, strict=True)}
        results |= {n: result for (n, _), result in zip(shown, _record_shown([one for _, one in shown]), strict=True)}
    tally.add("events", by=sum(one.status == EventStatus.STORED for one in results.values()))
    versions = {one.user_id: v for n, one in history if (v := results[n].viewer_version) is not None}
    return Recorded([results[n] for n in range(len(happenings))], _publish(versions))


def _refusal(one: Happening | str) -> str:
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


def _watch_event(one: Happening) -> NewEvent:
    return NewEvent(
        viewer_id=one.user_id,
        movie_id=one.movie_id,
        kind=HISTORY_KINDS[one.kind],
        occurred_at=one.occurred_at,
        rating=one.rating,
        completion=one.completion,
        client_event_id=one.event_id,
        has_client_time=one.timed,
        is_session=one.session,
    )


def _record_shown(happenings: Sequence[Happening]) -> list[EventResult]:
    if not happenings:
        return []
    films = catalogue(stamps.look(None).stamps.catalogue or 0)
    exists = films.table.rows_of(np.array([one.movie_id for one in happenings])) >= 0
    known = [one for one, film in zip(happenings, exists, strict=True) if film]
    told = iter(impressions.store([_shown(one) for one in known], [one.timed for one in known]))
    return [
        next(told) if film else EventResult(EventStatus.REJECTED, f"there is no film {one.movie_id}")
        for one, film in zip(happenings, exists, strict=True)
    ]


def _shown(one: Happening) -> impressions.Shown:
    return impressions.Shown(
        user_id=one.user_id,
        movie_id=one.movie_id,
        kind=SHOWN_KINDS[one.kind],
        occurred_at=one.occurred_at,
        position=one.position,
        recommendation_id=one.recommendation_id,
        event_id=one.event_id,
        session=one.session,
    )
