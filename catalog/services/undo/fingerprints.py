"""Fingerprints of records: whether one is still as a file left it, in eight bytes."""

from collections.abc import Collection

from django.db import connection

from catalog.services.undo.made import RecordKind

# What changes a record without anybody's doing.
_NOT_OF_STATE = {
    RecordKind.VIEWERS: ("version", "publish_pending", "is_session"),
    RecordKind.MOVIES: ("search_words",),
    RecordKind.PEOPLE: ("search_name",),
}
# Rows that belong to a record: table -> the column that names it.
_PARTS = {
    RecordKind.MOVIES: (
        "catalog_movie_genres",
        "catalog_movietag",
        "catalog_credit",
        "catalog_movietranslation",
        "catalog_movieavailability",
    ),
    RecordKind.GENRES: ("catalog_genrealias", "catalog_genretranslation"),
}
_OWNER = {RecordKind.MOVIES: "movie_id", RecordKind.GENRES: "genre_id"}
TABLES = {
    RecordKind.VIEWERS: "catalog_viewer",
    RecordKind.MOVIES: "catalog_movie",
    RecordKind.CREDITS: "catalog_credit",
    RecordKind.PEOPLE: "catalog_person",
    RecordKind.GENRES: "catalog_genre",
    RecordKind.TAGS: "catalog_tag",
}


def fingerprints(kind: RecordKind, ids: Collection[int]) -> dict[int, int]:
    """Return a number of 64 bits for the state of each record that exists, by id: equal while nobody changes it.

    The moment at which it was made is a part of it, where records have one, so another record that has the id since
    has another fingerprint.
    """
    parts = ", ".join(
        f"""(SELECT jsonb_agg(part ORDER BY part::text) FROM (
               SELECT to_jsonb(p) - '{{id,search_words}}'::text[] AS part FROM {table} p
               WHERE p.{_OWNER[kind]} = r.id) parts)"""
        for table in _PARTS.get(kind, ())
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT r.id, hashtextextended(
                  jsonb_build_array(to_jsonb(r) - %s::text[]{", " + parts if parts else ""})::text, 0)
                FROM {TABLES[kind]} r WHERE r.id = ANY(%s::bigint[])""",
            [list(_NOT_OF_STATE.get(kind, ())), sorted(ids)],
        )
        return dict(cursor.fetchall())
