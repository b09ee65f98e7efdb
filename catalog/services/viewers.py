"""Writes to viewers that are not events: versions, and the outbox that publishes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from catalog.models import Viewer
from catalog.services.demo import remove_demo
from catalog.services.events import bump_versions, lock_viewers, send_viewers_changed


def invalidate_viewers(ids: Iterable[int]) -> dict[int, int]:
    """Makes every list of these viewers old. Returns the new versions; unknown viewers are left out."""
    with transaction.atomic():
        versions = bump_versions(lock_viewers(ids))
        send_viewers_changed(versions)
    return versions


def save_viewer(viewer: Viewer) -> None:
    """Saves what staff may change of a viewer, and nothing else: events that came meanwhile have raised the version.
    With another age limit every list of theirs is old. Who has a name is no session."""
    with transaction.atomic():
        lock_viewers([viewer.pk])
        before = Viewer.objects.values_list("age_limit", flat=True).get(pk=viewer.pk)
        Viewer.objects.filter(pk=viewer.pk).exclude(name=viewer.name).update(is_session=False)
        viewer.save(update_fields=["name", "age_limit"])
        if viewer.age_limit != before:
            invalidate_viewers([viewer.pk])


def write_viewers(rows: Sequence[Mapping[str, Any]]) -> None:
    """Makes or changes viewers: `user_id`, and `name` and `age_limit` where they are named; of one viewer's several
    rows the last counts. With another age limit every list of theirs is old. A new viewer whose rows all say `session`
    is one, and a session of which a row does not say so is an account from here on."""
    wanted: dict[int, dict[str, Any]] = {}
    for row in rows:
        values = wanted.setdefault(row["user_id"], {})
        values.update({name: row[name] for name in ("name", "age_limit") if name in row})
    accounts = {row["user_id"] for row in rows if row.get("name") or not row.get("session")}
    with transaction.atomic():
        if Viewer.objects.filter(pk__in=wanted, is_simulated=True).count() < len(wanted):
            remove_demo()
        lock_viewers(wanted, create=wanted, sessions=wanted.keys() - accounts)
        viewers = Viewer.objects.in_bulk(wanted)
        before = {pk: viewer.age_limit for pk, viewer in viewers.items()}
        for pk, values in wanted.items():
            for name, value in values.items():
                setattr(viewers[pk], name, value)
            viewers[pk].is_session &= pk not in accounts
        Viewer.objects.bulk_update(viewers.values(), ["name", "age_limit", "is_session"])
        invalidate_viewers(pk for pk, viewer in viewers.items() if viewer.age_limit != before[pk])


def backdate_viewers(ids: Iterable[int]) -> None:
    """Moves the day on which these viewers came back to their first event: charts count viewers who are not new."""
    with transaction.atomic(), connection.cursor() as cursor:
        locked = lock_viewers(ids)
        cursor.execute(
            """UPDATE catalog_viewer v SET created_at = first.at
               FROM (SELECT viewer_id, min(occurred_at) AS at FROM catalog_watchevent
                     WHERE viewer_id = ANY(%s::int[]) GROUP BY viewer_id) first
               WHERE v.id = first.viewer_id AND first.at < v.created_at""",
            [sorted(locked)],
        )


def mark_published(versions: Mapping[int, int]) -> int:
    """Clears the outbox of viewers whose version (viewer id -> version) has reached Redis. Returns how many.

    A viewer who has moved on since stays marked: the condition is on the version that was published. One who is
    being written to right now is left for the next round.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer SET publish_pending = false WHERE id IN (
                 SELECT v.id FROM catalog_viewer v JOIN unnest(%s::int[], %s::bigint[]) AS p (id, version) USING (id)
                 WHERE v.version <= p.version AND v.publish_pending
                 FOR NO KEY UPDATE OF v SKIP LOCKED)""",
            [list(versions), list(versions.values())],
        )
        return cursor.rowcount
