"""Viewers who leave: erased with all they did, or merged into another viewer."""

from dataclasses import dataclass

from django.db import connection, transaction

from catalog.errors import NamedViewerError
from catalog.models import Revision, Viewer
from catalog.selectors.viewer_data import admin_notes
from catalog.services.events import announce_viewers, lock_viewers, raise_versions


@dataclass(frozen=True, slots=True)
class Merged:
    """How many events moved, how many the other viewer had already, and the version that this gave them (None: nothing
    changed)."""

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


def merge_viewer(viewer_id: int, into: int, *, even_named: bool, age_limit: int | None = None) -> Merged:
    """Moves what one viewer did to another, who is created if need be, and deletes the first. The strictest limit of
    both, and of `age_limit`, stays. Raises NamedViewerError where the first has a name, unless `even_named`."""
    with transaction.atomic():
        if age_limit is None and not Viewer.objects.filter(pk=viewer_id).exists():
            return Merged(0, 0, None)
        lock_viewers([viewer_id, into], create=True)
        if not even_named and Viewer.objects.filter(pk=viewer_id).exclude(name="").exists():
            raise NamedViewerError(f"Viewer {viewer_id} has a name, so this is no anonymous session.")
        moved, duplicates = _move_events(viewer_id, into)
        stricter = _keep_age_limit(viewer_id, into, age_limit)
        _delete(viewer_id)
        versions = raise_versions([into] if moved or stricter else [])
        announce_viewers(versions)
    return Merged(moved, duplicates, versions.get(into))


def _move_events(viewer_id: int, into: int) -> tuple[int, int]:
    """How many moved, and how many were there already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM catalog_watchevent e USING catalog_watchevent o
               WHERE e.viewer_id = %s AND o.viewer_id = %s
                 AND (o.occurred_at, o.movie_id, o.kind) = (e.occurred_at, e.movie_id, e.kind)""",
            [viewer_id, into],
        )
        duplicates = cursor.rowcount
        cursor.execute("UPDATE catalog_watchevent SET viewer_id = %s WHERE viewer_id = %s", [into, viewer_id])
        return cursor.rowcount, duplicates


def _keep_age_limit(viewer_id: int, into: int, age_limit: int | None) -> bool:
    """Whether the other viewer's limit is stricter now. (Postgres' least() leaves out what is NULL.)"""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer o SET age_limit = least(o.age_limit, e.age_limit, %s::smallint)
               FROM catalog_viewer e WHERE o.id = %s AND e.id = %s
                 AND least(o.age_limit, e.age_limit, %s::smallint) IS DISTINCT FROM o.age_limit""",
            [age_limit, into, viewer_id, age_limit],
        )
        return cursor.rowcount > 0


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
    admin_notes(viewer_id).delete()
    return int(events)
