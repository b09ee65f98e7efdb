"""Movies as another system describes them: created, changed or both, hundreds in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog.keys import Key
from catalog.models import Credit, Movie
from catalog.selectors.genre_names import may_bring_genres
from catalog.selectors.movies import CountryWindow
from catalog.selectors.versions import has_demo
from catalog.services.demo import remove_demo
from catalog.services.get_or_create import (
    GenreWriter,
    NamedPerson,
    advance_movie_sequence,
    allocate_keyed_movie_id,
    allocate_movie_id,
    get_or_create_people,
    lock_catalogue_writers,
)
from catalog.services.local_values import replace_availability, replace_tags, write_added_at, write_translations
from catalog.services.movies import write_double
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.services.versions import bump_catalogue

MOVIE_FIELDS = (
    "title",
    "original_title",
    "year",
    "overview",
    "poster_url",
    "runtime",
    "certificate",
    "language",
    "countries",
    "imdb_id",
    "tmdb_id",
    "available_from",
    "available_until",
    "published",
)
ROLE_BY_FIELD = {"directors": Credit.Role.DIRECTOR, "actors": Credit.Role.ACTOR}


class WriteMode(Enum):
    """Whether a change may create a movie, change one, or do either."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "either"


@dataclass(frozen=True, slots=True)
class MovieChange:
    """Values to write to a movie.

    `values`: any of MOVIE_FIELDS, `genres`, `directors` and `actors` (names or NamedPerson; all of them, in billing
    order), `availability` (all windows by country), `translations` (language -> texts to change, None to delete),
    `tags` (all of them: tag -> how many viewers gave it), `added_at`, and `double_of`: the key of the movie that it is
    one film with, its own for a film of its own, None where titles tell. What is left out stays as it is.

    Without a key an existing movie is found by its imdb_id or tmdb_id. An id that another movie has is refused, unless
    `shared_ids` is true.
    """

    movie_key: Key | None
    values: Mapping[str, Any]
    mode: WriteMode = WriteMode.UPSERT


class WriteProblem(Enum):
    """Why a movie was not written."""

    INVALID = "invalid"
    EXISTS = "there_already"
    UNKNOWN = "unknown"


class MovieWriteResult(NamedTuple):
    """What became of a change. `problem`: why nothing was written, with `reason` as a message."""

    movie_id: int | None
    created: bool = False
    problem: WriteProblem | None = None
    reason: str = ""


def write_movies(
    changes: Sequence[MovieChange], *, create_genres: bool = False, made: MadeRecords | None = None
) -> list[MovieWriteResult]:
    """Write movies and return a result for each, in order; later changes see what earlier ones wrote.

    `create_genres`: a genre that the catalogue does not have is made, not refused. New movies of a catalogue that has
    no genre yet, or the demo's alone, bring theirs along. `made`: is filled.

    One transaction. Locks: this function's own, as no constraint keeps two callers from creating one movie twice; the
    movies by id; and the revision last, as every writer of the catalogue does. A movie of the site's own ends the demo.
    """
    with transaction.atomic():
        lock_catalogue_writers()
        create_genres = create_genres or (_adds_movies(changes) and may_bring_genres())
        batch = _UpsertBatch(changes, create_genres)
        results = [batch.write(change) for change in changes]
        if any(not batch.movies[pk].is_demo for pk in batch.written) and has_demo():
            remove_demo()
            batch = _UpsertBatch(changes, create_genres)  # without the movies of the demo
            results = [batch.write(change) for change in changes]
        if batch.written:
            batch.store(made)
            bump_catalogue()
    return results


def _adds_movies(changes: Sequence[MovieChange]) -> bool:
    return any(change.mode is not WriteMode.UPDATE and change.values.get("genres") for change in changes)


