"""Directors and actors of staged films: told apart by their ids at IMDb where the source has them, else by name."""

from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from catalog.loading.index_rebuild import indexes_rebuilt_after

_IMDB_ID = "'nm' || lpad({0}::text, greatest(7, length({0}::text)), '0')"
_NUMBER_OF = "substring({}.imdb_id from '^nm0*([1-9][0-9]{{0,8}})$')::int"
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
# A person without an id who is credited in a film with someone of that name and an id: they are one.
_EVIDENCE = """
    CREATE TEMP TABLE evidence ON COMMIT DROP AS
    SELECT DISTINCT ON (cr.id) cr.id AS credit_id, cr.person_id, c.person AS number
    FROM film_of f JOIN staged_credits c USING (film) JOIN staged_names n USING (person)
      JOIN catalog_credit cr ON cr.movie_id = f.movie_id
      JOIN catalog_person p ON p.id = cr.person_id AND p.imdb_id = '' AND p.search_name = catalog_plain(n.name)
    WHERE f.way <> 'new' ORDER BY cr.id, (cr.role = c.role) DESC, c."order", c.person
"""
# Who has one id alone takes it, if nobody has it yet.
_ADOPT = f"""
    UPDATE catalog_person p SET imdb_id = {_IMDB_ID.format("sole.number")}
    FROM (SELECT DISTINCT ON (number) number, person_id FROM (
            SELECT person_id, min(number) AS number FROM evidence GROUP BY person_id
            HAVING count(DISTINCT number) = 1) one_id
          ORDER BY number, person_id) sole
    WHERE p.id = sole.person_id
      AND NOT EXISTS (SELECT FROM catalog_person o WHERE o.imdb_id = {_IMDB_ID.format("sole.number")})
"""
_INSERT_NUMBERED = f"""
    INSERT INTO catalog_person (name, imdb_id)
    SELECT n.name, {_IMDB_ID.format("n.person")}
    FROM (SELECT DISTINCT ON (person) person, name FROM staged_names ORDER BY person, name) n
    WHERE (n.person IN (SELECT c.person FROM staged_credits c JOIN credit_target t USING (film, role))
           OR n.person IN (SELECT number FROM evidence))
      AND NOT EXISTS (SELECT FROM catalog_person o WHERE o.imdb_id = {_IMDB_ID.format("n.person")})
    ORDER BY n.person
"""
# The others: a name that was two people, or one whose id another has. Their credits in these films are moved; where
# all the evidence is for one id, everything is.
_MOVES = f"""
    CREATE TEMP TABLE credit_move ON COMMIT DROP AS
    WITH owner AS (SELECT id, {_NUMBER_OF.format("p")} AS number FROM catalog_person p
                   WHERE p.imdb_id IN (SELECT {_IMDB_ID.format("number")} FROM evidence)),
    sole AS (SELECT person_id, min(number) AS number FROM evidence e JOIN catalog_person p ON p.id = e.person_id
             WHERE p.imdb_id = '' GROUP BY person_id HAVING count(DISTINCT number) = 1)
    SELECT cr.id AS credit_id, cr.person_id AS old, o.id AS new FROM catalog_credit cr
      JOIN sole s ON s.person_id = cr.person_id JOIN owner o ON o.number = s.number
    UNION
    SELECT e.credit_id, e.person_id, o.id FROM evidence e JOIN catalog_person p ON p.id = e.person_id AND p.imdb_id = ''
      JOIN owner o ON o.number = e.number WHERE e.person_id NOT IN (SELECT person_id FROM sole)
"""
_MOVE = """
    DELETE FROM catalog_credit cr USING credit_move m WHERE cr.id = m.credit_id AND EXISTS (
      SELECT FROM catalog_credit o WHERE (o.movie_id, o.role, o.person_id) = (cr.movie_id, cr.role, m.new));
    UPDATE catalog_credit cr SET person_id = m.new FROM credit_move m WHERE cr.id = m.credit_id;
    UPDATE catalog_rule r SET person_id = m.new FROM (
      SELECT old, min(new) AS new FROM credit_move GROUP BY old HAVING count(DISTINCT new) = 1) m
      WHERE r.person_id = m.old AND NOT EXISTS (SELECT FROM catalog_credit cr WHERE cr.person_id = m.old);
    DELETE FROM catalog_person p USING (SELECT DISTINCT old FROM credit_move) m WHERE p.id = m.old
      AND NOT EXISTS (SELECT FROM catalog_credit cr WHERE cr.person_id = p.id)
      AND NOT EXISTS (SELECT FROM catalog_rule r WHERE r.person_id = p.id)
"""
# By name alone: the person without an id, else the only one of that name, else somebody new.
_INSERT_NAMED = """
    INSERT INTO catalog_person (name)
    SELECT DISTINCT c.name FROM staged_credits c JOIN credit_target t USING (film, role)
    WHERE c.person IS NULL AND (SELECT count(*) FROM (
      SELECT FROM catalog_person p WHERE p.name = c.name ORDER BY p.imdb_id LIMIT 2) of_name) <> 1
    ORDER BY 1 ON CONFLICT DO NOTHING
"""
_RESOLVE = f"""
    CREATE TEMP TABLE resolved ON COMMIT DROP AS
    SELECT DISTINCT ON (movie_id, role, person_id) movie_id, role, person_id, "order" FROM (
      SELECT t.movie_id, c.role, p.id AS person_id, c."order" FROM staged_credits c
        JOIN credit_target t USING (film, role)
        JOIN (SELECT id, {_NUMBER_OF.format("catalog_person")} AS number FROM catalog_person WHERE imdb_id <> '') p
          ON p.number = c.person
      UNION ALL
      SELECT t.movie_id, c.role, p.id, c."order" FROM staged_credits c JOIN credit_target t USING (film, role)
        JOIN LATERAL (SELECT id FROM catalog_person WHERE name = c.name ORDER BY imdb_id, id LIMIT 1) p ON true
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
    recognised: int = 0  # people known by name who have an id now, or were found to be somebody with one

    @property
    def changes(self) -> int:
        """How many rows were written."""
        return self.credits + self.people + self.recognised


def write_people(cursor: CursorWrapper, *, overwrite: bool) -> PeopleReport:
    """Write the people and credits of the films that have none of a role; with `overwrite` of all staged films."""
    report = PeopleReport()
    for table in ("staged_names", "staged_credits"):
        cursor.execute(f"DELETE FROM {table} WHERE {_IS_NOBODY}")
    cursor.execute(_TARGETS.format(overwrite="true" if overwrite else "false"))
    cursor.execute("ANALYZE credit_target")
    cursor.execute(_EVIDENCE)
    cursor.execute(_ADOPT)
    report.recognised = int(cursor.rowcount)
    with indexes_rebuilt_after(cursor, "catalog_person"):
        cursor.execute(_INSERT_NUMBERED)
        report.people = int(cursor.rowcount)
    cursor.execute(_MOVES)
    cursor.execute("SELECT count(DISTINCT old) FROM credit_move")
    if moved := int(cursor.fetchone()[0]):
        report.recognised += moved
        cursor.execute(_MOVE)
    cursor.execute(_INSERT_NAMED)
    report.people += int(cursor.rowcount)
    cursor.execute("ANALYZE catalog_person")
    cursor.execute(_RESOLVE)
    if overwrite:
        cursor.execute(_DELETE_OTHERS)
        report.credits = int(cursor.rowcount)
    with indexes_rebuilt_after(cursor, "catalog_credit") as is_empty:
        conflict = """ON CONFLICT (movie_id, role, person_id) DO UPDATE SET "order" = EXCLUDED."order"
                      WHERE cr."order" <> EXCLUDED."order" """
        cursor.execute(
            f"""INSERT INTO catalog_credit AS cr (movie_id, person_id, role, "order")
                SELECT movie_id, person_id, role, "order" FROM resolved ORDER BY movie_id, role, "order"
                {"" if is_empty else conflict}"""
        )
        report.credits += int(cursor.rowcount)
    cursor.execute("DROP TABLE credit_target, evidence, credit_move, resolved")
    return report
