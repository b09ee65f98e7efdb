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
from recommender.serving import stamps, tally
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
        cache.publish_viewers(versions)
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
    )


def _record_shown(happenings: Sequence[Happening]) -> list[EventResult]:
    """Impressions and clicks: they move no list, so they cost one look and one insert."""
    if not happenings:
        return []
    ids = [one.event_id for one in happenings if one.event_id]
    known = set(Impression.objects.filter(client_event_id__in=ids).values_list("client_event_id", flat=True))
    films = catalogue(stamps.look(None).stamps.catalogue or 0)
    exists = films.table.places(np.array([one.movie_id for one in happenings])) >= 0
    results, rows = [], []
    for one, film in zip(happenings, exists, strict=True):
        if not film:
            results.append(EventResult(EventStatus.REJECTED, f"there is no film {one.movie_id}"))
        elif one.event_id in known:
            results.append(EventResult(EventStatus.DUPLICATE))
        else:
            results.append(EventResult(EventStatus.STORED))
            rows.append(_impression(one))
            known |= {one.event_id} if one.event_id else set()
    Impression.objects.bulk_create(rows, ignore_conflicts=True)  # the same event sent twice at once
    return results


def _impression(one: Happening) -> Impression:
    return Impression(
        occurred_at=one.occurred_at,
        viewer_id=one.user_id,
        movie_id=one.movie_id,
        kind=SHOWN_KINDS[one.kind],
        position=one.position,
        recommendation_id=one.recommendation_id,
        client_event_id=one.event_id,
    )
