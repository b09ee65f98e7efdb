"""All that the catalogue knows of one viewer, for that viewer to have."""

from typing import Any

from catalog.models import Viewer, WatchEvent


def viewer_data(viewer_id: int) -> dict[str, Any]:
    """`viewer`: None for one whom nobody knows. `events` in the order of the history."""
    known = Viewer.objects.filter(pk=viewer_id).values("name", "age_limit", "is_simulated", "created_at").first()
    events = WatchEvent.objects.filter(viewer_id=viewer_id).select_related("movie").order_by("occurred_at", "id")
    return {"viewer": known, "events": [_event(event) for event in events.iterator()]}


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
