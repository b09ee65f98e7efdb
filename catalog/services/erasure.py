"""Erasure of viewers with all that they did."""

from collections.abc import Collection

from django.db import connection, transaction

from catalog.models import Revision
from catalog.selectors.viewer_data import admin_log_entries


def erase_viewer(viewer_id: int) -> int:
    """Delete the viewer, the events and the admin's notes of changes, and count the erasure.

    Returns the number of events.
    """
    with transaction.atomic():
        events = delete_viewer(viewer_id)
        Revision.objects.get_or_create(pk=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_revision SET erasures = erasures + 1")
    return events


def delete_viewer(viewer_id: int) -> int:
    """Delete the viewer, the events and the admin's notes within a transaction. Returns the number of events."""
    return delete_viewers([viewer_id])


def delete_viewers(ids: Collection[int]) -> int:
    """Delete viewers as delete_viewer() does one.

    The highest version of all deleted viewers is kept: a viewer who comes back under the same id begins above it, so
    that no list from before is ever valid again.
    """
    with connection.cursor() as cursor:
        ordered = sorted(ids)
        cursor.execute("SELECT version FROM catalog_viewer WHERE id = ANY(%s::int[]) ORDER BY id FOR UPDATE", [ordered])
        version = max((row[0] for row in cursor.fetchall()), default=0)
        cursor.execute("DELETE FROM catalog_watchevent WHERE viewer_id = ANY(%s::int[])", [ordered])
        events = cursor.rowcount
        cursor.execute("DELETE FROM catalog_viewer WHERE id = ANY(%s::int[])", [ordered])
        if version:
            Revision.objects.get_or_create(pk=1)
            cursor.execute("UPDATE catalog_revision SET version_floor = greatest(version_floor, %s)", [version])
    admin_log_entries(*ids).delete()
    return int(events)
