"""All that the catalogue knows of one viewer, for that viewer to have."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from catalog.models import Viewer, WatchEvent

MAX_NOTES = 10_000


def personal_data(viewer_id: int) -> dict[str, Any]:
    """`viewer`: None for one whom nobody knows. `events` in the order of the history. `admin_notes` of changes: the
    latest MOST_NOTES, without who made them."""
    known = Viewer.objects.filter(pk=viewer_id).values("name", "age_limit", "is_simulated", "created_at").first()
    events = WatchEvent.objects.filter(viewer_id=viewer_id).select_related("movie").order_by("occurred_at", "id")
    notes = admin_log_entries(viewer_id).order_by("-action_time")[:MAX_NOTES]
    return {
        "viewer": known,
        "events": [_event(event) for event in events.iterator()],
        "admin_notes": [_note(note) for note in notes],
    }


def viewer_created_at(viewer_id: int) -> float | None:
    """Unix seconds, by which the viewer is told apart from others who had or will have the number; None for one whom
    nobody knows."""
    came = Viewer.objects.filter(pk=viewer_id).values_list("created_at", flat=True).first()
    return came.timestamp() if came else None


def admin_log_entries(viewer_id: int) -> QuerySet[LogEntry]:
    """What the admin's log says of changes of the viewer."""
    return LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Viewer), object_id=str(viewer_id))


def _note(note: LogEntry) -> dict[str, Any]:
    return {"noted_at": note.action_time, "about": note.object_repr, "change": note.get_change_message()}


def _event(event: WatchEvent) -> dict[str, Any]:
    return {
        "movie_id": str(event.movie_id),
        "title": event.movie.title,
        "kind": event.get_kind_display(),
        "occurred_at": event.occurred_at,
        "rating": event.rating,
        "completion": event.completion,
        "event_id": event.client_event_id,
    }
