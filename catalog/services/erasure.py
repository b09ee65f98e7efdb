"""Viewers who leave: erased with all they did, or merged into another viewer."""

from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from catalog.models import Revision, Viewer
from catalog.services.events import announce_viewers, lock_viewers, raise_versions


@dataclass(frozen=True, slots=True)
class Merged:
    """How many events moved, how many the other viewer had already, and the version that this gave them (None: nothing
    moved)."""

    events: int
    duplicates: int
    version: int | None


def erase_viewer(viewer_id: int) -> int:
    """Deletes the viewer, the events, and what the admin noted of changes. Returns the number of events."""
    with transaction.atomic():
        events = _delete(viewer_id)
        Revision.objects.get_or_create(pk=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_revision SET erasures = erasures + 1")
    return events


def merge_viewer(viewer_id: int, into: int) -> Merged:
    """Moves what one viewer did to another, who is created if need be, and deletes the first."""
    with transaction.atomic():
        if not Viewer.objects.filter(pk=viewer_id).exists():
            return Merged(0, 0, None)
        lock_viewers([viewer_id, into], create=True)
        with connection.cursor() as cursor:
            cursor.execute(
                """DELETE FROM catalog_watchevent e USING catalog_watchevent o
                   WHERE e.viewer_id = %s AND o.viewer_id = %s
                     AND (o.occurred_at, o.movie_id, o.kind) = (e.occurred_at, e.movie_id, e.kind)""",
                [viewer_id, into],
            )
            duplicates = cursor.rowcount
            cursor.execute("UPDATE catalog_watchevent SET viewer_id = %s WHERE viewer_id = %s", [into, viewer_id])
            moved = cursor.rowcount
        _delete(viewer_id)
        versions = raise_versions([into] if moved else [])
        announce_viewers(versions)
    return Merged(moved, duplicates, versions.get(into))


def _delete(viewer_id: int) -> int:
    """Remembers the highest version of anyone deleted: a viewer who comes back under the same id begins above it, so
    that no list of before is ever valid again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM catalog_viewer WHERE id = %s FOR UPDATE", [viewer_id])
        version = max((row[0] for row in cursor.fetchall()), default=0)
        cursor.execute("DELETE FROM catalog_watchevent WHERE viewer_id = %s", [viewer_id])
        events = cursor.rowcount
        cursor.execute("DELETE FROM catalog_viewer WHERE id = %s", [viewer_id])
        if version:
            Revision.objects.get_or_create(pk=1)
            cursor.execute("UPDATE catalog_revision SET version_floor = greatest(version_floor, %s)", [version])
    about = ContentType.objects.get_for_model(Viewer)
    LogEntry.objects.filter(content_type=about, object_id=str(viewer_id)).delete()
    return int(events)
