"""Pages of movies: search and filters, and where the next page begins."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from django.db import connection

from catalog.limits import MAX_ID
from catalog.selectors.age_limits import certificates_within
from catalog.selectors.genre_names import stored_genres
from catalog.selectors.movies import IS_VISIBLE, WITHIN_AGE_LIMIT, MovieCard, select_card
from catalog.selectors.people_and_genres import near_people, resolve_people
from catalog.selectors.search_query import STOP_WORDS, SearchQuery, Term, correct_spelling, parse_search

_CURSOR = re.compile(r"(?:(?P<kind>[sm])(?P<rank>[0-9]{1,7})-)?(?P<after>-?[0-9]{1,10})\Z", re.ASCII)
_SORTED = "o"  # begins a cursor of an order that the client chose
_TYPES_OF_KEYS: dict[str, type] = {"title": str, "popularity": float, "rating": float}  # of orders; int of all others
_CONTAINS_TERM = """(SELECT id FROM catalog_movie WHERE search_words @@ %s::tsquery
    UNION SELECT movie_id FROM catalog_movietranslation WHERE search_words @@ %s::tsquery
    UNION SELECT id FROM catalog_movie WHERE year = %s
    UNION SELECT c.movie_id FROM catalog_credit c JOIN catalog_person p ON p.id = c.person_id
      WHERE to_tsvector('simple'::regconfig, COALESCE(p.search_name, '')) @@ %s::tsquery)"""
# An array is made once, before the movies are read: the planner cannot guess how few they are, and would start workers.
_CONTAINS_ALL_TERMS = "m.id = ANY(ARRAY({sets}))"
_HAS_WORD = """m.search_words @@ %s::tsquery OR EXISTS (SELECT FROM catalog_movietranslation t
               WHERE t.movie_id = m.id AND t.search_words @@ %s::tsquery)"""
_IN_TITLE = f"({_HAS_WORD} OR coalesce(m.year = %s, false))"
_SAME_TITLE = """(least(length(m.title), coalesce(nullif(length(m.original_title), 0), 999)) <= %s
                  AND ARRAY[catalog_plain(m.title), catalog_plain(m.original_title)] && %s::text[]
                  OR EXISTS (SELECT FROM catalog_movietranslation t WHERE t.movie_id = m.id
                             AND catalog_plain(t.title) = ANY(%s::text[])))"""
# catalog_plain() takes longer than all else here: only titles with other letters than a to z need it.
_TITLE_PREFIX = """(translate(lower(m.title), '-.,:!?''', ' ') ^@ ANY(%s::text[])
                    OR octet_length(m.title) > length(m.title) AND catalog_plain(m.title) ^@ ANY(%s::text[]))"""
# Of one or two letters: titles with other letters behind those that count need it neither.
_SHORT_TITLE_PREFIX = _TITLE_PREFIX.replace("m.title", "left(m.title, 8)")
_WITH_STANDING = "LEFT JOIN catalog_moviestanding s ON s.movie_id = m.id"
_RANK_WITHIN = """1000 * round(999 * sqrt(least(coalesce(s.popularity, 0), 1)))::int
                  + 999 - least(length(m.title), 999)"""
# The very title; then titles with all the words as they are, those first that begin with the text; then titles with a
# longer word in place of the last one, in the same order. Of each the most popular come first, then the shortest. Last
# are movies of people of that name or of that year, the newest first.
_RANK = f"""CASE WHEN NOT (({_HAS_WORD}) AND {{in_title}}) THEN coalesce(m.year, 0)
                 ELSE 1000000 * CASE WHEN {_SAME_TITLE} THEN 5
                                     ELSE CASE WHEN {{whole_in_title}} THEN 3 ELSE 1 END + ({_TITLE_PREFIX})::int END
                      + {_RANK_WITHIN} END"""
# Of one or two letters: the very title, titles that begin with them as a word, other titles that begin with them.
_RANK_OF_SHORT = f"""CASE WHEN {_SAME_TITLE} THEN 5000000 + {_RANK_WITHIN}
                          WHEN {_HAS_WORD} THEN 3000000 + 1000000 * ({_SHORT_TITLE_PREFIX})::int + {_RANK_WITHIN}
                          WHEN {_SHORT_TITLE_PREFIX} THEN 2000000 + {_RANK_WITHIN} ELSE coalesce(m.year, 0) END"""
_RANK_OF_COMMON = f"CASE WHEN {_SAME_TITLE} THEN 5000000 ELSE 0 END"
# Tested movie by movie, as half of all movies may be of a genre; the people of a name have few.
_HAS_GENRE = "EXISTS (SELECT FROM catalog_movie_genres g WHERE g.movie_id = m.id AND g.genre_id = ANY(%s::int[]))"
_HAS_PERSON = "m.id = ANY(ARRAY(SELECT movie_id FROM catalog_credit WHERE person_id = ANY(%s::int[])))"
_IN_LANGUAGE = "(lower(m.language) = ANY(%s) OR split_part(lower(m.language), '-', 1) = ANY(%s))"


MAX_SUGGESTED = 5  # names of people that are compared with all people


class Visibility(StrEnum):
    """Which movies a page has; the values are those of the API's parameter `published`."""

    VISIBLE = "true"  # published, and within its window
    HIDDEN = "false"  # not published
    ANY = "any"


