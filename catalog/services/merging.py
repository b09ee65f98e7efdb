"""A viewer merged into another, and back again: events keep their ids, so what moved is known by them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from catalog.errors import NotAnAccountError, NotASessionError
from catalog.models import Viewer, WatchEvent
from catalog.selectors.viewer_data import admin_log_entries
from catalog.services.erasure import delete_viewer
from catalog.services.events import bump_versions, lock_movies, lock_viewers, send_viewers_changed


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """How many events moved, how many the other viewer had already, and the version that this gave them (None: nothing
    changed). `kept`: what unmerge_viewer() needs, as JSON; its `viewer` is None for one who was not known."""

    events: int
    duplicates: int
    version: int | None
    undo_data: Mapping[str, Any]


def merge_viewer(viewer_id: int, into: int, *, allow_accounts: bool, age_limit: int | None = None) -> MergeRecord:
    """Moves what one viewer did to another, who is created if need be, and deletes the first. The strictest limit of
    both, and of `age_limit`, stays. Raises NotASessionError where the first is an account, unless `even_accounts`;
    NotAnAccountError where the other one is a session."""
    with transaction.atomic():
        is_new = not Viewer.objects.filter(pk=into).exists()
        nothing = age_limit is None and not Viewer.objects.filter(pk=viewer_id).exists()
        lock_viewers([viewer_id, into], create=[] if nothing else [into])
        viewers = Viewer.objects.in_bulk([viewer_id, into])
        _check_mergeable(viewers.get(viewer_id), viewers.get(into), allow_accounts)
        if nothing:
            into_as_it_is = {"is_new": False, "age_limit": None, "merged_age_limit": None}
            return MergeRecord(
                0, 0, None, {"viewer": None, "notes": [], "duplicates": [], "events": [], "into": into_as_it_is}
            )
        limits = [age_limit, *(one.age_limit for one in viewers.values())]
        limit, before = min((one for one in limits if one is not None), default=None), viewers[into].age_limit
        kept: dict[str, Any] = {
            "viewer": next(iter(_rows("catalog_viewer", [viewer_id])), None),
            "notes": _rows("django_admin_log", list(admin_log_entries(viewer_id).values_list("pk", flat=True))),
            "duplicates": _delete_duplicates(viewer_id, into),
            "events": _move_events(viewer_id, into),
            "into": {"is_new": is_new, "age_limit": before, "merged_age_limit": limit},
        }
        Viewer.objects.filter(pk=into).update(age_limit=limit)
        delete_viewer(viewer_id)
        versions = bump_versions([into] if kept["events"] or limit != before else [])
        send_viewers_changed(versions)
    return MergeRecord(len(kept["events"]), len(kept["duplicates"]), versions.get(into), kept)


def unmerge_viewer(viewer_id: int, into: int, undo_data: Mapping[str, Any]) -> dict[int, int]:
    """Gives a viewer back what merge_viewer() had moved, as far as it is still there: what was deleted since stays so,
    what came since stays where it came. Returns both viewers' versions, without the one who was made by the merge and
    is gone again."""
    with transaction.atomic():
        films = lock_movies({one["movie_id"] for one in undo_data["duplicates"]})
        back = [viewer_id] if undo_data["viewer"] else []
        lock_viewers([viewer_id, into], create=back, sessions=back)
        _restore_viewer(viewer_id, undo_data["viewer"])
        _move_back(undo_data["events"], viewer_id, into)
        _restore_rows("catalog_watchevent", [one for one in undo_data["duplicates"] if one["movie_id"] in films])
        _restore_rows(
            "django_admin_log", undo_data["notes"], "EXISTS (SELECT 1 FROM auth_user u WHERE u.id = r.user_id)"
        )
        _restore_age_limit(into, **undo_data["into"])
        versions = bump_versions([*back, into])
        if undo_data["into"]["is_new"] and not _is_in_use(into):
            delete_viewer(into)
            versions.pop(into, None)
        send_viewers_changed(versions)
    return versions


def delete_moved_events(into: int, after: int, facts: Iterable[tuple[int, int, datetime]]) -> None:
    """Deletes a viewer's events of these films, kinds and moments that were stored under an id above `after`."""
    for movie_id, kind, at in facts:
        WatchEvent.objects.filter(viewer=into, pk__gt=after, movie=movie_id, kind=kind, occurred_at=at).delete()


def _check_mergeable(viewer: Viewer | None, into: Viewer | None, even_accounts: bool) -> None:
    if viewer is not None and not viewer.is_session and not even_accounts:
        raise NotASessionError(f"Viewer {viewer.pk} is an account, and no anonymous session.")
    if into is not None and into.is_session:
        raise NotAnAccountError(f"Viewer {into.pk} is an anonymous session, and no account.")


def _rows(table: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Whole rows, as JSON."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE id = ANY(%s::bigint[]) ORDER BY id", [list(ids)])
        return [_decode_row(row) for (row,) in cursor.fetchall()]


def _decode_row(row: Any) -> Any:
    return json.loads(row) if isinstance(row, str) else row


def _delete_duplicates(viewer_id: int, into: int) -> list[dict[str, Any]]:
    """What the other viewer has already; whole rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM catalog_watchevent e USING catalog_watchevent o
               WHERE e.viewer_id = %s AND o.viewer_id = %s
                 AND (o.occurred_at, o.movie_id, o.kind) = (e.occurred_at, e.movie_id, e.kind)
               RETURNING to_jsonb(e)""",
            [viewer_id, into],
        )
        return [_decode_row(row) for (row,) in cursor.fetchall()]


def _move_events(viewer_id: int, into: int) -> list[int]:
    """The ids of what moved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_watchevent SET viewer_id = %s WHERE viewer_id = %s RETURNING id", [into, viewer_id]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _move_back(ids: Sequence[int], viewer_id: int, into: int) -> None:
    """What is still there and the other's; what the viewer has done again since is not doubled."""
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


def _restore_viewer(viewer_id: int, row: Mapping[str, Any] | None) -> None:
    """What was said of the number since stands."""
    if row is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer v SET name = coalesce(nullif(v.name, ''), k.name), is_simulated = k.is_simulated,
                 is_session = v.is_session AND k.is_session, age_limit = coalesce(v.age_limit, k.age_limit),
                 created_at = k.created_at
               FROM jsonb_populate_record(NULL::catalog_viewer, %s::jsonb) k WHERE v.id = %s""",
            [json.dumps(row), viewer_id],
        )


def _restore_age_limit(into: int, *, is_new: bool, age_limit: int | None, merged_age_limit: int | None) -> None:
    """Unless somebody has set another one since."""
    if age_limit != merged_age_limit:
        Viewer.objects.filter(pk=into, age_limit=merged_age_limit).update(age_limit=age_limit)


def _is_in_use(into: int) -> bool:
    """Than the merge has made of it."""
    plain = Viewer.objects.filter(pk=into, name="", age_limit=None)
    return not plain.exists() or WatchEvent.objects.filter(viewer=into).exists()
