"""Which films of the catalogue the staged films are: by id at IMDb, then at TMDB, then by title and year."""

from dataclasses import dataclass, field

from django.db.backends.utils import CursorWrapper

MAX_EXAMPLES = 10

# The plain title without marks and a leading article: `The Good, the Bad …` and `Good, the Bad …` are one.
PLAIN_TITLE = r"""regexp_replace(btrim(regexp_replace(translate(catalog_plain({}), ',;!?"()[]', ''), '\s+', ' ', 'g')),
                 '^(the|an?) (?=.)', '')"""

# Of rows that say the same film the first counts: without it a source that repeats itself would double its films.
_DROP_REPEATED = """
    DELETE FROM staged_films s USING (
      SELECT ctid AS place, row_number() OVER (PARTITION BY {column} ORDER BY film, ctid) AS number
      FROM staged_films WHERE {column} IS NOT NULL) numbered
    WHERE s.ctid = numbered.place AND numbered.number > 1
"""
# The films of the site's own, with their numbers at IMDb and TMDB. A key may be the id at IMDb too.
_KNOWN = """
    CREATE TEMP TABLE known ON COMMIT DROP AS
    SELECT id, year, tmdb_id AS tmdb, coalesce(substring(imdb_id from '^tt0*([1-9][0-9]{0,8})$'),
                                               substring(key from '^tt0*([1-9][0-9]{0,8})$'))::int AS imdb
    FROM catalog_movie WHERE NOT is_demo
"""
_BY_IMDB = """
    INSERT INTO film_of (film, movie_id, way) SELECT s.film, k.id, 'imdb' FROM staged_films s JOIN known k USING (imdb)
"""
_NO_CONTRADICTION = "(s.imdb IS NULL OR k.imdb IS NULL OR s.imdb = k.imdb)"
_UNMATCHED = """NOT EXISTS (SELECT FROM film_of f WHERE f.film = s.film)
                AND NOT EXISTS (SELECT FROM film_of f WHERE f.movie_id = k.id)"""
_BY_TMDB = f"""
    INSERT INTO film_of (film, movie_id, way) SELECT s.film, k.id, 'tmdb' FROM staged_films s JOIN known k USING (tmdb)
    WHERE {_NO_CONTRADICTION} AND {_UNMATCHED}
"""
# Pairs of one title and year whose ids do not say that they are two films.
_TITLE_PAIRS = f"""
    CREATE TEMP TABLE title_pairs ON COMMIT DROP AS
    WITH movie_titles AS (
      SELECT k.id, k.year, {PLAIN_TITLE.format("t.title")} AS plain FROM known k JOIN catalog_movie m USING (id),
        unnest(ARRAY[m.title, m.original_title]) t (title)
      WHERE k.year IS NOT NULL AND t.title <> '' AND NOT EXISTS (SELECT FROM film_of f WHERE f.movie_id = k.id)),
    film_titles AS (
      SELECT s.film, s.year, {PLAIN_TITLE.format("t.title")} AS plain FROM staged_films s,
        unnest(ARRAY[s.title, s.original_title]) t (title)
      WHERE s.year IN (SELECT year FROM movie_titles) AND t.title <> '')
    SELECT DISTINCT s.film, k.id AS movie_id FROM film_titles ft JOIN movie_titles mt USING (year, plain)
      JOIN staged_films s USING (film) JOIN known k ON k.id = mt.id
    WHERE {_NO_CONTRADICTION} AND (s.tmdb IS NULL OR k.tmdb IS NULL OR s.tmdb = k.tmdb)
"""
# A film without a year may be any film of its title.
_TITLE_PAIRS_WITHOUT_YEAR = f"""
    INSERT INTO title_pairs
    WITH film_titles AS (
      SELECT s.film, {PLAIN_TITLE.format("t.title")} AS plain FROM staged_films s,
        unnest(ARRAY[s.title, s.original_title]) t (title)
      WHERE s.year IS NULL AND t.title <> '' AND NOT EXISTS (SELECT FROM film_of f WHERE f.film = s.film)),
    movie_titles AS (
      SELECT m.id, {PLAIN_TITLE.format("t.title")} AS plain FROM catalog_movie m,
        unnest(ARRAY[m.title, m.original_title]) t (title) WHERE t.title <> '')
    SELECT DISTINCT s.film, k.id FROM film_titles JOIN movie_titles USING (plain)
      JOIN staged_films s USING (film) JOIN known k USING (id)
    WHERE {_NO_CONTRADICTION} AND (s.tmdb IS NULL OR k.tmdb IS NULL OR s.tmdb = k.tmdb) AND {_UNMATCHED}
"""
_BY_TITLE = """
    INSERT INTO film_of (film, movie_id, way)
    SELECT film, movie_id, 'title' FROM (
      SELECT *, count(*) OVER (PARTITION BY film) AS films, count(*) OVER (PARTITION BY movie_id) AS movies
      FROM title_pairs) counted
    WHERE films = 1 AND movies = 1 AND NOT EXISTS (SELECT FROM film_of f WHERE f.film = counted.film)
"""
_AMBIGUOUS = """
    CREATE TEMP TABLE ambiguous ON COMMIT DROP AS SELECT DISTINCT film FROM title_pairs p
    WHERE NOT EXISTS (SELECT FROM film_of f WHERE f.film = p.film)
"""


