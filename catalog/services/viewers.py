"""Writes to viewers that are not events: versions, and the outbox that publishes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from catalog.keys import Key
from catalog.models import Viewer
from catalog.selectors.viewer_data import find_viewers
from catalog.services.demo import remove_demo
from catalog.services.events import bump_versions, send_viewers_changed
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.services.viewer_profiles import account_full, account_room
from catalog.services.viewer_rows import lock_viewers, lock_viewers_by_key

_OF_FILES = ("name", "account")
_OF_LISTS = ("age_limit", "country", "language")  # what a stored list depends on or carries


def _list_facts(viewer: Viewer) -> tuple[object, ...]:
    return tuple(getattr(viewer, name) for name in _OF_LISTS)


def _other_facts(viewer: Viewer) -> tuple[object, ...]:
    return viewer.name, viewer.account, viewer.is_session, viewer.created_at


def invalidate_viewers(ids: Iterable[int]) -> dict[int, int]:
    """Make every list of these viewers stale. Returns the new versions; unknown viewers are left out."""
    with transaction.atomic():
        versions = bump_versions(lock_viewers(ids))
        send_viewers_changed(versions)
    return versions


def save_viewer(viewer: Viewer) -> None:
    """Save what staff may change of a viewer and nothing else: events that came meanwhile have raised the version.

    Another age limit, country or language makes every list stale. A viewer with a name is no session.
    """
    with transaction.atomic():
        lock_viewers([viewer.pk])
        before = Viewer.objects.values_list(*_OF_LISTS).get(pk=viewer.pk)
        Viewer.objects.filter(pk=viewer.pk).exclude(name=viewer.name).update(is_session=False)
        viewer.save(update_fields=["name", *_OF_LISTS])
        if _list_facts(viewer) != before:
            invalidate_viewers([viewer.pk])


def write_viewers(rows: Sequence[Mapping[str, Any]], *, made: MadeRecords | None = None) -> list[str]:
    """Create or change viewers: `user_id`, and of name, age limit, country, language, account and `created_at` what
    a row has; the last row counts. Returns why the rows of each were not written, "" for those that were.

    Another age limit, country or language makes every list stale. A new viewer whose rows all say `session` is
    a session, and a session with a row that does not say so, or of an account, becomes an account. Who was there came
    at the earlier moment of the two, as their tokens say. `made`: is filled.
    """
    values_by_viewer: dict[Key, dict[str, Any]] = {}
    for row in rows:
        values = values_by_viewer.setdefault(row["user_id"], {})
        values.update({name: row[name] for name in (*_OF_FILES, *_OF_LISTS, "created_at") if name in row})
    keys = values_by_viewer.keys()
    accounts = {row["user_id"] for row in rows if row.get("name") or row.get("account") or not row.get("session")}
    with transaction.atomic():
        reasons = _account_problems(values_by_viewer)
        for key in reasons:
            del values_by_viewer[key]
        numbers = [key for key in keys if isinstance(key, int)]  # no viewer of the demo has another key
        if Viewer.objects.filter(pk__in=numbers, is_simulated=True).count() < len(keys):
            remove_demo()
        locked = lock_viewers_by_key(keys, create=keys, sessions=keys - accounts)
        viewers = Viewer.objects.in_bulk([viewer.id for viewer in locked.values()])
        before = {pk: (_list_facts(viewer), _other_facts(viewer)) for pk, viewer in viewers.items()}
        for key, values in values_by_viewer.items():
            viewer = viewers[locked[key].id]
            values["created_at"] = min(values.get("created_at", viewer.created_at), viewer.created_at)
            for name, value in values.items():
                setattr(viewer, name, value)
            viewer.is_session &= key not in accounts
        _update(viewer for pk, viewer in viewers.items() if (_list_facts(viewer), _other_facts(viewer)) != before[pk])
        invalidate_viewers(pk for pk, viewer in viewers.items() if _list_facts(viewer) != before[pk][0])
        if made is not None:
            made.add(RecordKind.VIEWERS, {viewer.id for viewer in locked.values() if viewer.is_new}, viewers)
    return [reasons.get(row["user_id"], "") for row in rows]


def _account_problems(values_by_viewer: Mapping[Key, Mapping[str, Any]]) -> dict[Key, str]:
    """Return by key which viewers cannot belong to the account that they are to, as it has no room for them."""
    joining: dict[str, list[Key]] = {}
    wanted = {key: values["account"] for key, values in values_by_viewer.items() if values.get("account")}
    ids = find_viewers(wanted)
    stored = dict(Viewer.objects.filter(pk__in=ids.values()).values_list("pk", "account"))
    for key, account in wanted.items():
        if key not in ids or stored[ids[key]] != account:
            joining.setdefault(account, []).append(key)
    return {
        key: f"account: {account_full()}"
        for account, keys in sorted(joining.items())
        for key in keys[max(0, account_room(account)) :]
    }


def _update(viewers: Iterable[Viewer]) -> None:
    """Write what a file may say of locked viewers, in one statement for all of them."""
    columns = list(
        zip(
            *(
                (v.pk, v.name, v.age_limit, v.country, v.language, v.account, v.is_session, v.created_at)
                for v in viewers
            ),
            strict=True,
        )
    )
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE catalog_viewer v SET name = n.name, age_limit = n.age_limit, country = n.country,
                     language = n.language, account = n.account, is_session = n.is_session, created_at = n.created_at
                   FROM unnest(%s::int[], %s::text[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::bool[],
                               %s::timestamptz[])
                     AS n (id, name, age_limit, country, language, account, is_session, created_at)
                   WHERE v.id = n.id""",
                [list(column) for column in columns],
            )


def ensure_viewers(keys: Iterable[Key]) -> dict[Key, int]:
    """Return the ids of viewers by key. A number is one; a text that is nobody's becomes a viewer.

    Nothing is said of such a viewer yet, so a session's it may be as well as an account's.
    """
    keys = set(keys)
    texts = {key for key in keys if isinstance(key, str)}
    with transaction.atomic():
        locked = lock_viewers_by_key(texts, create=texts, sessions=texts)
    return {key: key if isinstance(key, int) else locked[key].id for key in keys}


def mark_published(versions: Mapping[int, int]) -> int:
    """Clear the outbox of viewers whose version (viewer id -> version) has reached Redis. Returns how many.

    A viewer who has changed since stays marked: the condition is on the version that was published. One who is being
    written to right now is left for the next round.
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
