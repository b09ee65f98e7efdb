"""Rows of viewers, created and locked in one order everywhere: writers wait for each other but never deadlock."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from catalog.keys import Key


class LockedViewer(NamedTuple):
    """A viewer whose row is locked until the transaction ends."""

    id: int
    version: int
    is_new: bool = False  # created by this call


def lock_viewers(ids: Iterable[int]) -> dict[int, int]:
    """Lock viewers in id order until the transaction ends. Returns their versions; unknown viewers are left out."""
    ordered = sorted(set(ids))
    if not ordered:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, version FROM catalog_viewer WHERE id = ANY(%s::int[]) ORDER BY id FOR NO KEY UPDATE", [ordered]
        )
        return dict(cursor.fetchall())


def lock_viewers_by_key(
    keys: Iterable[Key],
    *,
    create: Collection[Key] = (),
    sessions: Collection[Key] = (),
    known: Collection[Key] = (),
) -> dict[Key, LockedViewer]:
    """Lock viewers in id order until the transaction ends, and create those of `create` that are unknown.

    Other unknown viewers are left out. A created viewer is an account, or a session where `sessions` has it. Creating
    comes before locking and also in one order: two calls with the same new viewers wait, they do not deadlock. The
    `known` were there a moment ago: nothing is done to create them.
    """
    wanted = set(keys)
    if not wanted:
        return {}
    numbers, texts = _split(wanted)
    new_numbers, new_texts = _split(set(create).difference(known))
    session_numbers, session_texts = _split(sessions)
    with connection.cursor() as cursor:
        created = _create_by_number(cursor, new_numbers, session_numbers) if new_numbers else set()
        if new_texts:
            created |= _create_by_text(cursor, new_texts, session_texts)
        cursor.execute(
            """SELECT id, key, version FROM catalog_viewer WHERE id = ANY(%s::int[]) OR key = ANY(%s::text[])
               ORDER BY id FOR NO KEY UPDATE""",
            [numbers, texts],
        )
        locked = {
            pk if key is None else key: LockedViewer(pk, version, pk in created)
            for pk, key, version in cursor.fetchall()
        }
    if not locked.keys() >= set(create):  # a viewer was erased between the two statements: create it again
        again = lock_viewers_by_key(wanted, create=create, sessions=sessions)
        return {key: viewer._replace(is_new=viewer.is_new or viewer.id in created) for key, viewer in again.items()}
    return locked


def _split(keys: Iterable[Key]) -> tuple[list[int], list[str]]:
    """Return the keys that are numbers and those that are texts, each once and in order."""
    distinct = set(keys)
    return sorted(key for key in distinct if isinstance(key, int)), sorted(
        key for key in distinct if isinstance(key, str)
    )


def _create_by_number(cursor: CursorWrapper, numbers: list[int], sessions: list[int]) -> set[int]:
    """Create viewers who are not there. Returns their ids."""
    cursor.execute(
        """INSERT INTO catalog_viewer (id, name, is_simulated, is_session, created_at, version, publish_pending)
           SELECT id, '', false, id = ANY(%s::int[]), now(), 0, false FROM unnest(%s::int[]) AS id ORDER BY id
           ON CONFLICT (id) DO NOTHING RETURNING id""",
        [sessions, numbers],
    )
    return {viewer_id for (viewer_id,) in cursor.fetchall()}


def _create_by_text(cursor: CursorWrapper, texts: list[str], sessions: list[str]) -> set[int]:
    """Create viewers under ids below zero that were never given before; one who is there takes none of them.

    Returns the ids of those who are new.
    """
    cursor.execute(
        """INSERT INTO catalog_viewer (id, key, name, is_simulated, is_session, created_at, version, publish_pending)
           SELECT nextval('catalog_viewer_key_id'), key, '', false, key = ANY(%s::text[]), now(), 0, false
           FROM (SELECT key FROM unnest(%s::text[]) WITH ORDINALITY AS sent (key, place)
                 WHERE NOT EXISTS (SELECT 1 FROM catalog_viewer v WHERE v.key = sent.key) ORDER BY place) AS unknown
           ON CONFLICT (key) DO NOTHING RETURNING id""",
        [sessions, texts],
    )
    return {viewer_id for (viewer_id,) in cursor.fetchall()}
