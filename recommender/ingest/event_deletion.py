"""Taking back what was reported: events, impressions and clicks, by key or of a viewer."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from catalog import selectors, services
from catalog.event_keys import EventId
from catalog.keys import Key
from recommender import cache
from recommender.ingest.events import HISTORY_KINDS, IMPRESSION_KINDS
from recommender.models import Impression
from recommender.movies.movie_ids import MovieId
from recommender.serving.current_versions import load_movie_ids


class DeletionResult(NamedTuple):
    """Hold how many were deleted, and whether every later read reflects it (`visible`)."""

    events: int
    impressions: int
    visible: bool


def delete_event(event_id: EventId, *, only_of: Key | None = None) -> DeletionResult:
    """Delete the event, impression or click of this key. Deleting again does no harm.

    `only_of`: what is another viewer's counts as not there.
    """
    viewer_id = only_of if only_of is None or isinstance(only_of, int) else selectors.find_viewer(only_of)
    if viewer_id is None and only_of is not None:
        return DeletionResult(0, 0, True)
    of_viewer = {} if viewer_id is None else {"viewer_id": viewer_id}
    with transaction.atomic():
        deleted = services.delete_event(event_id, only_of=viewer_id)
        impressions, _ = Impression.objects.filter(client_event_id=event_id.number, **of_viewer).delete()
    return DeletionResult(deleted.events, impressions, cache.try_publish_viewer_versions(deleted.versions))


def delete_viewer_events(
    viewer: Key, *, movie_id: MovieId | None = None, kind: str | None = None, before: datetime | None = None
) -> DeletionResult:
    """Delete what was reported of a viewer: all, or what is of a movie, of a kind and before a moment.

    Deleting again does no harm.
    """
    viewer_id = viewer if isinstance(viewer, int) else selectors.find_viewer(viewer)
    if viewer_id is None:
        return DeletionResult(0, 0, True)
    own_id = None if movie_id is None else load_movie_ids([movie_id])[0]
    conditions = {"movie_id": own_id, "kind": IMPRESSION_KINDS.get(kind or ""), "occurred_at__lt": before}
    given = {name: value for name, value in conditions.items() if value is not None}
    deleted, impressions = services.DeletedEvents(0, {}), 0
    with transaction.atomic():
        if kind not in IMPRESSION_KINDS:
            watch_kind = None if kind is None else HISTORY_KINDS[kind].value
            deleted = services.delete_events(viewer_id, movie_id=own_id, kind=watch_kind, before=before)
        if kind not in HISTORY_KINDS:
            impressions, _ = Impression.objects.filter(viewer_id=viewer_id, **given).delete()
    return DeletionResult(deleted.events, impressions, cache.try_publish_viewer_versions(deleted.versions))
