"""Films as people see them: cards, details, people by name."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from catalog.external_ids import format_imdb_id, parse_external_id, parse_imdb_id
from catalog.limits import parse_id
from catalog.models import Credit
from catalog.selectors.age_limits import certificate_age

_GENRES = """ARRAY(SELECT g.name FROM catalog_movie_genres mg JOIN catalog_genre g ON g.id = mg.genre_id
                   WHERE mg.movie_id = m.id ORDER BY g.name)"""
SELECT_CARD = f"SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url FROM catalog_movie m"
_CREDITED_NAMES = """ARRAY(SELECT p.name FROM catalog_credit c JOIN catalog_person p ON p.id = c.person_id
                    WHERE c.movie_id = m.id AND c.role = {role} ORDER BY c."order", c.id)"""
_DIRECTORS = _CREDITED_NAMES.format(role=Credit.Role.DIRECTOR.value)
_ACTORS = _CREDITED_NAMES.format(role=Credit.Role.ACTOR.value)
_SELECT_DETAILS = f"""SELECT m.id, m.title, m.year, {_GENRES}, m.poster_url, m.original_title, m.overview, m.runtime,
                      m.certificate, m.language, m.imdb_id, m.tmdb_id, {_DIRECTORS}, {_ACTORS},
                      m.published, m.available_from, m.available_until
               FROM catalog_movie m"""
_CERTIFICATE_COLUMN = 8  # its column there
# What a visitor may see now; the window's end is exclusive.
IS_VISIBLE = """m.published AND (m.available_from IS NULL OR m.available_from <= now())
            AND (m.available_until IS NULL OR m.available_until > now())"""
WITHIN_AGE_LIMIT = "m.certificate = ANY(%s)"  # of certificates_for


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
    published: bool
    available_from: datetime | None
    available_until: datetime | None  # exclusive


def movie_cards(ids: Collection[int]) -> dict[int, MovieCard]:
    """Film id → card, in one query; unknown films are left out. Published or not: the caller has decided that."""
    with connection.cursor() as cursor:
        cursor.execute(f"{SELECT_CARD} WHERE m.id = ANY(%s::int[])", [list(ids)])
        return {row[0]: MovieCard(*row) for row in cursor.fetchall()}


def visible_movie_details(movie_id: int, age_limit: int | None = None) -> MovieDetails | None:
    """What a visitor may know of a film that is shown now and is within the age limit (years); else None."""
    return _details(movie_id, age_limit, f" AND {IS_VISIBLE}")


def movie_details(movie_id: int, age_limit: int | None = None) -> MovieDetails | None:
    """A film for those who look after the catalogue, shown or not."""
    return _details(movie_id, age_limit)


def _details(movie_id: int, age_limit: int | None, more: str = "") -> MovieDetails | None:
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_DETAILS} WHERE m.id = %s{more}", [movie_id])
        row = cursor.fetchone()
    if row and age_limit is not None and certificate_age(row[_CERTIFICATE_COLUMN]) > age_limit:
        return None
    return MovieDetails(MovieCard(*row[:5]), *row[5:]) if row else None


def movie_details_page(after: int, page_size: int) -> list[MovieDetails]:
    """The films with an id above `after`, shown or not, by id."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_DETAILS} WHERE m.id > %s ORDER BY m.id LIMIT %s", [after, page_size])
        return [MovieDetails(MovieCard(*row[:5]), *row[5:]) for row in cursor.fetchall()]


def resolve_movie_ids(texts: Collection[str]) -> dict[str, int]:
    """As movie_named for many, in two queries: those that the catalogue has."""
    elsewhere = {text: one for text in texts if (one := parse_external_id(text)) is not None}
    own = {text: number for text in texts if (number := parse_id(text))}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM catalog_movie WHERE id = ANY(%s::int[])", [list(own.values())])
        there = {movie_id for (movie_id,) in cursor.fetchall()}
        imdb = [spelt for other in elsewhere.values() for spelt in (format_imdb_id(other.imdb), f"tt{other.imdb}")]
        cursor.execute(
            """SELECT id, imdb_id, tmdb_id FROM catalog_movie WHERE imdb_id = ANY(%s) OR tmdb_id = ANY(%s)
               ORDER BY id DESC""",
            [imdb, [other.tmdb for other in elsewhere.values() if other.tmdb]],
        )
        of: dict[tuple[str, int], int] = {}
        for movie_id, imdb_id, tmdb_id in cursor.fetchall():
            of["imdb", parse_imdb_id(imdb_id) or 0] = of["tmdb", tmdb_id or 0] = movie_id
    known = {text: number for text, number in own.items() if number in there}
    keys = {text: ("imdb", other.imdb) if other.imdb else ("tmdb", other.tmdb) for text, other in elsewhere.items()}
    return known | {text: of[key] for text, key in keys.items() if key in of}


def resolve_movie_id(text: str) -> int | None:
    """The film that a client means by its id, or by one at IMDB or TMDB; the oldest of several. None: no film's id."""
    found = parse_external_id(text)
    if found is None:
        return parse_id(text) or None
    spellings = [format_imdb_id(found.imdb), f"tt{found.imdb}"] if found.imdb else []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id) FROM catalog_movie WHERE imdb_id = ANY(%s) OR tmdb_id = %s", [spellings, found.tmdb or None]
        )
        return cursor.fetchone()[0]


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
