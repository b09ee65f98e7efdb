"""Directors and actors of staged films: told apart by their ids at a site where the source has them, else by name."""

from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from catalog.loading.index_rebuild import indexes_rebuilt_after
from catalog.loading.made_rows import forget_parts, insert_noting
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.sources.film_source import PersonIds


@dataclass(frozen=True)
class _IdColumn:
    """A site's ids of people in SQL; `{}` is the alias of catalog_person, or the number where one is written."""

    name: str
    number: str  # null where there is none
    written: str
    missing: str


_COLUMNS = {
    PersonIds.IMDB: _IdColumn(
        "imdb_id",
        "substring({}.imdb_id from '^nm0*([1-9][0-9]{{0,8}})$')::int",
        "'nm' || lpad({0}::text, greatest(7, length({0}::text)), '0')",
        "{}.imdb_id = ''",
    ),
    PersonIds.TMDB: _IdColumn("tmdb_id", "{}.tmdb_id", "{}", "{}.tmdb_id IS NULL"),
}
# A suffix that a comma cut off its name.
_IS_NOBODY = r"name ~* '^(jr|sr|ii|iii|iv)\.?$'"

# Credits go to films that have none of the role; on request to all.
_TARGETS = """
    CREATE TEMP TABLE credit_target ON COMMIT DROP AS
    SELECT DISTINCT f.film, f.movie_id, c.role FROM film_of f JOIN (SELECT DISTINCT film, role FROM staged_credits) c
      USING (film)
    WHERE f.way = 'new' OR {overwrite}
       OR NOT EXISTS (SELECT FROM catalog_credit cr WHERE cr.movie_id = f.movie_id AND cr.role = c.role)
"""
# A person without an id of the site who is credited in a film with someone of that name and an id: they are one. Unless
# the id belongs to somebody else at the other site. Of two of one name in a film, the one who is billed alike.
_EVIDENCE = """
    CREATE TEMP TABLE evidence ON COMMIT DROP AS
    SELECT DISTINCT ON (credit_id) credit_id, person_id, number, is_known_elsewhere FROM (
      SELECT cr.id AS credit_id, cr.person_id, c.person AS number, NOT {other_missing_p} AS is_known_elsewhere,
             cr.role = c.role AS is_same_role, c."order",
             dense_rank() OVER (PARTITION BY cr.movie_id, cr.role, p.search_name ORDER BY cr."order", cr.id) AS billed,
             dense_rank() OVER (PARTITION BY cr.movie_id, c.role, p.search_name ORDER BY c."order", c.person) AS staged
      FROM film_of f JOIN staged_credits c USING (film) JOIN staged_names n USING (person)
        JOIN catalog_credit cr ON cr.movie_id = f.movie_id
        JOIN catalog_person p ON p.id = cr.person_id AND {missing_p} AND p.search_name = catalog_plain(n.name)
      WHERE f.way <> 'new' AND NOT (NOT {other_missing_p} AND EXISTS (
        SELECT FROM catalog_person o WHERE o.{name} = {written_c} AND NOT {other_missing_o}))) pairs
    ORDER BY credit_id, is_same_role DESC, (billed = staged) DESC, "order", number
"""
# Who has one id alone takes it, if nobody has it yet; who has an id at the other site is one person, and takes the
# id that most films say.
_ADOPT = """
    UPDATE catalog_person p SET {name} = {written_sole}
    FROM (SELECT DISTINCT ON (number) number, person_id FROM (
            SELECT person_id, mode() WITHIN GROUP (ORDER BY number) AS number, bool_or(is_known_elsewhere) AS is_known,
                   count(*) AS films
            FROM evidence GROUP BY person_id HAVING count(DISTINCT number) = 1 OR bool_or(is_known_elsewhere)) one_id
          ORDER BY number, is_known DESC, films DESC, person_id) sole
    WHERE p.id = sole.person_id AND NOT EXISTS (SELECT FROM catalog_person o WHERE o.{name} = {written_sole})
"""
_INSERT_NUMBERED = """
    INSERT INTO catalog_person (name, {name})
    SELECT n.name, {written_n}
    FROM (SELECT DISTINCT ON (person) person, name FROM staged_names ORDER BY person, name) n
    WHERE (n.person IN (SELECT c.person FROM staged_credits c JOIN credit_target t USING (film, role))
           OR n.person IN (SELECT number FROM evidence WHERE NOT is_known_elsewhere))
      AND NOT EXISTS (SELECT FROM catalog_person o WHERE o.{name} = {written_n})
    ORDER BY n.person
"""
# The others: a name that was two people, or one whose id another has. Their credits in these films are moved; where
# all the evidence is for one id, everything is. Who has an id at the other site goes with all to one without.
_MOVES = """
    CREATE TEMP TABLE credit_move ON COMMIT DROP AS
    WITH owner AS (SELECT id, {number_p} AS number, {other_missing_p} AS is_free FROM catalog_person p
                   WHERE p.{name} IN (SELECT {written_number} FROM evidence)),
    sole AS (SELECT person_id, mode() WITHIN GROUP (ORDER BY number) AS number, bool_or(is_known_elsewhere) AS is_known
             FROM evidence e JOIN catalog_person p ON p.id = e.person_id WHERE {missing_p}
             GROUP BY person_id HAVING count(DISTINCT number) = 1 OR bool_or(is_known_elsewhere)),
    whole AS (SELECT person_id, id, number FROM sole JOIN owner USING (number) WHERE NOT is_known
              UNION ALL
              SELECT * FROM (SELECT DISTINCT ON (id) person_id, id, number FROM sole JOIN owner USING (number)
                             WHERE is_known AND is_free ORDER BY id, person_id) known)
    SELECT cr.id AS credit_id, cr.person_id AS old, w.id AS new FROM catalog_credit cr JOIN whole w USING (person_id)
    UNION
    SELECT e.credit_id, e.person_id, o.id FROM evidence e JOIN catalog_person p ON p.id = e.person_id AND {missing_p}
      JOIN owner o ON o.number = e.number
    WHERE NOT e.is_known_elsewhere AND e.person_id NOT IN (SELECT person_id FROM sole)
"""
_MOVE = """
    DELETE FROM catalog_credit cr USING credit_move m WHERE cr.id = m.credit_id AND EXISTS (
      SELECT FROM catalog_credit o WHERE (o.movie_id, o.role, o.person_id) = (cr.movie_id, cr.role, m.new));
    UPDATE catalog_credit cr SET person_id = m.new FROM credit_move m WHERE cr.id = m.credit_id;
    UPDATE catalog_rule r SET person_id = m.new FROM (
      SELECT old, min(new) AS new FROM credit_move GROUP BY old HAVING count(DISTINCT new) = 1) m
      WHERE r.person_id = m.old AND NOT EXISTS (SELECT FROM catalog_credit cr WHERE cr.person_id = m.old);
    CREATE TEMP TABLE other_id ON COMMIT DROP AS
      SELECT DISTINCT m.new AS person_id, p.{other_name} AS id FROM credit_move m JOIN catalog_person p ON p.id = m.old
      WHERE NOT {other_missing_p};
    DELETE FROM catalog_person p USING (SELECT DISTINCT old FROM credit_move) m WHERE p.id = m.old
      AND NOT EXISTS (SELECT FROM catalog_credit cr WHERE cr.person_id = p.id)
      AND NOT EXISTS (SELECT FROM catalog_rule r WHERE r.person_id = p.id);
    UPDATE catalog_person p SET {other_name} = o.id FROM other_id o WHERE p.id = o.person_id
      AND NOT EXISTS (SELECT FROM catalog_person q WHERE q.{other_name} = o.id);
    DROP TABLE other_id
"""
# By name alone: the person without an id, else the only one of that name, else somebody new.
_INSERT_NAMED = """
    INSERT INTO catalog_person (name)
    SELECT DISTINCT c.name FROM staged_credits c JOIN credit_target t USING (film, role)
    WHERE c.person IS NULL AND (SELECT count(*) FROM (
      SELECT FROM catalog_person p WHERE p.name = c.name ORDER BY p.imdb_id LIMIT 2) of_name) <> 1
    ORDER BY 1 ON CONFLICT DO NOTHING
"""
_RESOLVE = """
    CREATE TEMP TABLE resolved ON COMMIT DROP AS
    SELECT DISTINCT ON (movie_id, role, person_id) movie_id, role, person_id, "order" FROM (
      SELECT t.movie_id, c.role, p.id AS person_id, c."order" FROM staged_credits c
        JOIN credit_target t USING (film, role)
        JOIN (SELECT id, {number_p} AS number FROM catalog_person p WHERE NOT {missing_p}) p ON p.number = c.person
      UNION ALL
      SELECT t.movie_id, c.role, p.id, c."order" FROM staged_credits c JOIN credit_target t USING (film, role)
        JOIN LATERAL (SELECT id FROM catalog_person WHERE name = c.name
                      ORDER BY imdb_id, tmdb_id NULLS FIRST, id LIMIT 1) p ON true
      WHERE c.person IS NULL) credited
    ORDER BY movie_id, role, person_id, "order"
"""
_DELETE_OTHERS = """
    DELETE FROM catalog_credit cr USING credit_target t WHERE (cr.movie_id, cr.role) = (t.movie_id, t.role)
      AND NOT EXISTS (SELECT FROM resolved r
                      WHERE (r.movie_id, r.role, r.person_id) = (cr.movie_id, cr.role, cr.person_id))
"""


