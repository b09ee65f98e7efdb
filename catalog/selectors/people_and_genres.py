"""Who and what the films that are shown have: people and genres, with how many films."""

from typing import Any, NamedTuple

from django.db import connection

from catalog.selectors.age_limits import certificates_within
from catalog.selectors.movies import IS_VISIBLE, WITHIN_AGE_LIMIT
from catalog.selectors.search_query import parse_search

_MOVIE_COUNT = f"""(SELECT count(DISTINCT m.id) FROM catalog_credit c JOIN catalog_movie m ON m.id = c.movie_id
                        WHERE c.person_id = p.id AND {IS_VISIBLE} {{of_age}})"""


class NameCount(NamedTuple):
    name: str
    films: int


def genre_list(age_limit: int | None = None) -> list[NameCount]:
    """All genres by name. `age_limit` (years): only films within it count."""
    of_age, values = _age_condition(age_limit)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT g.name, count(m.id) FROM catalog_genre g
                LEFT JOIN catalog_movie_genres mg ON mg.genre_id = g.id
                LEFT JOIN catalog_movie m ON m.id = mg.movie_id AND {IS_VISIBLE} {of_age}
                GROUP BY g.id, g.name ORDER BY g.name""",
            values,
        )
        return [NameCount(*row) for row in cursor.fetchall()]


def people_page(
    after: int, page_size: int, search: str = "", age_limit: int | None = None
) -> tuple[list[NameCount], int | None]:
    """People by id, with those whose names have all the words, the last one perhaps unfinished; and the id to go on
    behind, None on the last page. `age_limit` (years): only films within it count."""
    of_age, ages = _age_condition(age_limit)
    conditions = ["p.id > %s"]
    values: list[Any] = [after]
    if search:
        terms = parse_search(search).terms
        if not terms:
            return [], None
        conditions.append("to_tsvector('simple'::regconfig, COALESCE(p.search_name, '')) @@ %s::tsquery")
        values.append(" & ".join(term.tsquery for term in terms))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT p.id, p.name, {_MOVIE_COUNT.format(of_age=of_age)}
                FROM (SELECT id, name FROM catalog_person p WHERE {" AND ".join(conditions)} ORDER BY id LIMIT %s) p
                ORDER BY p.id""",
            [*ages, *values, page_size + 1],
        )
        rows = cursor.fetchall()
    more = len(rows) > page_size
    return [NameCount(name, films) for _, name, films in rows[:page_size]], rows[page_size - 1][0] if more else None


def _age_condition(age_limit: int | None) -> tuple[str, list[Any]]:
    return ("", []) if age_limit is None else (f"AND {WITHIN_AGE_LIMIT}", [certificates_within(age_limit)])
