"""Genres and people, created where they are new, and ids for new movies."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

from catalog.limits import MAX_SEQUENCE_ID
from catalog.models import Credit, Movie, Person
from catalog.names.matching import name_key
from catalog.selectors import stored_genres
from catalog.services.undo.made import MadeRecords, RecordKind

WRITE_LOCK = 5_270_402  # advisory lock; that of the demo's loading too, so that no movie comes while it loads


def lock_catalogue_writers() -> None:
    """Wait for other writers of movies and credits, and keep them out until the transaction ends: no constraint keeps
    two of them from creating one movie or person twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITE_LOCK])


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
            created = create_by_name("catalog_genre", new.values())
            if made is not None:
                made.add(RecordKind.GENRES, created)
            self.stored = stored_genres()
            numbers = {name: self._numbers(name) for name in names}
        return {name: self.stored.ids[found[0]] for name, found in numbers.items()}

    def _numbers(self, name: str) -> list[int]:
        """Return the genres that a name means: who makes genres means one of another name by no name of ours."""
        return self.stored.names.find_stated(name) if self.create else self.stored.names.find(name)


class NamedPerson(NamedTuple):
    """A person as a writer of credits names them: by ids at other sites, else by name."""

    name: str
    imdb_id: str = ""  # as in nm0000138
    tmdb_id: int | None = None
    has_no_id: bool = False  # of several people of the name the one without an id

    @property
    def has_id(self) -> bool:
        """Say whether an id tells who is meant, whatever the name."""
        return bool(self.imdb_id or self.tmdb_id)


def get_or_create_people(
    credited: Iterable[tuple[int, NamedPerson]], made: MadeRecords | None = None
) -> dict[tuple[int, NamedPerson], int]:
    """Map each (movie, person) to the person's id, creating people who are new.

    An id at IMDb tells who is meant, else one at TMDB; what a person lacks of the two is filled in. By name alone the
    one who is credited in the movie is meant, else the one without an id, else the only one, else somebody new.

    The caller holds the lock of writers. `made`: is filled.
    """
    pairs = dict.fromkeys(credited)
    made = made or MadeRecords()
    by_id = _people_by_ids(list(dict.fromkeys(person for _, person in pairs if person.has_id)), made)
    there = credited_people({movie for movie, person in pairs if not person.has_id})
    found: dict[tuple[int, NamedPerson], int] = {}
    for movie, person in pairs:
        credit = there.get((movie, person.name))
        if person.has_id:
            found[movie, person] = by_id[person]
        elif credit and not (credit.has_id and person.has_no_id):
            found[movie, person] = credit.person_id
    others = {person for movie, person in pairs if (movie, person) not in found}
    by_name = _people_by_names({person.name for person in others if not person.has_no_id}, True, made)
    without_id = _people_by_names({person.name for person in others if person.has_no_id}, False, made)
    return found | {
        (movie, person): (without_id if person.has_no_id else by_name)[person.name]
        for movie, person in pairs
        if (movie, person) not in found
    }


def _people_by_ids(people: Collection[NamedPerson], made: MadeRecords) -> dict[NamedPerson, int]:
    """Map people with ids to who has them, creating those who are new and filling in ids that are missing."""
    ids = Q(imdb_id__in={person.imdb_id for person in people if person.imdb_id})
    ids |= Q(tmdb_id__in={person.tmdb_id for person in people if person.tmdb_id})
    stored = list(Person.objects.filter(ids)) if people else []
    by_imdb_id = {person.imdb_id: person for person in stored if person.imdb_id}
    by_tmdb_id = {person.tmdb_id: person for person in stored if person.tmdb_id}
    found: dict[NamedPerson, Person] = {}
    changed: dict[int, Person] = {}
    for named in people:
        person = by_imdb_id.get(named.imdb_id) or by_tmdb_id.get(named.tmdb_id or 0)
        if person is None or (named.imdb_id and person.imdb_id not in ("", named.imdb_id)):
            person = Person(name=named.name, imdb_id=named.imdb_id)
        before = person.imdb_id, person.tmdb_id
        person.imdb_id = person.imdb_id or named.imdb_id
        if named.tmdb_id and not person.tmdb_id and named.tmdb_id not in by_tmdb_id:
            person.tmdb_id = named.tmdb_id
        if before != (person.imdb_id, person.tmdb_id) and person.pk:
            changed[person.pk] = person
        by_imdb_id |= {person.imdb_id: person} if person.imdb_id else {}
        by_tmdb_id |= {person.tmdb_id: person} if person.tmdb_id else {}
        found[named] = person
    new = {id(person): person for person in found.values() if not person.pk}.values()
    Person.objects.bulk_create(new)
    made.add(RecordKind.PEOPLE, (person.pk for person in new))
    Person.objects.bulk_update(changed.values(), ["imdb_id", "tmdb_id"])
    return {named: person.pk for named, person in found.items()}


def _people_by_names(names: Collection[str], may_have_id: bool, made: MadeRecords) -> Mapping[str, int]:
    """Map names to ids, creating people who are new, unless another writer creates them at the same moment.

    Of several people of a name the one without an id elsewhere is meant; where all have one, somebody new is. So it is
    where the only one has an id, unless `may_have_id`.
    """
    ids = _people_ids(names, may_have_id)
    new = sorted(set(names) - ids.keys())
    if new:
        made.add(RecordKind.PEOPLE, create_by_name("catalog_person", new))
        ids |= _people_ids(new, may_have_id)
    return ids


def create_by_name(table: str, names: Iterable[str]) -> set[int]:
    """Create records that have only a name; one who is there already stays. Returns the ids of those that are new."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING RETURNING id", [list(names)]
        )
        return {pk for (pk,) in cursor.fetchall()}


def _people_ids(names: Collection[str], may_have_id: bool) -> dict[str, int]:
    """Map names to who is meant by the name alone; left out where nobody is, or several with ids elsewhere."""
    people: dict[str, list[tuple[bool, int]]] = {}
    named = Person.objects.filter(name__in=names).values_list("name", "imdb_id", "tmdb_id", "pk")
    for name, imdb_id, tmdb_id, pk in named:
        people.setdefault(name, []).append((bool(imdb_id or tmdb_id), pk))
    return {
        name: min(of_name)[1]
        for name, of_name in people.items()
        if not min(of_name)[0] or (may_have_id and len(of_name) == 1)
    }


class _CreditedPerson(NamedTuple):
    person_id: int
    has_id: bool  # at IMDb or TMDB


def credited_people(movie_ids: Collection[int]) -> dict[tuple[int, str], _CreditedPerson]:
    """Map (movie, name) to the person of that name who is credited there, whom a writer of the movie's people means.

    Of several the one without an id, else the oldest.
    """
    credits_ = Credit.objects.filter(movie_id__in=movie_ids).values_list(
        "movie_id", "person__name", "person_id", "person__imdb_id", "person__tmdb_id"
    )
    people: dict[tuple[int, str], _CreditedPerson] = {}
    for movie, name, person, imdb_id, tmdb_id in credits_.order_by("-person_id"):
        credit = _CreditedPerson(person, bool(imdb_id or tmdb_id))
        if (movie, name) not in people or people[movie, name].has_id:
            people[movie, name] = credit
    return people


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
