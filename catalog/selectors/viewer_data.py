"""Personal data: all that the catalogue knows of a viewer, for that viewer to have."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import OuterRef, QuerySet, Subquery

from catalog.event_keys import event_key_text
from catalog.models import EventKey, Viewer, WatchEvent

MAX_NOTES = 10_000


def personal_data(viewer_id: int) -> dict[str, Any]:
    """Return everything stored of a viewer, as JSON values.

    `viewer`: None for an unknown viewer. `events`: in the order of the history. `admin_notes`: the latest MAX_NOTES
    changes by staff, without who made them.
    """
    viewer = Viewer.objects.filter(pk=viewer_id).values("name", "age_limit", "is_simulated", "created_at").first()
    events = WatchEvent.objects.filter(viewer_id=viewer_id).select_related("movie").order_by("occurred_at", "id")
    events = events.annotate(event_key=stored_event_key())
    notes = admin_log_entries(viewer_id).order_by("-action_time")[:MAX_NOTES]
    return {
        "viewer": viewer,
        "events": [_event_values(event) for event in events.iterator()],
        "admin_notes": [
            {"noted_at": note.action_time, "about": note.object_repr, "change": note.get_change_message()}
            for note in notes
        ],
    }


def stored_event_key() -> Subquery:
    """Return the expression for the key of an event that is no UUID in lower case; null for any other event."""
    return Subquery(EventKey.objects.filter(pk=OuterRef("client_event_id")).values("key"))


def viewer_created_at(viewer_id: int) -> float | None:
    """Return when the viewer came (unix seconds); None for an unknown viewer.

    The moment tells the viewer apart from others who had or will have the same id.
    """
    created_at = Viewer.objects.filter(pk=viewer_id).values_list("created_at", flat=True).first()
    return created_at.timestamp() if created_at else None


def admin_log_entries(viewer_id: int) -> QuerySet[LogEntry]:
    """Return the admin's log entries about changes of the viewer."""
    return LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Viewer), object_id=str(viewer_id))


def _event_values(event: Any) -> dict[str, Any]:
    return {
        "movie_id": str(event.movie_id),
        "title": event.movie.title,
        "kind": event.get_kind_display(),
        "occurred_at": event.occurred_at,
        "rating": event.rating,
        "completion": event.completion,
        "event_id": event_key_text(event.client_event_id, event.event_key),
    }
