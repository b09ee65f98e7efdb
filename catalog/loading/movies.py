"""Movies, genres, tags and credits of a data set: staged, then merged by SQL."""

from collections.abc import Mapping

import polars as pl
from django.db.backends.utils import CursorWrapper

from catalog.dataset import Dataset
from catalog.limits import MAX_SEQUENCE_ID
from catalog.loading.index_rebuild import indexes_rebuilt_after
from catalog.loading.made_rows import forget_parts, insert_noting
from catalog.services.undo.made import MadeRecords, RecordKind

MAX_BIGINT = 2**63 - 1
_SQL_TYPES = {pl.Int16: "smallint", pl.Int32: "integer", pl.Int64: "bigint", pl.String: "text"}

_UPSERT_MOVIES = """
    INSERT INTO catalog_movie AS m (id, title, original_title, year, imdb_id, tmdb_id, overview, poster_url, runtime,
                                    certificate, language, countries, published, is_demo, added_at)
    SELECT id, title, coalesce(original_title, ''), year, coalesce(imdb_id, ''), tmdb_id, coalesce(overview, ''),
           coalesce(poster_url, ''), runtime, coalesce(certificate, ''), coalesce(language, ''),
           coalesce(countries, '{}')::varchar[], true, %s, coalesce(to_timestamp(added_at), now())
    FROM staged_movies ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
      title = EXCLUDED.title, original_title = EXCLUDED.original_title, year = EXCLUDED.year,
      imdb_id = coalesce(nullif(EXCLUDED.imdb_id, ''), m.imdb_id), tmdb_id = coalesce(EXCLUDED.tmdb_id, m.tmdb_id),
      overview = coalesce(nullif(EXCLUDED.overview, ''), m.overview),
      poster_url = coalesce(nullif(EXCLUDED.poster_url, ''), m.poster_url),
      runtime = coalesce(EXCLUDED.runtime, m.runtime),
      certificate = coalesce(nullif(EXCLUDED.certificate, ''), m.certificate),
      language = coalesce(nullif(EXCLUDED.language, ''), m.language),
      countries = coalesce(nullif(EXCLUDED.countries, '{}'), m.countries), is_demo = EXCLUDED.is_demo
"""

# Each inserts the names, deletes the links that the set does not have, then inserts the missing ones. Of people of one
# name a movie keeps its own; else the one without an id elsewhere is meant, or the only one.
_NEW_GENRES = """
    INSERT INTO catalog_genre (name) SELECT DISTINCT name FROM staged_genres ORDER BY name ON CONFLICT DO NOTHING
"""
_MERGE_GENRES = """
    CREATE TEMP TABLE merged ON COMMIT DROP AS
      SELECT DISTINCT s.movie AS movie_id, g.id AS genre_id FROM staged_genres s JOIN catalog_genre g USING (name);
    DELETE FROM catalog_movie_genres l USING staged_movies m WHERE l.movie_id = m.id
      AND NOT EXISTS (SELECT 1 FROM merged w WHERE w.movie_id = l.movie_id AND w.genre_id = l.genre_id);
    INSERT INTO catalog_movie_genres (movie_id, genre_id) SELECT * FROM merged ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    DROP TABLE merged
"""
_NEW_TAGS = """
    INSERT INTO catalog_tag (name) SELECT DISTINCT name FROM staged_tags ORDER BY name ON CONFLICT DO NOTHING
"""
_MERGE_TAGS = """
    CREATE TEMP TABLE merged ON COMMIT DROP AS
      SELECT s.movie AS movie_id, t.id AS tag_id, max(s.count) AS count
      FROM staged_tags s JOIN catalog_tag t USING (name) GROUP BY 1, 2;
    DELETE FROM catalog_movietag l USING staged_movies m WHERE l.movie_id = m.id
      AND NOT EXISTS (SELECT 1 FROM merged w WHERE w.movie_id = l.movie_id AND w.tag_id = l.tag_id);
    UPDATE catalog_movietag l SET count = w.count FROM merged w
      WHERE (l.movie_id, l.tag_id) = (w.movie_id, w.tag_id) AND l.count <> w.count;
    INSERT INTO catalog_movietag (movie_id, tag_id, count) SELECT * FROM merged ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    DROP TABLE merged
"""
_NEW_PEOPLE = """
    INSERT INTO catalog_person (name) SELECT name FROM (SELECT DISTINCT person AS name FROM staged_credits) staged
      LEFT JOIN (SELECT name, count(*) AS people FROM catalog_person GROUP BY name) known USING (name)
      WHERE people IS DISTINCT FROM 1 ORDER BY 1 ON CONFLICT DO NOTHING
"""
_MERGE_CREDITS = """
    CREATE TEMP TABLE merged ON COMMIT DROP AS
      SELECT s.movie AS movie_id, coalesce(c.person_id, p.id) AS person_id, s.role, min(s."order") AS "order"
      FROM staged_credits s
      JOIN (SELECT DISTINCT ON (name) name, id FROM catalog_person
            ORDER BY name, imdb_id, tmdb_id NULLS FIRST, id) p ON p.name = s.person
      LEFT JOIN (SELECT DISTINCT ON (movie_id, role, name) movie_id, role, name, person_id
                 FROM catalog_credit JOIN catalog_person person ON person.id = person_id
                 WHERE movie_id IN (SELECT movie FROM staged_credits) ORDER BY 1, 2, 3, 4) c
        ON (c.movie_id, c.role, c.name) = (s.movie, s.role, s.person)
      GROUP BY 1, 2, 3;
    DELETE FROM catalog_credit l USING (SELECT DISTINCT movie FROM staged_credits) m WHERE l.movie_id = m.movie
      AND NOT EXISTS (SELECT 1 FROM merged w
                      WHERE (w.movie_id, w.role, w.person_id) = (l.movie_id, l.role, l.person_id));
    UPDATE catalog_credit l SET "order" = w."order" FROM merged w
      WHERE (l.movie_id, l.role, l.person_id) = (w.movie_id, w.role, w.person_id) AND l."order" <> w."order";
"""
_NEW_CREDITS = """
    INSERT INTO catalog_credit (movie_id, person_id, role, "order") SELECT * FROM merged ORDER BY 1, 3, 4
      ON CONFLICT DO NOTHING
"""


