"""Personal data: all that the catalogue knows of a viewer, for that viewer to have."""

from collections.abc import Collection
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from catalog.event_keys import event_key_text
from catalog.keys import Key
from catalog.models import EventKey, Viewer, WatchEvent

MAX_NOTES = 10_000
_VIEWER_FIELDS = ("name", "account", "age_limit", "country", "language", "is_session", "is_simulated", "created_at")


def personal_data(viewer_id: int) -> dict[str, Any]:
    """Return everything stored of a viewer, as JSON values.

    `viewer`: None for an unknown viewer. `events`: in the order of the history. `admin_notes`: the latest MAX_NOTES
    changes by staff, without who made them.
    """
    viewer = Viewer.objects.filter(pk=viewer_id).values(*_VIEWER_FIELDS).first()
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


def find_viewers(keys: Collection[Key]) -> dict[Key, int]:
    """Return the ids of the viewers who are there, by key."""
    numbers, texts = ([key for key in keys if isinstance(key, of)] for of in (int, str))
    with connection.cursor() as cursor:
        if not numbers:  # the common case: one look into one index
            cursor.execute("SELECT id, key FROM catalog_viewer WHERE key = ANY(%s::text[])", [texts])
        else:
            cursor.execute(
                "SELECT id, key FROM catalog_viewer WHERE id = ANY(%s::int[]) OR key = ANY(%s::text[])",
                [numbers, texts],
            )
        return {pk if key is None else key: pk for pk, key in cursor.fetchall()}


def find_viewer(key: Key) -> int | None:
    """Return the id of the viewer with this key; None for an unknown viewer."""
    return find_viewers([key]).get(key)


def viewer_keys(ids: Collection[int]) -> dict[int, Key]:
    """Return the keys of viewers by id. A number is its own key, whether there is such a viewer or not."""
    keys: dict[int, Key] = {viewer_id: viewer_id for viewer_id in ids if viewer_id > 0}
    below_zero = [viewer_id for viewer_id in ids if viewer_id < 0]
    if below_zero:
        keys |= dict(Viewer.objects.filter(pk__in=below_zero).values_list("pk", "key"))
    return keys


def viewer_created_at(key: Key) -> float | None:
    """Return when the viewer came (unix seconds); None for an unknown viewer.

    The moment tells the viewer apart from others who had or will have the same key.
    """
    viewer = Viewer.objects.filter(pk=key) if isinstance(key, int) else Viewer.objects.filter(key=key)
    created_at = viewer.values_list("created_at", flat=True).first()
    return created_at.timestamp() if created_at else None


def admin_log_entries(*viewer_ids: int) -> QuerySet[LogEntry]:
    """Return the admin's log entries about changes of viewers."""
    return LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Viewer), object_id__in=map(str, viewer_ids)
    )


def _event_values(event: Any) -> dict[str, Any]:
    return {
        "movie_id": event.movie.key or str(event.movie_id),
        "title": event.movie.title,
        "kind": event.get_kind_display(),
        "occurred_at": event.occurred_at,
        "rating": event.rating,
        "completion": event.completion,
        "event_id": event_key_text(event.client_event_id, event.event_key),
    }
