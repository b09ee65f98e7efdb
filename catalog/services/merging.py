"""Merging a viewer into another, and undoing it: events keep their ids, so what moved is known by them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from catalog.errors import NotAnAccountError, NotASessionError
from catalog.keys import Key
from catalog.models import Viewer, WatchEvent
from catalog.selectors import find_viewer, strictest_age_limit
from catalog.selectors.viewer_data import admin_log_entries
from catalog.services.erasure import delete_viewer
from catalog.services.events import bump_versions, lock_movies, send_viewers_changed
from catalog.services.viewer_profiles import PROFILE_DEFAULTS
from catalog.services.viewer_rows import lock_viewers_by_key

NOBODY = 0  # the id of no viewer


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """What a merge did, and what unmerge_viewer() needs to undo it."""

    events: int  # that moved
    duplicates: int  # that the other viewer had already
    into_id: int | None  # of the other viewer; None: not known, as there was nothing to merge
    undo_data: Mapping[str, Any]  # JSON; `viewer` is None for one who was not known


@dataclass(frozen=True, slots=True)
class UnmergeRecord:
    """What undoing a merge did: the ids that the keys have now."""

    viewer_id: int | None  # None: not known, before the merge neither
    into_id: int | None  # None: the merge had created the viewer, who is deleted again


def merge_viewer(
    viewer: Key, into: Key, *, allow_accounts: bool, age_limit: int | None = None, announce: bool = True
) -> MergeRecord:
    """Move the events of one viewer to another, who is created if need be, and delete the first.

    The strictest limit of both, and of `age_limit` (years), stays. Raises NotASessionError where the first is an
    account, unless `allow_accounts`; NotAnAccountError where the other is a session. `announce` as in record_events().
    """
    with transaction.atomic():
        is_new = find_viewer(into) is None
        nothing_to_do = age_limit is None and find_viewer(viewer) is None
        locked = lock_viewers_by_key([viewer, into], create=[] if nothing_to_do else [into])
        viewers = {row.site_key: row for row in Viewer.objects.filter(pk__in=[row.id for row in locked.values()])}
        _check_mergeable(viewers.get(viewer), viewers.get(into), allow_accounts)
        if nothing_to_do:
            unchanged = {"is_new": False, "age_limit": None, "merged_age_limit": None}
            return MergeRecord(
                0, 0, None, {"viewer": None, "notes": [], "duplicates": [], "events": [], "into": unchanged}
            )
        limit = strictest_age_limit(age_limit, *(row.age_limit for row in viewers.values()))
        limit_before = viewers[into].age_limit
        viewer_id, into_id = locked[viewer].id if viewer in locked else NOBODY, locked[into].id
        undo_data: dict[str, Any] = {
            "viewer": next(iter(_rows("catalog_viewer", [viewer_id])), None),
            "notes": _rows("django_admin_log", list(admin_log_entries(viewer_id).values_list("pk", flat=True))),
            "duplicates": _delete_duplicates(viewer_id, into_id),
            "events": _move_events(viewer_id, into_id),
            "into": {"is_new": is_new, "age_limit": limit_before, "merged_age_limit": limit},
        }
        Viewer.objects.filter(pk=into_id).update(age_limit=limit, is_session=False)
        delete_viewer(viewer_id)
        versions = bump_versions([into_id] if undo_data["events"] or limit != limit_before else [])
        if announce:
            send_viewers_changed(versions)
    return MergeRecord(len(undo_data["events"]), len(undo_data["duplicates"]), into_id, undo_data)


def unmerge_viewer(viewer: Key, into: Key, undo_data: Mapping[str, Any], *, announce: bool = True) -> UnmergeRecord:
    """Give a viewer back what merge_viewer() moved, as far as it still exists.

    What was deleted since stays deleted, what came since stays where it came. A viewer whose key is a text comes back
    under a new id. `announce` as in record_events().
    """
    with transaction.atomic():
        movies = lock_movies({event["movie_id"] for event in undo_data["duplicates"]})
        restored = [viewer] if undo_data["viewer"] else []
        locked = lock_viewers_by_key([viewer, into], create=restored, sessions=restored)
        viewer_id = locked[viewer].id if viewer in locked else NOBODY
        into_id = locked[into].id if into in locked else NOBODY
        if undo_data["viewer"] is not None:
            _restore_viewer(viewer_id, undo_data["viewer"])
            _move_back(undo_data["events"], viewer_id, into_id)
            duplicates = [event for event in undo_data["duplicates"] if event["movie_id"] in movies]
            _restore_events([{**event, "viewer_id": viewer_id} for event in duplicates])
            author_exists = "EXISTS (SELECT 1 FROM auth_user u WHERE u.id = r.user_id)"
            notes = [{**note, "object_id": str(viewer_id)} for note in undo_data["notes"]]
            _restore_rows("django_admin_log", notes, author_exists)
        before, merged = undo_data["into"]["age_limit"], undo_data["into"]["merged_age_limit"]
        if before != merged:  # unless staff have set another limit since
            Viewer.objects.filter(pk=into_id, age_limit=merged).update(age_limit=before)
        versions = bump_versions(row.id for row in locked.values())
        untouched = Viewer.objects.filter(pk=into_id, name="", events=None, **PROFILE_DEFAULTS)
        if undo_data["into"]["is_new"] and untouched.exists():
            delete_viewer(into_id)
            versions.pop(into_id, None)
        if announce:
            send_viewers_changed(versions)
    return UnmergeRecord(viewer_id or None, into_id if into_id in versions else None)


def delete_moved_events(into: Key, after: int, facts: Iterable[tuple[int, int, datetime]]) -> None:
    """Delete a viewer's events of these (movie, kind, moment) that were stored under an id above `after`."""
    into_id = find_viewer(into)
    for movie_id, kind, at in facts:
        WatchEvent.objects.filter(viewer=into_id, pk__gt=after, movie=movie_id, kind=kind, occurred_at=at).delete()


