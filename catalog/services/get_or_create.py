"""Genres and people by name, made where they are new, and ids for new films."""

from collections.abc import Collection, Container, Iterator

from django.db import connection

from catalog.limits import MAX_SEQUENCE_ID
from catalog.models import Genre, Movie, Person


def get_or_create_genres(names: Collection[str]) -> dict[str, int]:
    """Folded name to id, for all genres; those of `names` that are new are made."""
    known = _folded_genres()
    new = {name.casefold(): name for name in sorted(names) if name.casefold() not in known}
    if not new:
        return known
    Genre.objects.bulk_create((Genre(name=name) for name in new.values()), ignore_conflicts=True)
    return _folded_genres()


def _folded_genres() -> dict[str, int]:
    """Of genres that differ in capitals alone the oldest."""
    return {name.casefold(): pk for name, pk in Genre.objects.order_by("-pk").values_list("name", "pk")}


def get_or_create_people(names: Collection[str]) -> dict[str, int]:
    """Name to id; those who are new are made, unless somebody else makes them at the same moment."""
    known = dict(Person.objects.filter(name__in=names).values_list("name", "pk"))
    new = sorted(set(names) - known.keys())
    if new:
        Person.objects.bulk_create((Person(name=name) for name in new), ignore_conflicts=True)
        known |= dict(Person.objects.filter(name__in=new).values_list("name", "pk"))
    return known


def allocate_movie_id(reserved: Container[int] = ()) -> int:
    """One that no film has, nor is among `taken`: ids that were given may lie ahead of the sequence."""
    return next(pk for pk in _sequence_values() if pk not in reserved and not Movie.objects.filter(pk=pk).exists())


def _sequence_values() -> Iterator[int]:
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('catalog_movie', 'id'))")
            yield cursor.fetchone()[0]


def advance_movie_sequence(client_ids: Collection[int]) -> None:
    """The sequence goes on above ids that it did not give, but for those so near the last of all that it would end
    there; `next_movie_id` passes over them."""
    last = max((movie_id for movie_id in client_ids if movie_id <= MAX_SEQUENCE_ID), default=1)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT setval(name, greatest(%s, coalesce(pg_sequence_last_value(name::regclass), 1)))
               FROM pg_get_serial_sequence('catalog_movie', 'id') AS name""",
            [last],
        )