@dataclass
class PeopleReport:
    """What became of the source's people."""

    credits: int = 0  # new, or with another billing
    people: int = 0  # new
    recognised: int = 0  # people of the catalogue who have the site's id now, or were found to be somebody with it

    @property
    def changes(self) -> int:
        """How many rows were written."""
        return self.credits + self.people + self.recognised


def write_people(cursor: CursorWrapper, ids: PersonIds, *, overwrite: bool, made: MadeRecords | None) -> PeopleReport:
    """Write the people and credits of the films that have none of a role; with `overwrite` of all staged films."""
    report = PeopleReport()
    for table in ("staged_names", "staged_credits"):
        cursor.execute(f"DELETE FROM {table} WHERE {_IS_NOBODY}")
    cursor.execute(_TARGETS.format(overwrite="true" if overwrite else "false"))
    cursor.execute("ANALYZE credit_target")
    sql = _words(ids)
    cursor.execute(_EVIDENCE.format(**sql))
    cursor.execute(_ADOPT.format(**sql))
    report.recognised = int(cursor.rowcount)
    with indexes_rebuilt_after(cursor, "catalog_person"):
        report.people = insert_noting(cursor, _INSERT_NUMBERED.format(**sql), RecordKind.PEOPLE, made)
    cursor.execute(_MOVES.format(**sql))
    cursor.execute("SELECT count(DISTINCT old) FROM credit_move")
    if moved := int(cursor.fetchone()[0]):
        report.recognised += moved
        cursor.execute(_MOVE.format(**sql))
    report.people += insert_noting(cursor, _INSERT_NAMED, RecordKind.PEOPLE, made)
    cursor.execute("ANALYZE catalog_person")
    cursor.execute(_RESOLVE.format(**sql))
    if overwrite:
        cursor.execute(_DELETE_OTHERS)
        report.credits = int(cursor.rowcount)
    with indexes_rebuilt_after(cursor, "catalog_credit") as is_empty:
        conflict = """ON CONFLICT (movie_id, role, person_id) DO UPDATE SET "order" = EXCLUDED."order"
                      WHERE cr."order" <> EXCLUDED."order" """
        report.credits += insert_noting(
            cursor,
            f"""INSERT INTO catalog_credit AS cr (movie_id, person_id, role, "order")
                SELECT movie_id, person_id, role, "order" FROM resolved ORDER BY movie_id, role, "order"
                {"" if is_empty else conflict}""",
            RecordKind.CREDITS,
            made,
        )
    forget_parts(cursor, made)
    cursor.execute("DROP TABLE credit_target, evidence, credit_move, resolved")
    return report


def _words(ids: PersonIds) -> dict[str, str]:
    """Return what the statements name: the column of the source's ids, and that of the other site's."""
    column = _COLUMNS[ids]
    other = next(other for kind, other in _COLUMNS.items() if kind is not ids)
    return {
        "name": column.name,
        "number_p": column.number.format("p"),
        "missing_p": column.missing.format("p"),
        "written_c": column.written.format("c.person"),
        "written_n": column.written.format("n.person"),
        "written_sole": column.written.format("sole.number"),
        "written_number": column.written.format("number"),
        "other_name": other.name,
        "other_missing_p": other.missing.format("p"),
        "other_missing_o": other.missing.format("o"),
    }