@dataclass
class MatchReport:
    """How many films of the source are in the catalogue, by what they were recognised."""

    films: int = 0
    by_imdb: int = 0
    by_tmdb: int = 0
    by_title: int = 0
    repeated: int = 0  # rows of the source that say a film again, by an id
    ambiguous: int = 0  # several films of that title and year; they are neither matched nor added
    examples: list[str] = field(default_factory=list)  # of the ambiguous ones


def match_films(cursor: CursorWrapper) -> tuple[int, MatchReport]:
    """Match the staged films; return how many there are, and how many of them the catalogue has.

    Leaves the table film_of (film, movie_id, way), in which a film may stand for several movies of one id, but no movie
    twice; and the table ambiguous (film).
    """
    repeated = 0
    for column in ("film", "imdb", "tmdb"):
        cursor.execute(f"SELECT count({column}) - count(DISTINCT {column}) FROM staged_films")
        if cursor.fetchone()[0]:
            cursor.execute(_DROP_REPEATED.format(column=column))
            repeated += int(cursor.rowcount)
    cursor.execute("CREATE TEMP TABLE film_of (film integer, movie_id integer, way text) ON COMMIT DROP")
    cursor.execute(_KNOWN)
    for statement in (_BY_IMDB, _BY_TMDB):
        cursor.execute(statement)
        cursor.execute("ANALYZE known, film_of")
    cursor.execute(_TITLE_PAIRS)
    cursor.execute(_BY_TITLE)
    cursor.execute("SELECT EXISTS (SELECT FROM staged_films WHERE year IS NULL)")
    if cursor.fetchone()[0]:
        cursor.execute(_TITLE_PAIRS_WITHOUT_YEAR)
    cursor.execute(_AMBIGUOUS)
    cursor.execute(
        """SELECT count(DISTINCT film) FILTER (WHERE way = 'imdb'), count(DISTINCT film) FILTER (WHERE way = 'tmdb'),
                  count(DISTINCT film) FILTER (WHERE way = 'title') FROM film_of"""
    )
    by_imdb, by_tmdb, by_title = cursor.fetchone()
    cursor.execute(
        """SELECT coalesce(s.title, s.original_title) || coalesce(' (' || s.year || ')', '')
           FROM staged_films s JOIN ambiguous USING (film)
           ORDER BY s.film LIMIT %s""",
        [MAX_EXAMPLES],
    )
    examples = [title for (title,) in cursor.fetchall()]
    cursor.execute("SELECT (SELECT count(*) FROM staged_films), (SELECT count(*) FROM ambiguous)")
    films, ambiguous = cursor.fetchone()
    report = MatchReport(by_imdb + by_tmdb + by_title, by_imdb, by_tmdb, by_title, repeated, ambiguous, examples)
    cursor.execute("DROP TABLE known, title_pairs")
    return films, report
