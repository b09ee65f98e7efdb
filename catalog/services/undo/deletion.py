"""Deletion of what a file made: records that are as it left them, and that nothing else uses."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from catalog.keys import Key
from catalog.models import Viewer
from catalog.services.erasure import delete_viewers
from catalog.services.event_deletion import DeletedEvents
from catalog.services.events import bump_versions, send_viewers_changed
from catalog.services.get_or_create import lock_catalogue_writers
from catalog.services.movies import delete_movies
from catalog.services.undo.fingerprints import TABLES, fingerprints
from catalog.services.undo.made import RecordKind
from catalog.services.versions import bump_catalogue
from catalog.services.viewer_rows import lock_viewers

# By kind the queries that find which of these records something else uses; that they are nobody's is part of the query.
_USERS: Mapping[RecordKind, Sequence[str]] = {
    RecordKind.VIEWERS: ("SELECT viewer_id FROM catalog_watchevent WHERE viewer_id = ANY(%(ids)s)",),
    RecordKind.MOVIES: (
        "SELECT movie_id FROM catalog_watchevent WHERE movie_id = ANY(%(ids)s)",
        "SELECT movie_id FROM catalog_rule WHERE movie_id = ANY(%(ids)s)",
        "SELECT double_of FROM catalog_movie WHERE double_of = ANY(%(ids)s)",
    ),
    RecordKind.CREDITS: (),
    RecordKind.PEOPLE: (
        "SELECT person_id FROM catalog_credit WHERE person_id = ANY(%(ids)s)",
        "SELECT person_id FROM catalog_rule WHERE person_id = ANY(%(ids)s)",
    ),
    RecordKind.GENRES: (
        "SELECT genre_id FROM catalog_movie_genres WHERE genre_id = ANY(%(ids)s)",
        "SELECT genre_id FROM catalog_rule WHERE genre_id = ANY(%(ids)s)",
    ),
    RecordKind.TAGS: (
        "SELECT tag_id FROM catalog_movietag WHERE tag_id = ANY(%(ids)s)",
        "SELECT tag_id FROM catalog_rule WHERE tag_id = ANY(%(ids)s)",
    ),
}


class DeletedRecords(NamedTuple):
    """Which records were deleted, and which were left as something else has changed or uses them."""

    deleted: Collection[int]
    left: Collection[int]
    viewers: Mapping[int, Key]  # keys of deleted viewers by id


def delete_event_ranges(ranges: Sequence[tuple[int, int]]) -> DeletedEvents:
    """Delete the events with ids from one, and below another. The versions of their viewers rise.

    Call it again until there is none: a merge may have given some to another viewer before the lock was had.
    """
    bounds = [list(column) for column in zip(*ranges, strict=True)] or [[], []]
    within = """catalog_watchevent e JOIN unnest(%s::bigint[], %s::bigint[]) AS r (first, below)
                  ON e.id >= r.first AND e.id < r.below"""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT e.viewer_id FROM {within}", bounds)
        locked = lock_viewers(viewer_id for (viewer_id,) in cursor.fetchall())
        cursor.execute(
            f"""DELETE FROM catalog_watchevent WHERE id IN (
                  SELECT e.id FROM {within} WHERE e.viewer_id = ANY(%s::int[])) RETURNING viewer_id""",
            [*bounds, list(locked)],
        )
        viewers = [viewer_id for (viewer_id,) in cursor.fetchall()]
        versions = bump_versions(set(viewers))
        send_viewers_changed(versions)
    return DeletedEvents(len(viewers), versions)


def delete_unused(kind: RecordKind, states: Mapping[int, int], in_use: Collection[int] = ()) -> DeletedRecords:
    """Delete the records of a kind whose fingerprints (id -> fingerprint) still hold and that nothing uses.

    `in_use`: what the caller knows to be used. Records that are gone are in neither part of the result.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if kind is not RecordKind.VIEWERS:  # as write_movies() does, before it looks for people and genres
            lock_catalogue_writers()
        cursor.execute(
            f"SELECT id FROM {TABLES[kind]} WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE", [sorted(states)]
        )
        current = fingerprints(kind, [pk for (pk,) in cursor.fetchall()])
        unused = {pk for pk, state in current.items() if state == states[pk]}.difference(in_use)
        for query in _USERS[kind]:
            cursor.execute(query, {"ids": sorted(unused)})
            unused -= {pk for (pk,) in cursor.fetchall()}
        viewers: dict[int, Key] = {}
        if kind is RecordKind.VIEWERS:
            viewers = {viewer.pk: viewer.site_key for viewer in Viewer.objects.filter(pk__in=unused).only("id", "key")}
        if unused:
            _DELETE[kind](unused)
    return DeletedRecords(unused, current.keys() - unused, viewers)


def _delete_viewers(ids: Collection[int]) -> None:
    send_viewers_changed(bump_versions(ids))  # lists that are stored of them are outdated
    delete_viewers(ids)


def _delete_of_catalogue(kind: RecordKind) -> Callable[[Collection[int]], None]:
    def delete(ids: Collection[int]) -> None:
        with connection.cursor() as cursor:
            for table in ("catalog_genrealias", "catalog_genretranslation") if kind is RecordKind.GENRES else ():
                cursor.execute(f"DELETE FROM {table} WHERE genre_id = ANY(%s::bigint[])", [sorted(ids)])
            cursor.execute(f"DELETE FROM {TABLES[kind]} WHERE id = ANY(%s::bigint[])", [sorted(ids)])
        bump_catalogue()

    return delete


_DELETE: Mapping[RecordKind, Callable[[Collection[int]], object]] = {
    RecordKind.VIEWERS: _delete_viewers,
    RecordKind.MOVIES: delete_movies,
} | {kind: _delete_of_catalogue(kind) for kind in RecordKind if kind not in (RecordKind.VIEWERS, RecordKind.MOVIES)}