class Cursor(NamedTuple):
    """The movie after which a page begins: its id; with a search its rank, and whether the search was corrected; in an
    order of the client's choice that order and the movie's key in it, and with an order of standings which count that
    key is of."""

    after: int = 0
    rank: int | None = None
    corrected: bool = False
    sort: str = ""
    key: str | int | float | None = None
    standings: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the text of a cursor; None for a text that no page gave."""
        if text.startswith(_SORTED):
            return cls._parse_sorted(text.removeprefix(_SORTED))
        match = _CURSOR.match(text)
        if not match or abs(int(match["after"])) > MAX_ID:
            return None
        return cls(int(match["after"]), int(match["rank"]) if match["rank"] else None, match["kind"] == "m")

    @classmethod
    def _parse_sorted(cls, text: str) -> Self | None:
        try:
            sort, key, after, *more = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, TypeError):
            return None
        standings = more[0] if more else None
        if len(more) > 1 or (more and (type(standings) is not int or not 0 <= standings < 2**63)):
            return None
        if not isinstance(sort, str) or type(after) is not int or abs(after) > MAX_ID + 1:
            return None
        type_of_key = type(key)
        if type_of_key is not _TYPES_OF_KEYS.get(sort.removeprefix("-"), int) or (type_of_key is str and "\0" in key):
            return None
        if isinstance(key, int) and abs(key) >= 2 ** (63 if sort.endswith("added") else 31):
            return None
        return cls(after, sort=sort, key=key, standings=standings)

    def __str__(self) -> str:
        if self.sort:
            count = [] if self.standings is None else [self.standings]
            text = json.dumps([self.sort, self.key, self.after, *count], separators=(",", ":"))
            return _SORTED + urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
        return str(self.after) if self.rank is None else f"{'m' if self.corrected else 's'}{self.rank}-{self.after}"


@dataclass(frozen=True, slots=True)
class MovieFilter:
    """What a page of movies is filtered by; years and minutes are inclusive, several names mean any of them."""

    search: str = ""  # words of the title, people and years
    genres: Sequence[str] = ()
    exclude_genres: Sequence[str] = ()  # none of these
    people: Sequence[str] = ()
    certificates: Sequence[str] = ()  # as movies have them
    countries: Sequence[str] = ()  # of origin, ISO 3166
    languages: Sequence[str] = ()
    min_year: int | None = None
    max_year: int | None = None
    min_runtime: int | None = None  # minutes
    max_runtime: int | None = None
    published: Visibility = Visibility.VISIBLE
    age_limit: int | None = None  # years
    country: str = ""  # where they are available, ISO 3166; "": not known
    titles_in: Sequence[str] = ()  # languages of titles, as for select_card()


@dataclass(frozen=True, slots=True)
class MoviePage:
    """A page of movies, and the cursor of the next one; `next` is None on the last page."""

    movies: list[MovieCard]
    next: Cursor | None
    unknown_names: dict[str, list[str]] = field(default_factory=dict)  # filter -> names that the catalogue lacks
    suggestions: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # filter -> such a name -> near ones


@dataclass(slots=True)
class Conditions:
    """SQL conditions, all of which hold, and their values."""

    conditions: list[str]
    values: list[Any]

    def add(self, condition: str, *values: Any) -> None:
        self.conditions.append(condition)
        self.values += values

    def copy(self) -> "Conditions":
        return Conditions([*self.conditions], [*self.values])

    def __str__(self) -> str:
        return " AND ".join(self.conditions) or "true"


class ResolvedNames(NamedTuple):
    """The ids that a filter's names mean; None where the filter has no names of the kind."""

    genre_ids: list[int] | None
    person_ids: list[int] | None
    excluded_genre_ids: list[int]
    unknown: dict[str, list[str]]
    suggestions: dict[str, dict[str, list[str]]]


