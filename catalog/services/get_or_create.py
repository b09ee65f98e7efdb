"""Genres and people by name, created where they are new, and ids for new movies."""

from collections.abc import Collection, Container, Iterable, Sequence

from django.db import connection

from catalog.limits import MAX_SEQUENCE_ID
from catalog.models import Credit, Movie, Person
from catalog.names.matching import name_key
from catalog.selectors import stored_genres
from catalog.services.undo.made import MadeRecords, RecordKind


class GenreWriter:
    """Finds the genres of movies by any of their names, and makes those that are new where the writer says so."""

    def __init__(self, create: bool) -> None:
        self.create = create
        self.stored = stored_genres()

    def problem(self, names: Sequence[str]) -> str:
        """Say which genre the catalogue does not have, and which one is near; nothing where all are known."""
        unknown = [] if self.create else [name for name in names if not self.stored.names.find(name)]
        if not unknown:
            return ""
        near = self.stored.names.near(unknown[0])
        hint = f"did you mean {near[0]}?" if near else "GET /genres lists those that there are."
        return f"The catalogue has no genre {unknown[0]}: {hint} To make new genres send create_genres."

    def ids(self, names: Collection[str], made: MadeRecords | None = None) -> dict[str, int]:
        """Map the names to ids, making those that are new. Of genres that are spelled alike the oldest counts.

        `made`: is filled.
        """
        numbers = {name: self._numbers(name) for name in names}
        if new := {name_key(name): name for name in sorted(names, reverse=True) if not numbers[name]}:
            created = _create_by_name("catalog_genre", new.values())
            if made is not None:
                made.add(RecordKind.GENRES, created)
            self.stored = stored_genres()
            numbers = {name: self._numbers(name) for name in names}
        return {name: self.stored.ids[found[0]] for name, found in numbers.items()}

    def _numbers(self, name: str) -> list[int]:
        """Return the genres that a name means: who makes genres means one of another name by no name of ours."""
        return self.stored.names.find_stated(name) if self.create else self.stored.names.find(name)


def get_or_create_people(names: Collection[str], made: MadeRecords | None = None) -> dict[str, int]:
    """Map names to ids, creating people who are new, unless another writer creates them at the same moment.

    Of several people of a name the one without an id elsewhere is meant; where all have one, somebody new is. `made`:
    is filled.
    """
    ids = _people_ids(names)
    new = sorted(set(names) - ids.keys())
    if new:
        created = _create_by_name("catalog_person", new)
        if made is not None:
            made.add(RecordKind.PEOPLE, created)
        ids |= _people_ids(new)
    return ids


def _create_by_name(table: str, names: Iterable[str]) -> set[int]:
    """Create records that have only a name; one who is there already stays. Returns the ids of those that are new."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING RETURNING id", [list(names)]
        )
        return {pk for (pk,) in cursor.fetchall()}


def _people_ids(names: Collection[str]) -> dict[str, int]:
    """Map names to who is meant by the name alone; left out where nobody is, or several with ids elsewhere."""
    people: dict[str, list[tuple[bool, int]]] = {}
    named = Person.objects.filter(name__in=names).values_list("name", "imdb_id", "tmdb_id", "pk")
    for name, imdb_id, tmdb_id, pk in named:
        people.setdefault(name, []).append((bool(imdb_id or tmdb_id), pk))
    return {name: min(of_name)[1] for name, of_name in people.items() if len(of_name) == 1 or not min(of_name)[0]}


def credited_people(movie_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """Map (movie, name) to the person of that name who is credited there, whom a writer of the movie's people means."""
    credits_ = Credit.objects.filter(movie_id__in=movie_ids).order_by("-person_id")
    return {(movie, name): pk for movie, name, pk in credits_.values_list("movie_id", "person__name", "person_id")}


def allocate_movie_id(reserved: Container[int] = ()) -> int:
    """Return an id that no movie has and that is not `reserved`: ids from clients may lie ahead of the sequence."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('catalog_movie', 'id'))")
            movie_id = cursor.fetchone()[0]
            if movie_id not in reserved and not Movie.objects.filter(pk=movie_id).exists():
                return int(movie_id)


def allocate_keyed_movie_id() -> int:
    """Return an id, below zero, for a movie whose key is no number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('catalog_movie_key_id')")
        return int(cursor.fetchone()[0])


def advance_movie_sequence(client_ids: Collection[int]) -> None:
    """Move the sequence above ids that clients chose.

    Ids so near the last possible one that the sequence would end there do not move it; allocate_movie_id() passes over
    them.
    """
    last = max((movie_id for movie_id in client_ids if movie_id <= MAX_SEQUENCE_ID), default=1)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT setval(name, greatest(%s, coalesce(pg_sequence_last_value(name::regclass), 1)))
               FROM pg_get_serial_sequence('catalog_movie', 'id') AS name""",
            [last],
        )
