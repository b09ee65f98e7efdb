"""Films as people see them: cards, pages, people by name."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from catalog.models import Credit

_GENRES = """ARRAY(SELECT g.name FROM catalog_movie_genres mg JOIN catalog_genre g ON g.id = mg.genre_id
                   WHERE mg.movie_id = m.id ORDER BY g.name)"""
_CARD = f"SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url FROM catalog_movie m"
_CREDITED = """ARRAY(SELECT p.name FROM catalog_credit c JOIN catalog_person p ON p.id = c.person_id
                    WHERE c.movie_id = m.id AND c.role = {role} ORDER BY c."order", c.id)"""
_DIRECTORS = _CREDITED.format(role=Credit.Role.DIRECTOR.value)
_ACTORS = _CREDITED.format(role=Credit.Role.ACTOR.value)
_DETAILS = f"""SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url, m.original_title, m.overview, m.runtime,
                      m.certificate, m.language, m.imdb_id, m.tmdb_id, {_DIRECTORS}, {_ACTORS}
               FROM catalog_movie m"""
# What a visitor may see now; the window's end is exclusive.
_SHOWN = """m.published AND (m.available_from IS NULL OR m.available_from <= now())
            AND (m.available_until IS NULL OR m.available_until > now())"""


class MovieCard(NamedTuple):
    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    poster_url: str


class MovieDetails(NamedTuple):
    card: MovieCard
    original_title: str
    overview: str
    runtime: int | None  # minutes
    certificate: str
    language: str
    imdb_id: str
    tmdb_id: int | None
    directors: list[str]
    actors: list[str]  # in billing order


@dataclass(frozen=True, slots=True)
class MoviePage:
    """`next_after` is the id to continue behind; None on the last page."""

    movies: list[MovieCard]
    next_after: int | None


def movie_cards(ids: Collection[int]) -> dict[int, MovieCard]:
    """Film id → card, in one query; unknown films are left out. Published or not: the caller has decided that."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_CARD} WHERE m.id = ANY(%s::int[])", [list(ids)])
        return {row[0]: MovieCard(*row) for row in cursor.fetchall()}


def movies_page(after: int, page_size: int, search: str = "", genre: str = "") -> MoviePage:
    """The films shown to visitors with ids above `after`, by id. One query; the next page costs what this one does.

    `search`: a part of the title, in any case; `genre`: its exact name, in any case.
    """
    conditions: list[str] = [_SHOWN, "m.id > %s"]
    values: list[int | str] = [after]
    if search:
        conditions.append("upper(m.title) LIKE upper(%s)")
        values.append(f"%{_literally(search)}%")
    if genre:
        conditions.append("""EXISTS (SELECT 1 FROM catalog_movie_genres mg JOIN catalog_genre g ON g.id = mg.genre_id
                                     WHERE mg.movie_id = m.id AND upper(g.name) = upper(%s))""")
        values.append(genre)
    with connection.cursor() as cursor:
        cursor.execute(f"{_CARD} WHERE {' AND '.join(conditions)} ORDER BY m.id LIMIT %s", [*values, page_size + 1])
        cards = [MovieCard(*row) for row in cursor.fetchall()]
    more = len(cards) > page_size
    return MoviePage(cards[:page_size], cards[page_size - 1].movie_id if more else None)


def shown_movie(movie_id: int) -> MovieDetails | None:
    """What a visitor may know of a film that is shown now; else None."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_DETAILS} WHERE m.id = %s AND {_SHOWN}", [movie_id])
        row = cursor.fetchone()
    return MovieDetails(MovieCard(*row[:5]), *row[5:]) if row else None


def resolve_people(names: Collection[str]) -> dict[str, list[int]]:
    """Each name as asked → the ids of the people called so, in any case; nobody of that name: an empty list."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT asked.name, p.id FROM unnest(%s::text[]) AS asked (name)
               JOIN catalog_person p ON upper(p.name) = upper(asked.name)""",
            [list(names)],
        )
        found: dict[str, list[int]] = {name: [] for name in names}
        for name, person_id in cursor.fetchall():
            found[name].append(person_id)
    return found


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
