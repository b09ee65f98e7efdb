"""Films as others call them: by their ids, or by title and year."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from catalog.external_ids import parse_imdb_id
from catalog.selectors.movies import resolve_movie_ids

_LEADING_ARTICLE = re.compile(r"(?:the|an?) (?=.)")


class MovieReference(NamedTuple):
    title: str
    year: int | None
    imdb_id: str = ""  # as IMDb writes it
    tmdb_id: int | None = None


class Match(NamedTuple):
    """`by`: id, title, or why there is none: unknown, several."""

    movie_id: int | None
    by: str


def match_movies(references: Sequence[MovieReference]) -> list[Match]:
    """Four queries for all of them. A title counts with its year or one beside it: sites differ in what a year is."""
    ids = [
        [name for name in (_imdb_reference(one), one.tmdb_id and f"tmdb:{one.tmdb_id}") if name] for one in references
    ]
    named = resolve_movie_ids({name for names in ids for name in names})
    by_id = [next((named[name] for name in names if name in named), None) for names in ids]
    titles = _movies_by_title([one for one, found in zip(references, by_id, strict=True) if found is None])
    keys = dict(zip(references, _plain_titles([one.title for one in references]), strict=True))
    return [
        Match(found, "id") if found is not None else _match_title(one, titles.get(keys[one], []))
        for one, found in zip(references, by_id, strict=True)
    ]


def _imdb_reference(one: MovieReference) -> str:
    return f"imdb:{one.imdb_id}" if parse_imdb_id(one.imdb_id) else ""


def _match_title(one: MovieReference, films: Sequence[tuple[int, int | None]]) -> Match:
    """Of films called so (id, year): the one of the year, else the only one of a year beside it."""
    of_year = [movie_id for movie_id, year in films if one.year is None or year == one.year]
    near = of_year or [movie_id for movie_id, year in films if year and one.year and abs(year - one.year) == 1]
    if len(near) == 1:
        return Match(near[0], "title")
    return Match(None, "several" if near else "unknown")


def _movies_by_title(films: Sequence[MovieReference]) -> dict[str, list[tuple[int, int | None]]]:
    """Plain title, or original title, to the films of the years asked for; of all years where one is not known."""
    if not films:
        return {}
    years = {year for one in films if one.year for year in (one.year - 1, one.year, one.year + 1)}
    every = any(one.year is None for one in films)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, year, catalog_plain(title), catalog_plain(original_title) FROM catalog_movie
               WHERE %s OR year = ANY(%s::int[]) ORDER BY id""",
            [every, list(years)],
        )
        found: dict[str, list[tuple[int, int | None]]] = {}
        for movie_id, year, *titles in cursor.fetchall():
            for key in {_title_key(title) for title in titles if title}:
                found.setdefault(key, []).append((movie_id, year))
    return found


def _plain_titles(titles: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT catalog_plain(title) FROM unnest(%s::text[]) WITH ORDINALITY AS t (title, place) ORDER BY place",
            [list(titles)],
        )
        return [_title_key(plain) for (plain,) in cursor.fetchall()]


def _title_key(plain: str) -> str:
    """Words alone, without an article before them."""
    return _LEADING_ARTICLE.sub("", " ".join(re.findall(r"\w+", plain)), count=1)
