"""Movies as other sites name them: by external id, or by title and year."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from catalog.external_ids import parse_imdb_id
from catalog.selectors.movies import resolve_movie_ids

_LEADING_ARTICLE = re.compile(r"(?:the|an?) (?=.)")


class MovieReference(NamedTuple):
    """A movie as another site describes it."""

    title: str
    year: int | None
    imdb_id: str = ""  # as IMDb writes it
    tmdb_id: int | None = None


class Match(NamedTuple):
    """The movie that a reference means. `by`: `id` or `title`; without a movie the reason, `unknown` or `several`."""

    movie_id: int | None
    by: str


def match_movies(references: Sequence[MovieReference]) -> list[Match]:
    """Match each reference with a movie of the catalogue, in four queries for all.

    External ids come first. A title counts with its year or a year beside it: sites differ in what a movie's year is.
    """
    ids = [_external_ids(reference) for reference in references]
    movie_by_id = resolve_movie_ids({text for texts in ids for text in texts})
    by_id = [next((movie_by_id[text] for text in texts if text in movie_by_id), None) for texts in ids]
    candidates = _movies_by_title([ref for ref, movie in zip(references, by_id, strict=True) if movie is None])
    keys = dict(zip(references, _title_keys([ref.title for ref in references]), strict=True))
    return [
        Match(movie, "id") if movie is not None else _match_title(ref.year, candidates.get(keys[ref], []))
        for ref, movie in zip(references, by_id, strict=True)
    ]


def _external_ids(reference: MovieReference) -> list[str]:
    imdb = [f"imdb:{reference.imdb_id}"] if parse_imdb_id(reference.imdb_id) else []
    return imdb + ([f"tmdb:{reference.tmdb_id}"] if reference.tmdb_id else [])


def _match_title(year: int | None, movies: Sequence[tuple[int, int | None]]) -> Match:
    """Choose among movies of one title (id, year): the movie of the year, else the only movie of a year beside it."""
    same_year = [movie_id for movie_id, other in movies if year is None or other == year]
    near = same_year or [movie_id for movie_id, other in movies if other and year and abs(other - year) == 1]
    if len(near) == 1:
        return Match(near[0], "title")
    return Match(None, "several" if near else "unknown")


def _movies_by_title(references: Sequence[MovieReference]) -> dict[str, list[tuple[int, int | None]]]:
    """Map title keys, of original titles too, to (id, year) of movies from the years of the references.

    A reference without a year needs the movies of all years.
    """
    if not references:
        return {}
    years = {year for ref in references if ref.year for year in (ref.year - 1, ref.year, ref.year + 1)}
    all_years = any(ref.year is None for ref in references)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, year, catalog_plain(title), catalog_plain(original_title) FROM catalog_movie
               WHERE %s OR year = ANY(%s::int[]) ORDER BY id""",
            [all_years, list(years)],
        )
        movies: dict[str, list[tuple[int, int | None]]] = {}
        for movie_id, year, *titles in cursor.fetchall():
            for key in {_title_key(title) for title in titles if title}:
                movies.setdefault(key, []).append((movie_id, year))
    return movies


def _title_keys(titles: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT catalog_plain(title) FROM unnest(%s::text[]) WITH ORDINALITY AS t (title, place) ORDER BY place",
            [list(titles)],
        )
        return [_title_key(plain) for (plain,) in cursor.fetchall()]


def _title_key(plain: str) -> str:
    """Return the words of a plain title, without an article before them."""
    return _LEADING_ARTICLE.sub("", " ".join(re.findall(r"\w+", plain)), count=1)
