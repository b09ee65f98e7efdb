"""The movies and their credits as rows of a file, in one order: numbers first, then the other keys as they came."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from catalog.api.local_fields import window_values
from catalog.exchange.people_and_tags import write_person_ids
from catalog.keys import Key, write_key_text
from catalog.models import Credit, Movie
from catalog.selectors import MovieDetails, movie_details_page
from catalog.services import NamedPerson
from infrastructure.read_replica import read_from_replica

PAGE_SIZE = 2000  # movies
# An id elsewhere tells who somebody is. Where there is none, the name does, unless others of the name have one.
_CREDITS = """SELECT c.movie_id, c.role, c."order", p.name, p.imdb_id, p.tmdb_id,
      p.imdb_id = '' AND p.tmdb_id IS NULL AND EXISTS (
        SELECT FROM catalog_person o WHERE o.name = p.name AND o.id <> p.id)
    FROM catalog_credit c JOIN catalog_person p ON p.id = c.person_id
    WHERE c.movie_id = ANY(%s::int[]) ORDER BY c.role, c."order", c.id"""
_FACTS = """SELECT m.id, m.added_at,
      (SELECT json_object_agg(t.name, mt.count ORDER BY mt.count DESC, t.name COLLATE "C")
       FROM catalog_movietag mt JOIN catalog_tag t ON t.id = mt.tag_id WHERE mt.movie_id = m.id),
      EXISTS (SELECT FROM catalog_movie o WHERE o.imdb_id = m.imdb_id AND m.imdb_id <> '' AND o.id <> m.id)
        OR EXISTS (SELECT FROM catalog_movie o WHERE o.tmdb_id = m.tmdb_id AND o.id <> m.id)
    FROM catalog_movie m WHERE m.id = ANY(%s::int[])"""


class _Facts(NamedTuple):
    """What a file says of a movie beside what its page shows."""

    added_at: datetime
    tags: dict[str, int]  # how many viewers gave each
    shares_ids: bool


class _Part(NamedTuple):
    """A credit."""

    order: int
    person: NamedPerson


def movie_rows() -> Iterator[dict[str, Any]]:
    """Yield the values of all movies by the names of their fields, as JSON has them."""
    with read_from_replica():
        doubles = _doubles()
    for movies in _pages():
        with read_from_replica():
            rows = list(movie_values(movies, doubles))
        yield from rows


def movie_values(movies: Sequence[MovieDetails], doubles: dict[int, Key] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the values of these movies as movie_rows() does. `doubles`: of all movies, where they were read before."""
    ids = [movie.card.movie_id for movie in movies]
    doubles, facts, parts = _doubles() if doubles is None else doubles, _read_facts(ids), _read_parts(ids)
    for movie in movies:
        movie_id = movie.card.movie_id
        if movie_id not in facts:  # deleted since
            continue
        added_at, tags, shares_ids = facts[movie_id]
        directors, actors = (
            [part.person for part in parts.get((movie_id, role), [])]
            for role in (Credit.Role.DIRECTOR, Credit.Role.ACTOR)
        )
        values = movie.card._asdict() | movie._asdict()
        values |= {name: _iso_text(values[name]) for name in ("available_from", "available_until")}
        windows = [window_values(window) for window in movie.availability]
        yield values | {
            "movie_id": key_in_file(movie.card.key or movie_id),
            "availability": [{name: _iso_text(value) for name, value in window.items()} for window in windows],
            "directors": [person.name for person in directors],
            "actors": [person.name for person in actors],
            "director_ids": _ids(directors),
            "actor_ids": _ids(actors),
            "tags": tags,
            "double_of": key_in_file(doubles[movie_id]) if movie_id in doubles else None,
            "shared_ids": shares_ids,
            "added_at": _iso_text(added_at),
        }


def credit_rows() -> Iterator[dict[str, Any]]:
    """Yield all credits by the names of their fields."""
    for movies in _pages():
        with read_from_replica():
            parts = _read_parts([movie.card.movie_id for movie in movies])
        for movie in movies:
            for role in Credit.Role:
                for order, person in parts.get((movie.card.movie_id, role), []):
                    yield {
                        "movie_id": key_in_file(movie.card.key or movie.card.movie_id),
                        "name": person.name,
                        "role": role.label,
                        "order": order,
                        "imdb_id": write_person_ids(person._replace(tmdb_id=None)),
                        "tmdb_id": person.tmdb_id,
                    }


def key_in_file(key: Key) -> Key:
    """Return a key as files have it."""
    return write_key_text(key) if isinstance(key, str) else key


def _pages() -> Iterator[list[MovieDetails]]:
    for keyed in (False, True):
        after = 0
        while True:
            with read_from_replica():
                movies = movie_details_page(after, PAGE_SIZE, keyed=keyed)
            if not movies:
                break
            yield movies
            after = movies[-1].card.movie_id


def _iso_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _ids(people: Sequence[NamedPerson]) -> list[str]:
    """Return the ids of people; none at all where nobody has any."""
    ids = [write_person_ids(person) for person in people]
    return ids if any(ids) else []


def _read_facts(ids: Sequence[int]) -> dict[int, _Facts]:
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [list(ids)])
        return {
            movie_id: _Facts(added_at, json.loads(tags) if isinstance(tags, str) else tags or {}, shares_ids)
            for movie_id, added_at, tags, shares_ids in cursor.fetchall()
        }


def _read_parts(ids: Sequence[int]) -> dict[tuple[int, int], list[_Part]]:
    """Read the credits of movies by (movie, role), in billing order."""
    parts: dict[tuple[int, int], list[_Part]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CREDITS, [list(ids)])
        for movie_id, role, order, *person in cursor.fetchall():
            parts.setdefault((movie_id, role), []).append(_Part(order, NamedPerson(*person)))
    return parts


def _doubles() -> dict[int, Key]:
    """Map the movies of which staff say so to the movie that they are one film with, which comes first in the file; one
    that is a film of its own to itself."""
    said = dict(Movie.objects.exclude(double_of=None).values_list("pk", "double_of"))
    keys = {pk: key or pk for pk, key in Movie.objects.filter(pk__in={*said, *said.values()}).values_list("pk", "key")}
    films: dict[int, set[int]] = {}
    for pk, double_of in said.items():
        if double_of in keys:
            films.setdefault(double_of, {double_of}).add(pk)
    doubles: dict[int, Key] = {}
    for root, film in films.items():
        first = min(film, key=lambda pk: (pk < 0, abs(pk)))
        doubles |= {pk: keys[first] for pk in film if pk != first}
        if first == root == said.get(root):
            doubles[root] = keys[root]
    return doubles