def movies_page(movie_filter: MovieFilter, start: Cursor, page_size: int) -> MoviePage:
    """Return the page of movies after `start`: by id in one query, or by how well they fit the search in two.

    A filter by genres or by people takes one more each, and one for each name that nobody has. A search that nothing
    fits is corrected. The next page costs what this one does.
    """
    names = resolve_names(movie_filter)
    page = _movies_page(movie_filter, conditions_of(movie_filter, names), start, page_size)
    return replace(page, unknown_names=names.unknown, suggestions=names.suggestions)


def resolve_names(movie_filter: MovieFilter) -> ResolvedNames:
    """Look up the names of a filter: at most two queries, and one for each name that nobody has."""
    genre_ids = person_ids = None
    unknown: dict[str, list[str]] = {}
    near: dict[str, dict[str, list[str]]] = {}
    if movie_filter.genres:
        genres = stored_genres()
        found = {name: genres.ids_of(name) for name in movie_filter.genres}
        genre_ids = [pk for ids in found.values() for pk in ids]
        unknown["genres"] = [name for name, ids in found.items() if not ids]
        near["genres"] = {name: genres.names.near(name) for name in unknown["genres"]}
    excluded: list[int] = []
    if movie_filter.exclude_genres:
        genres = stored_genres()
        found = {name: genres.ids_of(name) for name in movie_filter.exclude_genres}
        excluded = [pk for ids in found.values() for pk in ids]
        unknown["exclude_genres"] = [name for name, ids in found.items() if not ids]
        near["exclude_genres"] = {name: genres.names.near(name) for name in unknown["exclude_genres"]}
    if movie_filter.people:
        found = resolve_people(movie_filter.people)
        person_ids = [pk for ids in found.values() for pk in ids]
        unknown["people"] = [name for name, ids in found.items() if not ids]
        near["people"] = {name: near_people(name) for name in unknown["people"][:MAX_SUGGESTED]}
    return ResolvedNames(
        genre_ids,
        person_ids,
        excluded,
        {name: names for name, names in unknown.items() if names},
        {name: shown for name, names in near.items() if (shown := {key: names[key] for key in names if names[key]})},
    )


def _movies_page(movie_filter: MovieFilter, where: "Conditions", start: Cursor, page_size: int) -> MoviePage:
    if not movie_filter.search:
        where.add("m.id > %s", start.after or -MAX_ID - 1)  # no movie has the id 0
        select, values = select_card(movie_filter.titles_in)
        with connection.cursor() as cursor:
            cursor.execute(f"{select} WHERE {where} ORDER BY m.id LIMIT %s", [*values, *where.values, page_size + 1])
            return _page([(MovieCard(*row), None) for row in cursor.fetchall()], page_size, corrected=False)
    query = parse_search(movie_filter.search)
    if not query.terms:
        return MoviePage([], None)
    if not start.corrected:
        found = _search(where.copy(), query, start, page_size + 1, movie_filter.titles_in)
        page = _page(found, page_size, corrected=False)
        if page.movies or start.rank is not None:
            return page
    other = correct_spelling(query)
    found = _search(where, other, start, page_size + 1, movie_filter.titles_in) if other else []
    return _page(found, page_size, corrected=True)


