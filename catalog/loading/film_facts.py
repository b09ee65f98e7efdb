"""Staged films into the catalogue: new ones, facts of those that are there, genres, tags, translations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.backends.utils import CursorWrapper

from catalog.loading.index_rebuild import indexes_rebuilt_after
from catalog.loading.made_rows import insert_noting
from catalog.selectors import may_bring_genres, stored_genres
from catalog.services.get_or_create import GenreWriter
from catalog.services.undo.made import MadeRecords, RecordKind

_IMDB_ID = "'tt' || lpad(s.imdb::text, greatest(7, length(s.imdb::text)), '0')"
# Numbers in the order of the source, so that the same import into another database gives the same ids.
_ALLOCATE = """
    INSERT INTO film_of (film, movie_id, way)
    SELECT film, CASE WHEN {by_key} THEN nextval('catalog_movie_key_id')
                      ELSE nextval(pg_get_serial_sequence('catalog_movie', 'id')) END, 'new'
    FROM (SELECT s.film, s.imdb FROM staged_films s WHERE NOT EXISTS (SELECT FROM film_of f WHERE f.film = s.film)
            AND NOT EXISTS (SELECT FROM ambiguous a WHERE a.film = s.film) ORDER BY s.film) missing
"""
_INSERT = f"""
    INSERT INTO catalog_movie (id, key, title, original_title, year, imdb_id, tmdb_id, overview, poster_url, runtime,
                               certificate, language, countries, published, is_demo, added_at)
    SELECT f.movie_id, CASE WHEN f.movie_id < 0 THEN {_IMDB_ID} END, coalesce(s.title, s.original_title),
           CASE WHEN s.title IS NULL THEN '' ELSE coalesce(s.original_title, '') END, s.year,
           coalesce({_IMDB_ID}, ''), s.tmdb, coalesce(s.overview, ''), coalesce(s.poster_url, ''), s.runtime,
           coalesce(s.certificate, ''), coalesce(s.language, ''), coalesce(s.countries, '{{}}')::varchar[], true, false,
           now()
    FROM film_of f JOIN staged_films s USING (film) WHERE f.way = 'new' ORDER BY f.movie_id
"""
MAX_GENRE = 60  # characters
_TEXTS = ("original_title", "overview", "poster_url", "certificate", "language")
_NUMBERS = ("year", "runtime")


@dataclass
class GenreReport:
    """What became of the source's genres."""

    links: int = 0  # of films without a genre before
    created: list[str] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)  # name -> films; the catalogue has no such genre


def insert_films(cursor: CursorWrapper, *, imdb_keys: bool, made: MadeRecords | None) -> None:
    """Insert the films that the catalogue lacks; they stand in film_of with the way `new` afterwards."""
    cursor.execute(_ALLOCATE.format(by_key="imdb IS NOT NULL" if imdb_keys else "false"))
    cursor.execute("ANALYZE film_of")
    with indexes_rebuilt_after(cursor, "catalog_movie"):
        insert_noting(cursor, _INSERT, RecordKind.MOVIES, made)


def complete_films(cursor: CursorWrapper, *, overwrite: bool) -> int:
    """Fill facts of the films that were there; return how many of them changed."""
    values = dict(_fact_expressions(overwrite))
    cursor.execute(
        f"""UPDATE catalog_movie m SET {", ".join(f"{name} = {value}" for name, value in values.items())}
            FROM film_of f JOIN staged_films s USING (film)
            WHERE m.id = f.movie_id AND f.way <> 'new'
              AND ({", ".join(f"m.{name}" for name in values)}) IS DISTINCT FROM ({", ".join(values.values())})"""
    )
    return int(cursor.rowcount)


def _fact_expressions(overwrite: bool) -> Mapping[str, str]:
    """Map columns to the SQL of what they become. Ids are only ever filled, and with none that another film has."""
    first, second = ("s", "m") if overwrite else ("m", "s")
    values = {name: f"coalesce(nullif({first}.{name}, ''), {second}.{name}, '')" for name in _TEXTS}
    values["original_title"] = (
        f"CASE WHEN m.original_title = '' AND s.original_title = m.title THEN '' ELSE {values['original_title']} END"
    )
    values |= {name: f"coalesce({first}.{name}, {second}.{name})" for name in _NUMBERS}
    countries = {"s": "s.countries::varchar[]", "m": "m.countries"}
    values["countries"] = f"coalesce(nullif({countries[first]}, '{{}}'), {countries[second]}, '{{}}')"
    values["imdb_id"] = f"coalesce(nullif(m.imdb_id, ''), {_IMDB_ID}, '')"
    values["tmdb_id"] = """coalesce(m.tmdb_id, CASE WHEN NOT EXISTS (
        SELECT FROM catalog_movie o WHERE o.tmdb_id = s.tmdb) THEN s.tmdb END)"""
    if overwrite:
        values["title"] = "coalesce(s.title, m.title)"
    return values


