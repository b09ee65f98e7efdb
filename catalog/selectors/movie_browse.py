"""Browsing movies: pages in an order that the client chooses, counts by facet, and movies by their ids."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

from django.db import connection

from catalog.models import Credit
from catalog.selectors.movie_search import Conditions, Cursor, MovieFilter, MoviePage, conditions_of, resolve_names
from catalog.selectors.movies import MovieCard, resolve_movie_ids, select_card
from catalog.selectors.versions import standings_count

MAX_FACET_VALUES = 50  # of one facet, those of the most movies
LAST_YEAR = 32_767  # sorts movies of unknown year behind all others, in both directions

_NO_FILTER = MovieFilter()


class SortOrder(NamedTuple):
    """An order of movies: by an expression that is never null, then by id."""

    key: str  # SQL
    descending: bool = False
    of_standing: bool = False  # a column of catalog_moviestanding, above 0; movies without one stand last, by id

    def before(self, standings: int) -> Self:
        """Return the order as it was by the count of that number, as far as one count behind is known."""
        return self._replace(
            key=f"(CASE WHEN {self.key}_since > {standings} THEN {self.key}_before ELSE {self.key} END)"
        )


_ADDED = "(extract(epoch FROM m.added_at) * 1000000)::bigint"
SORTS = {
    "title": SortOrder('lower(m.title) COLLATE "C"'),
    "-title": SortOrder('lower(m.title) COLLATE "C"', descending=True),
    "year": SortOrder(f"coalesce(m.year, {LAST_YEAR})::int"),
    "-year": SortOrder(f"coalesce(-m.year, {LAST_YEAR})::int"),
    "added": SortOrder(_ADDED),
    "-added": SortOrder(f"-{_ADDED}"),
    "popularity": SortOrder("s.popularity", descending=True, of_standing=True),
    "rating": SortOrder("s.rating", descending=True, of_standing=True),
}


class FacetCount(NamedTuple):
    """A value of a facet, and how many movies have it."""

    value: str
    films: int


class _Facet(NamedTuple):
    own_filters: tuple[str, ...]  # not applied to its own counts
    counts: str  # SQL of values and how many movies have them; {where}: what holds of the movies m
    names: str = "{counts} ORDER BY films DESC, value LIMIT {limit}"  # SQL that orders and names the values


def _of_movies(value: str, known: str, joins: str = "") -> str:
    """Return the SQL that counts movies by a value of their own."""
    return f"""SELECT {value} AS value, count(*) AS films FROM catalog_movie m {joins}
               WHERE {known} AND {{where}} GROUP BY 1"""


# An array of the movies is made once; joined to them, the links would look each of their movies up.
_MATCHING = "= ANY(ARRAY(SELECT m.id FROM catalog_movie m WHERE {where}))"
FACETS = {
    "genres": _Facet(
        ("genres", "exclude_genres"),
        f"SELECT genre_id, count(*) AS films FROM catalog_movie_genres WHERE movie_id {_MATCHING} GROUP BY 1",
        "SELECT g.name, films FROM ({counts}) counted JOIN catalog_genre g ON g.id = genre_id "
        "ORDER BY 2 DESC, 1 LIMIT {limit}",
    ),
    "decades": _Facet(
        ("min_year", "max_year"),
        _of_movies("(m.year / 10 * 10)::text", "m.year IS NOT NULL"),
        "{counts} ORDER BY value DESC LIMIT {limit}",
    ),
    "languages": _Facet(("languages",), _of_movies("m.language", "m.language <> ''")),
    "certificates": _Facet(("certificates",), _of_movies("m.certificate", "m.certificate <> ''")),
    "countries": _Facet(
        ("countries",), _of_movies("country", "true", "CROSS JOIN LATERAL unnest(m.countries) country")
    ),
    "people": _Facet(
        ("people",),
        # Who directs a movie and plays in it counts once; a plain count is some times faster than a distinct one.
        f"""SELECT person_id AS value, count(*) AS films FROM catalog_credit
            WHERE movie_id {_MATCHING} AND (role = {Credit.Role.DIRECTOR.value} OR (movie_id, person_id) NOT IN (
              SELECT movie_id, person_id FROM catalog_credit WHERE role = {Credit.Role.DIRECTOR.value}))
            GROUP BY 1""",
        "SELECT p.name, sum(films)::int FROM ({counts} ORDER BY films DESC, value LIMIT {limit}) best "
        "JOIN catalog_person p ON p.id = value GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
}


def sorted_movies_page(movie_filter: MovieFilter, sort: str, start: Cursor, page_size: int) -> MoviePage:
    """Return the page of movies after `start` in an order of SORTS: one query beside those of names; up to three in an
    order of standings."""
    order, names = SORTS[sort], resolve_names(movie_filter)
    standings = None
    if order.of_standing:
        now = standings_count()
        standings = now if start.standings is None else start.standings
        order = order if standings == now else order.before(standings)
    where = conditions_of(movie_filter, names)
    rows: list[tuple] = []
    if start.key is None or start.key or not order.of_standing:
        rows = _sorted_rows(order, where, start, page_size + 1, movie_filter.titles_in)
    if order.of_standing and len(rows) <= page_size:
        last = start if start.key is not None and not start.key else None
        rows += _rows_without_standing(order, where, last, page_size + 1 - len(rows), movie_filter.titles_in)
    following = None
    if len(rows) > page_size:
        *_, key = rows[page_size - 1]
        following = Cursor(rows[page_size - 1][0], sort=sort, key=key, standings=standings)
    cards = [MovieCard(*row[:-1]) for row in rows[:page_size]]
    return MoviePage(cards, following, names.unknown, names.suggestions)


def _sorted_rows(
    order: SortOrder, where: Conditions, start: Cursor, limit: int, languages: Sequence[str]
) -> list[tuple]:
    """Return (columns of a card, key) of the movies after `start`; of those that have a standing, where that is it."""
    where = where.copy()
    direction, operator = ("DESC", "<") if order.descending else ("ASC", ">")
    source = "catalog_movie m"
    if order.of_standing:
        source = "catalog_moviestanding s JOIN catalog_movie m ON m.id = s.movie_id"
        where.add(f"{order.key} > 0")
    if start.key is not None:
        where.add(
            f"{order.key} {operator}= %s AND ({order.key} {operator} %s OR m.id > %s)",
            start.key,
            start.key,
            start.after,
        )
    last = "s.movie_id" if order.of_standing else "m.id"  # as the index has it
    return _card_rows(source, order.key, where, f"{order.key} {direction}, {last}", limit, languages)


def _rows_without_standing(
    order: SortOrder, where: Conditions, start: Cursor | None, limit: int, languages: Sequence[str]
) -> list[tuple]:
    """Return (columns of a card, 0.0) of the movies that nobody has watched or rated, after `start`."""
    where = where.copy()
    where.add(f"NOT EXISTS (SELECT FROM catalog_moviestanding s WHERE s.movie_id = m.id AND {order.key} > 0)")
    if start is not None:
        where.add("m.id > %s", start.after)
    return _card_rows("catalog_movie m", "0::float8", where, "m.id", limit, languages)


def _card_rows(
    source: str, key: str, where: Conditions, order: str, limit: int, languages: Sequence[str]
) -> list[tuple]:
    select, values = select_card(languages)
    statement = select.replace(" FROM catalog_movie m", f", {key} FROM {source}")
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} WHERE {where} ORDER BY {order} LIMIT %s", [*values, *where.values, limit])
        return cursor.fetchall()


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
        with connection.cursor() as cursor:
            statement = facet.names.format(counts=facet.counts.format(where=where), limit=MAX_FACET_VALUES)
            cursor.execute(statement, where.values)
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