def _search(
    where: Conditions, query: SearchQuery, start: Cursor, limit: int, languages: Sequence[str]
) -> list[tuple[MovieCard, int | None]]:
    """Return (card, rank) of the movies that fit the query and the conditions, the best first."""
    rank, values = _rank(query)
    if query.is_common:
        where.add("m.search_words @@ %s::tsquery", " & ".join(term.tsquery for term in query.terms))
    else:
        sets = " INTERSECT ".join([_CONTAINS_TERM] * len(query.terms))
        set_values: list[Any] = [
            value for term in query.terms for value in (term.tsquery, term.tsquery, term.year, term.people_tsquery)
        ]
        if query.is_short:
            begins = f"SELECT m.id FROM catalog_movie m WHERE m.search_words @@ %s::tsquery AND {_SHORT_TITLE_PREFIX}"
            is_telling = query.text not in STOP_WORDS
            sets = f"{sets} UNION {begins}" if is_telling else begins
            beginning = Term((query.text,), is_prefix=True).tsquery  # by index; the rest is tested title by title
            set_values = [*(set_values if is_telling else ()), beginning, query.title_variants, query.title_variants]
        where.add(_CONTAINS_ALL_TERMS.format(sets=sets), *set_values)
    values += where.values
    after_start = ""
    if start.rank is not None:
        after_start = "WHERE (-rank, id) > (%s, %s)"
        values += [-start.rank, start.after]
    standing = "" if query.is_common else _WITH_STANDING
    best = f"""SELECT id, rank FROM (SELECT m.id, {rank} AS rank FROM catalog_movie m {standing} WHERE {where}) every
               {after_start} ORDER BY rank DESC, id LIMIT %s"""
    select, select_values = select_card(languages)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH best AS ({best}) SELECT card.*, best.rank FROM best
                JOIN LATERAL ({select} WHERE m.id = best.id) card ON true ORDER BY best.rank DESC, best.id""",
            [*values, limit, *select_values],
        )
        return [(MovieCard(*row[:-1]), row[-1]) for row in cursor.fetchall()]


def _rank(query: SearchQuery) -> tuple[str, list[Any]]:
    """Return the SQL of how well a movie fits the query, and its values."""
    title = [query.max_title_length, query.title_variants, query.title_variants]
    if query.is_common:
        return _RANK_OF_COMMON, title
    if query.is_short:
        in_front, word = [query.title_variants] * 2, [query.terms[0].tsquery] * 2
        return _RANK_OF_SHORT, [*title, *word, *in_front, *in_front]
    likeliest = [term.likeliest for term in query.terms]
    any_term = " | ".join(term.tsquery for term in likeliest)
    every_term = [value for term in likeliest for value in (term.tsquery, term.tsquery, term.year)]
    unfinished = [term for term in query.terms if term.is_prefix]
    whole = [value for term in unfinished for value in (term.whole.tsquery, term.whole.tsquery, term.year)]
    rank = _RANK.format(
        in_title=" AND ".join([_IN_TITLE] * len(likeliest)),
        whole_in_title=" AND ".join([_IN_TITLE] * len(unfinished)) or "true",
    )
    return rank, [any_term, any_term, *every_term, *title, *whole, query.title_variants, query.title_variants]


def _page(rows: Sequence[tuple[MovieCard, int | None]], page_size: int, corrected: bool) -> MoviePage:
    """Make a page of (card, rank), of which there is one more where another page follows."""
    cards = [card for card, _ in rows[:page_size]]
    if len(rows) <= page_size:
        return MoviePage(cards, None)
    last, rank = rows[page_size - 1]
    return MoviePage(cards, Cursor(last.movie_id, rank, corrected))


def conditions_of(movie_filter: MovieFilter, names: ResolvedNames) -> Conditions:
    """Return the conditions of a filter but its search. `names`: its own, resolved."""
    where = Conditions([], [])
    if movie_filter.published is not Visibility.ANY:
        if movie_filter.published is Visibility.VISIBLE:
            where.add(IS_VISIBLE, movie_filter.country)
        else:
            where.add("NOT m.published")
    if movie_filter.age_limit is not None:
        where.add(WITHIN_AGE_LIMIT, certificates_within(movie_filter.age_limit))
    for condition, ids in ((_HAS_GENRE, names.genre_ids), (_HAS_PERSON, names.person_ids)):
        if ids is not None:
            where.add(condition, ids)
    if names.excluded_genre_ids:
        where.add(f"NOT {_HAS_GENRE}", names.excluded_genre_ids)
    if movie_filter.certificates:
        where.add("m.certificate = ANY(%s)", list(movie_filter.certificates))
    if movie_filter.countries:
        where.add("m.countries::text[] && %s::text[]", [country.upper() for country in movie_filter.countries])
    if movie_filter.languages:
        tags = [tag.lower() for tag in movie_filter.languages]
        where.add(_IN_LANGUAGE, tags, tags)
    for condition, bound in (
        ("m.year >= %s", movie_filter.min_year),
        ("m.year <= %s", movie_filter.max_year),
        ("m.runtime >= %s", movie_filter.min_runtime),
        ("m.runtime <= %s", movie_filter.max_runtime),
    ):
        if bound is not None:
            where.add(condition, bound)
    return where