def _check_mergeable(viewer: Viewer | None, into: Viewer | None, allow_accounts: bool) -> None:
    if viewer is not None and not viewer.is_session and not allow_accounts:
        raise NotASessionError(f"Viewer {viewer.site_key} is an account, and no anonymous session.")
    if into is not None and into.is_session and into.version:  # of one who has only got an id nothing was said yet
        raise NotAnAccountError(f"Viewer {into.site_key} is an anonymous session, and no account.")


def _rows(table: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return whole rows as JSON."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE id = ANY(%s::bigint[]) ORDER BY id", [list(ids)])
        return [_decode_row(row) for (row,) in cursor.fetchall()]


def _decode_row(row: Any) -> Any:
    return json.loads(row) if isinstance(row, str) else row


def _delete_duplicates(viewer_id: int, into: int) -> list[dict[str, Any]]:
    """Delete the viewer's events that the other viewer has too. Returns the whole rows, with their keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM catalog_watchevent e USING catalog_watchevent o
               WHERE e.viewer_id = %s AND o.viewer_id = %s
                 AND (o.occurred_at, o.movie_id, o.kind) = (e.occurred_at, e.movie_id, e.kind)
               RETURNING to_jsonb(e) || jsonb_build_object('event_key', (
                 SELECT key FROM catalog_eventkey k WHERE k.id = e.client_event_id))""",
            [viewer_id, into],
        )
        return [_decode_row(row) for (row,) in cursor.fetchall()]


def _move_events(viewer_id: int, into: int) -> list[int]:
    """Move the viewer's events to the other. Returns their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_watchevent SET viewer_id = %s WHERE viewer_id = %s RETURNING id", [into, viewer_id]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _move_back(ids: Sequence[int], viewer_id: int, into: int) -> None:
    """Move back the events that the other viewer still has; an event that both have now is not doubled."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM catalog_watchevent e USING catalog_watchevent o
               WHERE e.id = ANY(%s::bigint[]) AND e.viewer_id = %s AND o.viewer_id = %s
                 AND (o.occurred_at, o.movie_id, o.kind) = (e.occurred_at, e.movie_id, e.kind)""",
            [list(ids), into, viewer_id],
        )
    WatchEvent.objects.filter(pk__in=ids, viewer=into).update(viewer=viewer_id)


def _restore_rows(table: str, rows: Sequence[dict[str, Any]], condition: str = "true") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} SELECT r.* FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) r
                WHERE {condition} ON CONFLICT DO NOTHING""",
            [json.dumps(rows)],
        )


def _restore_events(events: Sequence[dict[str, Any]]) -> None:
    """Restore deleted events that nothing stands in the place of, with their keys."""
    _restore_rows("catalog_watchevent", events)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_eventkey (id, key)
               SELECT client_event_id, event_key
               FROM jsonb_to_recordset(%s::jsonb) AS r (id bigint, client_event_id uuid, event_key text)
                 JOIN catalog_watchevent e USING (id, client_event_id)
               WHERE event_key IS NOT NULL ON CONFLICT DO NOTHING""",
            [json.dumps(events)],
        )


def _restore_viewer(viewer_id: int, row: Mapping[str, Any]) -> None:
    """Restore the viewer's columns; what was set since stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer v SET name = coalesce(nullif(v.name, ''), k.name), is_simulated = k.is_simulated,
                 is_session = v.is_session AND k.is_session, age_limit = coalesce(v.age_limit, k.age_limit),
                 created_at = k.created_at, account = coalesce(nullif(v.account, ''), k.account, ''),
                 language = coalesce(nullif(v.language, ''), k.language, ''),
                 country = coalesce(nullif(v.country, ''), k.country, '')
               FROM jsonb_populate_record(NULL::catalog_viewer, %s::jsonb) k WHERE v.id = %s""",
            [json.dumps(row), viewer_id],
        )