# Counts the ids that the catalogue has already, and those of them that mean another movie than before. A corrected
# title keeps its year or its IMDb id.
_COUNT_CHANGED = """
    SELECT count(*), count(*) FILTER (WHERE CASE
        WHEN m.imdb_id <> '' AND coalesce(s.imdb_id, '') <> '' THEN m.imdb_id <> s.imdb_id
        ELSE lower(m.title) <> lower(s.title) AND m.year IS DISTINCT FROM s.year END)
    FROM staged_movies s JOIN catalog_movie m USING (id)
"""
MAX_CHANGED_SHARE = 0.1  # of the movies in both; above it the ids are those of another data set


def load_movies(cursor: CursorWrapper, dataset: Dataset, made: MadeRecords | None = None) -> bool:
    """Merge the movies of a set into the catalogue. Returns whether the ids mean other movies now.

    Where a set has no tags or no credits at all, those in the catalogue stay as they are. `made`: is filled.
    """
    stage_table(cursor, "staged_movies", dataset.movies)
    cursor.execute(_COUNT_CHANGED)
    in_both, changed = cursor.fetchone()
    with indexes_rebuilt_after(cursor, "catalog_movie"):
        insert_noting(cursor, _UPSERT_MOVIES, RecordKind.MOVIES, made, [dataset.is_demo])
    advance_sequence(cursor, "catalog_movie")
    for name, frame, table, kind, insert_named, merge in (
        ("staged_genres", dataset.genres, "catalog_movie_genres", RecordKind.GENRES, _NEW_GENRES, _MERGE_GENRES),
        ("staged_tags", dataset.tags, "catalog_movietag", RecordKind.TAGS, _NEW_TAGS, _MERGE_TAGS),
        ("staged_credits", dataset.credits, "catalog_credit", RecordKind.PEOPLE, _NEW_PEOPLE, _MERGE_CREDITS),
    ):
        if frame.height:
            stage_table(cursor, name, frame)
            with indexes_rebuilt_after(cursor, table):
                insert_noting(cursor, insert_named, kind, made)
                cursor.execute(merge)
                if merge is _MERGE_CREDITS:
                    insert_noting(cursor, _NEW_CREDITS, RecordKind.CREDITS, made)
                    cursor.execute("DROP TABLE merged")
            cursor.execute(f"DROP TABLE {name}")
    forget_parts(cursor, made)
    cursor.execute("DROP TABLE staged_movies")
    return bool(changed > MAX_CHANGED_SHARE * in_both)


def stage_table(cursor: CursorWrapper, name: str, frame: pl.DataFrame) -> None:
    """Copy a frame into a temporary table, which is dropped at the end of the transaction."""
    create_staged_table(cursor, name, frame.schema)
    copy_frame(cursor, name, frame)
    cursor.execute(f"ANALYZE {name}")


def create_staged_table(
    cursor: CursorWrapper, name: str, schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> None:
    """Create an empty temporary table with these columns (name -> type of polars)."""
    types = ((column, kind if isinstance(kind, type) else type(kind)) for column, kind in schema.items())
    columns = ", ".join(f'"{column}" {_SQL_TYPES[kind]}' for column, kind in types)
    cursor.execute(f"CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP")


def copy_frame(cursor: CursorWrapper, name: str, frame: pl.DataFrame) -> None:
    """Copy the rows of a frame into a table of the same columns."""
    with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
        # An empty string is written as "" and null as nothing, which is how COPY tells them apart.
        copy.write(frame.write_csv(include_header=False).encode())


def advance_sequence(cursor: CursorWrapper, table: str) -> None:
    """Move the table's sequence above the ids that rows brought, but for those near the last possible one.

    It never moves back: an id that was taken back, or noted somewhere, is no other row's.
    """
    last = MAX_BIGINT if table == "catalog_watchevent" else MAX_SEQUENCE_ID
    cursor.execute(
        f"""SELECT setval(pg_get_serial_sequence('{table}', 'id'),
                   greatest((SELECT max(id) FROM {table} WHERE id <= %s),
                            pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass), 1))""",
        [last],
    )
