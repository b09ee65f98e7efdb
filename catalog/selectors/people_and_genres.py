"""People and genres of the visible movies, with how many movies each has."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection

from catalog.names.matching import NearNames
from catalog.selectors.age_limits import EVERYBODY, Audience, certificates_within
from catalog.selectors.movies import IS_VISIBLE, WITHIN_AGE_LIMIT
from catalog.selectors.search_query import parse_search

_MOVIE_COUNT = f"""(SELECT count(DISTINCT m.id) FROM catalog_credit c JOIN catalog_movie m ON m.id = c.movie_id
                    WHERE c.person_id = p.id AND {IS_VISIBLE} {{age_condition}})"""


_LETTERS = "translate(search_name, ' ,;!?()*+\"', '')"  # as catalog.models.WithoutSpaces has it: an index is on it
_PEOPLE_BY_LETTERS = f"""SELECT wanted.name, p.id FROM unnest(%s::text[]) AS wanted (name)
    JOIN LATERAL (SELECT id FROM catalog_person WHERE {_LETTERS}
                    = (SELECT {_LETTERS} FROM catalog_plain(wanted.name) AS search_name) ORDER BY id) p ON true"""
_ALIKE = """SELECT name FROM catalog_person WHERE upper(name) %% upper(%s)
            ORDER BY similarity(upper(name), upper(%s)) DESC, id LIMIT %s"""
MAX_COMPARED = 20  # names that have letters in common with a mistyped one


class NameCount(NamedTuple):
    """A name and how many visible movies carry it."""

    name: str
    films: int


def resolve_people(names: Collection[str]) -> dict[str, list[int]]:
    """Map each name to the ids of the people of that name, in any spelling; to an empty list where there is nobody.

    Case, accents, punctuation and spaces do not matter.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE_BY_LETTERS, [list(names)])
        ids: dict[str, list[int]] = {name: [] for name in names}
        for name, person_id in cursor.fetchall():
            ids[name].append(person_id)
    return ids


def near_people(name: str) -> list[str]:
    """Return names of people that are near to a mistyped one, the nearest first."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, [name, name, MAX_COMPARED])
        alike = [known for (known,) in cursor.fetchall()]
    return NearNames(alike).find(name)


def genre_list(audience: Audience = EVERYBODY) -> list[NameCount]:
    """Return all genres by name. Only movies that this audience may see count."""
    age_condition, values = _age_condition(audience.age_limit)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT g.name, count(m.id) FROM catalog_genre g
                LEFT JOIN catalog_movie_genres mg ON mg.genre_id = g.id
                LEFT JOIN catalog_movie m ON m.id = mg.movie_id AND {IS_VISIBLE} {age_condition}
                GROUP BY g.id, g.name ORDER BY g.name""",
            [audience.country, *values],
        )
        return [NameCount(*row) for row in cursor.fetchall()]


def people_page(
    after: int, page_size: int, search: str = "", audience: Audience = EVERYBODY
) -> tuple[list[NameCount], int | None]:
    """Return a page of people by id, and the id after which the next page begins (None on the last page).

    `search`: only people whose names have all its words, the last one perhaps unfinished. Only movies that
    this audience may see count.
    """
    age_condition, ages = _age_condition(audience.age_limit)
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
            f"""SELECT p.id, p.name, {_MOVIE_COUNT.format(age_condition=age_condition)}
                FROM (SELECT id, name FROM catalog_person p WHERE {" AND ".join(conditions)} ORDER BY id LIMIT %s) p
                ORDER BY p.id""",
            [audience.country, *ages, *values, page_size + 1],
        )
        rows = cursor.fetchall()
    more = len(rows) > page_size
    return [NameCount(name, count) for _, name, count in rows[:page_size]], rows[page_size - 1][0] if more else None


def _age_condition(age_limit: int | None) -> tuple[str, list[Any]]:
    """Return the SQL condition of an age limit and its values; empty where there is no limit."""
    return ("", []) if age_limit is None else (f"AND {WITHIN_AGE_LIMIT}", [certificates_within(age_limit)])