class _UpsertBatch:
    """The movies that a batch of changes names, as they are stored and as they will be."""

    def __init__(self, changes: Sequence[MovieChange], create_genres: bool) -> None:
        named_keys = [key for change in changes for key in (change.movie_key, change.values.get("double_of"))]
        ids = {key for key in named_keys if isinstance(key, int)}
        keys = {key for key in named_keys if isinstance(key, str)}
        imdb = {change.values["imdb_id"] for change in changes if change.values.get("imdb_id")}
        tmdb = {change.values["tmdb_id"] for change in changes if change.values.get("tmdb_id")}
        # An external id never finds the demo's copy of a movie: the demo is removed, and the site's own movie stays.
        by_external_id = (Q(imdb_id__in=imdb) | Q(tmdb_id__in=tmdb)) & Q(is_demo=False)
        named = Q(pk__in=ids) | Q(key__in=keys) | by_external_id
        locked = Movie.objects.select_for_update(no_key=True).filter(named).order_by("pk")
        self.movies = {movie.pk: movie for movie in locked}
        self.id_by_key: dict[Key, int] = {movie.key or movie.pk: movie.pk for movie in self.movies.values()}
        # Of movies that share an id the oldest counts. Ids below zero fall.
        oldest_last = sorted(self.movies.values(), key=lambda movie: (movie.pk > 0, -abs(movie.pk)))
        self.by_imdb_id: dict[Any, int] = {movie.imdb_id: movie.pk for movie in oldest_last if movie.imdb_id}
        self.by_tmdb_id: dict[Any, int] = {movie.tmdb_id: movie.pk for movie in oldest_last if movie.tmdb_id}
        self.genres: dict[int, Sequence[str]] = {}
        self.genre_writer = (
            GenreWriter(create_genres) if any(change.values.get("genres") for change in changes) else None
        )
        self.people: dict[tuple[int, Credit.Role], Sequence[str | NamedPerson]] = {}
        self.availability: dict[int, Sequence[CountryWindow]] = {}
        self.translations: dict[int, dict[str, Mapping[str, str] | None]] = {}
        self.tags: dict[int, Mapping[str, int]] = {}
        self.added_at: dict[int, datetime] = {}
        self.doubles: dict[int, int | None] = {}
        self.written: set[int] = set()
        self.created: set[int] = set()
        self.client_ids: set[int] = set()  # of new movies, not from the sequence

    def write(self, change: MovieChange) -> MovieWriteResult:
        """Apply one change in memory, or return why it cannot be written."""
        values = change.values
        if change.movie_key:
            movie_id = self.id_by_key.get(change.movie_key)
        else:
            movie_id = self.by_imdb_id.get(values.get("imdb_id")) or self.by_tmdb_id.get(values.get("tmdb_id"))
        movie = self.movies.get(movie_id) if movie_id else None
        if problem := self._problem(movie, change):
            return MovieWriteResult(movie_id, problem=problem[0], reason=problem[1])
        created = movie is None
        if movie is None:
            movie = self._new_movie(change.movie_key)
            self.created.add(movie.pk)
        self._apply(movie, values)
        return MovieWriteResult(movie.pk, created)

    def _new_movie(self, key: Key | None) -> Movie:
        """Return a movie of this key; without one, of the next free id."""
        if isinstance(key, str):
            return Movie(pk=allocate_keyed_movie_id(), key=key, added_at=timezone.now())
        self.client_ids |= {key} if key else set()
        return Movie(pk=key or allocate_movie_id(self.movies), added_at=timezone.now())

    def _problem(self, movie: Movie | None, change: MovieChange) -> tuple[WriteProblem, str] | None:
        if movie is None and change.mode is WriteMode.UPDATE:
            return WriteProblem.UNKNOWN, f"The catalogue has no film {change.movie_key}."
        if movie is not None and change.mode is WriteMode.CREATE:
            return WriteProblem.EXISTS, f"This is film {movie.key or movie.pk} of the catalogue: change that one."
        if movie is None and not change.values.get("title"):
            return WriteProblem.INVALID, "title: is needed for a film that the catalogue does not have yet."
        if self.genre_writer and (unknown := self.genre_writer.problem(change.values.get("genres", ()))):
            return WriteProblem.INVALID, f"genres: {unknown}"
        double_of = change.values.get("double_of")
        if double_of and double_of != change.movie_key and double_of not in self.id_by_key:
            return WriteProblem.INVALID, f"double_of: the catalogue has no film {double_of}."
        by_external_id = (("imdb_id", self.by_imdb_id), ("tmdb_id", self.by_tmdb_id))
        for name, movie_by_id in () if change.values.get("shared_ids") else by_external_id:
            other = movie_by_id.get(change.values.get(name))
            unchanged = movie is not None and getattr(movie, name) == change.values.get(name)
            if other is not None and (movie is None or other != movie.pk) and not unchanged:
                return WriteProblem.EXISTS, f"{name}: film {self.movies[other].key or other} has this one."
        begins, ends = (
            change.values.get(name, getattr(movie, name, None)) for name in ("available_from", "available_until")
        )
        if begins and ends and ends <= begins:
            return WriteProblem.INVALID, "available_until: the window must end after it begins."
        return None

    def _apply(self, movie: Movie, values: Mapping[str, Any]) -> None:
        for name in MOVIE_FIELDS:
            if name in values:
                setattr(movie, name, values[name])
        self.movies[movie.pk] = movie
        self.id_by_key[movie.key or movie.pk] = movie.pk
        self.written.add(movie.pk)
        for name, movie_by_id in (("imdb_id", self.by_imdb_id), ("tmdb_id", self.by_tmdb_id)):
            if values.get(name):  # of movies that share an id the oldest counts
                oldest = movie_by_id.get(values[name]) if values.get("shared_ids") else None
                movie_by_id[values[name]] = oldest or movie.pk
        if "genres" in values:
            self.genres[movie.pk] = values["genres"]
        if "availability" in values:
            self.availability[movie.pk] = values["availability"]
        for language, texts in values.get("translations", {}).items():
            changes = self.translations.setdefault(movie.pk, {})
            earlier = changes.get(language) or {}
            changes[language] = None if texts is None else {**earlier, **texts}
        if "tags" in values:
            self.tags[movie.pk] = values["tags"]
        if values.get("added_at"):
            self.added_at[movie.pk] = values["added_at"]
        if "double_of" in values:
            key = values["double_of"]
            self.doubles[movie.pk] = None if key is None else self.id_by_key[key]
        for name, role in ROLE_BY_FIELD.items():
            if name in values:
                self.people[movie.pk, role] = values[name]

    def store(self, made: MadeRecords | None = None) -> None:
        """Write all changed movies with their genres and credits. `made`: is filled."""
        Movie.objects.bulk_create(
            [self.movies[pk] for pk in sorted(self.written)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*MOVIE_FIELDS],
        )
        if self.client_ids:
            advance_movie_sequence(self.client_ids)
        self._store_genres(made)
        self._store_people(made)
        if made is not None:
            made.add(RecordKind.MOVIES, self.created, self.written)
        replace_availability(self.availability)
        write_translations(self.translations)
        replace_tags(self.tags, made)
        write_added_at(self.added_at)
        for movie_id, double_of in self.doubles.items():
            write_double(movie_id, double_of)

    def _store_genres(self, made: MadeRecords | None) -> None:
        link = Movie.genres.through
        link.objects.filter(movie_id__in=self.genres).delete()
        if self.genre_writer is None:
            return
        ids = self.genre_writer.ids({name for names in self.genres.values() for name in names}, made)
        pairs = dict.fromkeys((pk, ids[name]) for pk, names in self.genres.items() for name in names)
        link.objects.bulk_create(link(movie_id=pk, genre_id=genre) for pk, genre in pairs)

    def _store_people(self, made: MadeRecords | None) -> None:
        """Replace the credits of movies whose people are others, or in another order, than those that are there."""
        wanted = {
            place: [NamedPerson(person) if isinstance(person, str) else person for person in people]
            for place, people in self.people.items()
        }
        credited = ((pk, person) for (pk, _), people in wanted.items() for person in people)
        ids = get_or_create_people(credited, made)
        stored: dict[tuple[int, int], list[int]] = {}
        credits_ = Credit.objects.filter(movie_id__in={pk for pk, _ in wanted}).order_by("order", "pk")
        for pk, role, person_id in credits_.values_list("movie_id", "role", "person_id"):
            stored.setdefault((pk, role), []).append(person_id)
        people = {
            (pk, role): list(dict.fromkeys(ids[pk, person] for person in people))
            for (pk, role), people in wanted.items()
        }
        changed = {place: people_ids for place, people_ids in people.items() if people_ids != stored.get(place, [])}
        for role in Credit.Role:
            Credit.objects.filter(role=role, movie_id__in=[pk for pk, its in changed if its == role]).delete()
        Credit.objects.bulk_create(
            Credit(movie_id=pk, person_id=person_id, role=role, order=order)
            for (pk, role), people_ids in changed.items()
            for order, person_id in enumerate(people_ids)
        )
