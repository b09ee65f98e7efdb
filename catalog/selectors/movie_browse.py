"""Browsing movies: pages in an order that the client chooses, counts by facet, and movies by their ids."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import connection

from catalog.models import Credit
from catalog.selectors.movie_search import Cursor, MovieFilter, MoviePage, conditions_of, resolve_names
from catalog.selectors.movies import MovieCard, resolve_movie_ids, select_card

MAX_FACET_VALUES = 50  # of one facet, those of the most movies
LAST_YEAR = 32_767  # sorts movies of unknown year behind all others, in both directions

_NO_FILTER = MovieFilter()


class SortOrder(NamedTuple):
    """An order of movies: by an expression that is never null, then by id."""

    key: str  # SQL
    descending: bool = False


_ADDED = "(extract(epoch FROM m.added_at) * 1000000)::bigint"
SORTS = {
    "title": SortOrder('lower(m.title) COLLATE "C"'),
    "-title": SortOrder('lower(m.title) COLLATE "C"', descending=True),
    "year": SortOrder(f"coalesce(m.year, {LAST_YEAR})::int"),
    "-year": SortOrder(f"coalesce(-m.year, {LAST_YEAR})::int"),
    "added": SortOrder(_ADDED),
    "-added": SortOrder(f"-{_ADDED}"),
}


class FacetCount(NamedTuple):
    """A value of a facet, and how many movies have it."""

    value: str
    films: int


class _Facet(NamedTuple):
    own_filters: tuple[str, ...]  # not applied to its own counts
    value: str  # SQL
    joins: str = ""
    known: str = "true"  # which values count
    names: str = "{best}"  # SQL that names the values


FACETS = {
    "genres": _Facet(
        ("genres", "exclude_genres"),
        "g.name",
        "JOIN catalog_movie_genres mg ON mg.movie_id = m.id JOIN catalog_genre g ON g.id = mg.genre_id",
    ),
    "decades": _Facet(("min_year", "max_year"), "(m.year / 10 * 10)::text", known="m.year IS NOT NULL"),
    "languages": _Facet(("languages",), "m.language", known="m.language <> ''"),
    "certificates": _Facet(("certificates",), "m.certificate", known="m.certificate <> ''"),
    "countries": _Facet(("countries",), "country", "CROSS JOIN LATERAL unnest(m.countries) country"),
    "people": _Facet(
        ("people",),
        "c.person_id",
        "JOIN catalog_credit c ON c.movie_id = m.id",
        # Who directs a movie and plays in it counts once; a plain count is some times faster than a distinct one.
        known=f"""(c.role = {Credit.Role.DIRECTOR.value} OR NOT EXISTS (SELECT FROM catalog_credit d WHERE
            d.movie_id = c.movie_id AND d.person_id = c.person_id AND d.role = {Credit.Role.DIRECTOR.value}))""",
        names="SELECT p.name, sum(films)::int FROM ({best}) best JOIN catalog_person p ON p.id = value "
        "GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
}


def sorted_movies_page(movie_filter: MovieFilter, sort: str, start: Cursor, page_size: int) -> MoviePage:
    """Return the page of movies after `start` in an order of SORTS: one query beside those of names."""
    order, names = SORTS[sort], resolve_names(movie_filter)
    where = conditions_of(movie_filter, names)
    direction, operator = ("DESC", "<") if order.descending else ("ASC", ">")
    if start.key is not None:
        where.add(f"({order.key} {operator} %s OR ({order.key} = %s AND m.id > %s))", start.key, start.key, start.after)
    select, values = select_card(movie_filter.titles_in)
    statement = select.replace(" FROM catalog_movie m", f", {order.key} FROM catalog_movie m")
    with connection.cursor() as cursor:
        cursor.execute(
            f"{statement} WHERE {where} ORDER BY {order.key} {direction}, m.id LIMIT %s",
            [*values, *where.values, page_size + 1],
        )
        rows = cursor.fetchall()
    following = None
    if len(rows) > page_size:
        *_, key = rows[page_size - 1]
        following = Cursor(rows[page_size - 1][0], sort=sort, key=key)
    cards = [MovieCard(*row[:-1]) for row in rows[:page_size]]
    return MoviePage(cards, following, names.unknown, names.suggestions)


def count_facets(movie_filter: MovieFilter, facets: Sequence[str]) -> dict[str, list[FacetCount]]:
    """Count the movies that match the filter by the values of each facet: one query each.

    A facet's own filter is not applied to its counts: they say what choosing another value would bring. The values of
    the most movies come first, decades in their order.
    """
    counts = {}
    for name in facets:
        facet = FACETS[name]
        others = _without(movie_filter, facet.own_filters)
        where = conditions_of(others, resolve_names(others))
        order = "value DESC" if name == "decades" else "films DESC, value"
        with connection.cursor() as cursor:
            best = f"""SELECT {facet.value} AS value, count(*) AS films FROM catalog_movie m {facet.joins}
                       WHERE {facet.known} AND {where} GROUP BY 1 ORDER BY {order} LIMIT %s"""
            cursor.execute(facet.names.format(best=best), [*where.values, MAX_FACET_VALUES])
            counts[name] = [FacetCount(*row) for row in cursor.fetchall()]
    return counts


def _without(movie_filter: MovieFilter, names: Sequence[str]) -> MovieFilter:
    """Return the filter without some of its fields."""
    unset: dict[str, Any] = {name: getattr(_NO_FILTER, name) for name in names}
    return replace(movie_filter, **unset)


def movies_by_ids(texts: Sequence[str], movie_filter: MovieFilter) -> tuple[list[MovieCard], list[str]]:
    """Return the movies of these ids in their order, each once, and the ids of no movie that the filter lets pass."""
    ids = resolve_movie_ids(texts)
    where = conditions_of(movie_filter, resolve_names(movie_filter))
    where.add("m.id = ANY(%s::int[])", list(ids.values()))
    with connection.cursor() as cursor:
        select, values = select_card(movie_filter.titles_in)
        cursor.execute(f"{select} WHERE {where}", [*values, *where.values])
        cards: dict[Any, MovieCard] = {row[0]: MovieCard(*row) for row in cursor.fetchall()}
    found = dict.fromkeys(ids[text] for text in texts if ids.get(text) in cards)
    return [cards[movie_id] for movie_id in found], [text for text in texts if ids.get(text) not in cards]