def write_genres(cursor: CursorWrapper, *, create: bool, made: MadeRecords | None) -> GenreReport:
    """Give genres to the films that have none, in the catalogue's own words.

    A genre that the catalogue lacks is created where it has none at all, or on request.
    """
    report = GenreReport()
    cursor.execute(
        """SELECT name, count(*) FROM staged_genres WHERE film IN (SELECT film FROM film_of)
           GROUP BY name ORDER BY count(*) DESC, name"""
    )
    counts: dict[str, int] = dict(cursor.fetchall())
    if not counts:
        return report
    may_create = create or may_bring_genres()
    stored = stored_genres()
    ids = {name: stored.ids_of(name) for name in counts}
    missing = [name for name in counts if not ids[name]]
    if may_create:
        report.created = sorted(name for name in missing if len(name) <= MAX_GENRE)
        ids |= {name: [pk] for name, pk in GenreWriter(create=True).ids(report.created, made).items()}
    report.unknown = {name: counts[name] for name in missing if not ids[name]}
    pairs = [(name, pk) for name, of_name in ids.items() for pk in of_name]
    cursor.execute("CREATE TEMP TABLE genre_named (name text, genre_id bigint) ON COMMIT DROP")
    cursor.execute(
        "INSERT INTO genre_named SELECT * FROM unnest(%s::text[], %s::bigint[])",
        [[name for name, _ in pairs], [pk for _, pk in pairs]],
    )
    with indexes_rebuilt_after(cursor, "catalog_movie_genres"):
        cursor.execute(
            """INSERT INTO catalog_movie_genres (movie_id, genre_id)
               SELECT DISTINCT f.movie_id, n.genre_id FROM film_of f JOIN staged_genres g USING (film)
                 JOIN genre_named n USING (name)
               WHERE f.way = 'new' OR NOT EXISTS (SELECT FROM catalog_movie_genres h WHERE h.movie_id = f.movie_id)
               ORDER BY 1, 2"""
        )
        report.links = int(cursor.rowcount)
    cursor.execute("DROP TABLE genre_named")
    return report


def write_tags(cursor: CursorWrapper, made: MadeRecords | None) -> int:
    """Give tags to the films that have none; return how many."""
    cursor.execute("SELECT EXISTS (SELECT FROM staged_tags)")
    if not cursor.fetchone()[0]:
        return 0
    insert_noting(
        cursor,
        """INSERT INTO catalog_tag (name) SELECT DISTINCT name FROM staged_tags JOIN film_of f USING (film)
           WHERE NOT EXISTS (SELECT FROM catalog_movietag h WHERE h.movie_id = f.movie_id)
           ORDER BY name ON CONFLICT DO NOTHING""",
        RecordKind.TAGS,
        made,
    )
    cursor.execute(
        """INSERT INTO catalog_movietag (movie_id, tag_id, count)
           SELECT f.movie_id, t.id, max(s.count) FROM film_of f JOIN staged_tags s USING (film)
             JOIN catalog_tag t USING (name)
           WHERE NOT EXISTS (SELECT FROM catalog_movietag h WHERE h.movie_id = f.movie_id)
           GROUP BY 1, 2 ORDER BY 1, 2"""
    )
    return int(cursor.rowcount)


def write_translations(cursor: CursorWrapper, *, overwrite: bool) -> int:
    """Add titles and overviews in other languages; return how many are new or changed."""
    filled = {
        name: f"coalesce(nullif({first}.{name}, ''), {second}.{name})"
        for first, second in [("EXCLUDED", "t") if overwrite else ("t", "EXCLUDED")]
        for name in ("title", "overview")
    }
    with indexes_rebuilt_after(cursor, "catalog_movietranslation") as is_empty:
        conflict = (
            ""
            if is_empty
            else f"""ON CONFLICT (movie_id, language)
                     DO UPDATE SET title = {filled["title"]}, overview = {filled["overview"]}
                     WHERE (t.title, t.overview) IS DISTINCT FROM ({filled["title"]}, {filled["overview"]})"""
        )
        cursor.execute(
            f"""INSERT INTO catalog_movietranslation AS t (movie_id, language, title, overview)
                SELECT DISTINCT ON (f.movie_id, s.language) f.movie_id, s.language, coalesce(s.title, ''),
                       coalesce(s.overview, '')
                FROM film_of f JOIN staged_translations s USING (film) JOIN catalog_movie m ON m.id = f.movie_id
                WHERE coalesce(s.overview, '') <> '' OR s.title NOT IN ('', m.title)
                ORDER BY f.movie_id, s.language, s.place, s.title
                {conflict}"""
        )
        return int(cursor.rowcount)


def write_availability(cursor: CursorWrapper, *, overwrite: bool) -> int:
    """Say in which countries films are available that say nothing of it; return how many countries are new or gone.

    With `overwrite` the source's countries take the place of others, but for a country's window, which stays.
    """
    cursor.execute("SELECT EXISTS (SELECT FROM staged_availability)")
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(
        f"""CREATE TEMP TABLE available ON COMMIT DROP AS
            SELECT DISTINCT f.movie_id, s.country FROM film_of f JOIN staged_availability s USING (film)
            WHERE {overwrite} OR NOT EXISTS (SELECT FROM catalog_movieavailability h WHERE h.movie_id = f.movie_id)"""
    )
    cursor.execute(
        """DELETE FROM catalog_movieavailability h WHERE movie_id IN (SELECT movie_id FROM available)
             AND NOT EXISTS (SELECT FROM available a WHERE (a.movie_id, a.country) = (h.movie_id, h.country))"""
    )
    changes = int(cursor.rowcount)
    cursor.execute(
        """INSERT INTO catalog_movieavailability (movie_id, country)
           SELECT movie_id, country FROM available ORDER BY 1, 2 ON CONFLICT DO NOTHING"""
    )
    changes += int(cursor.rowcount)
    cursor.execute("DROP TABLE available")
    return changes
