"""Taking events back: one by its key, or those of a viewer. What is gone is unknown to the next read."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from catalog.event_keys import EventId
from catalog.models import WatchEvent
from catalog.services.events import bump_versions
from catalog.services.viewer_rows import lock_viewers


class DeletedEvents(NamedTuple):
    """How many events were deleted, and the versions of their viewers as committed (viewer id -> version)."""

    events: int
    versions: dict[int, int]


def delete_event(event_id: EventId, *, only_of: int | None = None) -> DeletedEvents:
    """Delete the event of this key, if there is one. Its viewer's version rises.

    `only_of`: another viewer's event counts as not there.
    """
    while True:
        with transaction.atomic():
            viewer_id = (
                WatchEvent.objects.filter(client_event_id=event_id.number).values_list("viewer_id", flat=True).first()
            )
            if viewer_id is None or only_of not in (None, viewer_id):
                return DeletedEvents(0, {})
            lock_viewers([viewer_id])
            events, _ = WatchEvent.objects.filter(client_event_id=event_id.number, viewer=viewer_id).delete()
            if events:
                return DeletedEvents(events, bump_versions([viewer_id]))
        # A merge gave it to another viewer before the lock was had, or it was deleted: look again.


def delete_events(
    viewer_id: int, *, movie_id: int | None = None, kind: int | None = None, before: datetime | None = None
) -> DeletedEvents:
    """Delete a viewer's events, or those of a movie, of a kind and before a moment. The viewer's version rises.

    Where there is nothing to delete the version stays, and is returned: somebody may send the same call again.
    """
    conditions = {"movie": movie_id, "kind": kind, "occurred_at__lt": before}
    given = {name: value for name, value in conditions.items() if value is not None}
    with transaction.atomic():
        versions = lock_viewers([viewer_id])
        events, _ = WatchEvent.objects.filter(viewer=viewer_id, **given).delete()
        return DeletedEvents(events, versions | bump_versions(versions if events else []))
