"""Writes to movies and what belongs to them. Each bumps the catalogue version in its own transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q

from catalog.models import (
    Credit,
    Genre,
    GenreAlias,
    GenreTranslation,
    Movie,
    MovieAvailability,
    MovieTag,
    MovieTranslation,
    Person,
    Rule,
    Tag,
)
from catalog.pg_arrays import integer_array
from catalog.services.demo import remove_demo
from catalog.services.get_or_create import NamedPerson, get_or_create_people, lock_catalogue_writers
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.services.versions import bump_all, bump_catalogue, bump_data_set
from catalog.services.viewers import invalidate_viewers

CatalogueRecord = (
    Movie
    | Genre
    | GenreAlias
    | GenreTranslation
    | Person
    | Tag
    | Credit
    | MovieTag
    | MovieTranslation
    | MovieAvailability
    | Rule
)


class NewCredit(NamedTuple):
    """A person's part in a movie."""

    movie_id: int
    person: NamedPerson
    role: Credit.Role
    order: int  # billing: 0 is the first name


def save_record(record: CatalogueRecord) -> None:
    """Save a record of the catalogue. A new movie of the site's own ends the demo."""
    with transaction.atomic():
        is_new_movie = isinstance(record, Movie) and record._state.adding
        record.save()
        if is_new_movie:
            remove_demo()
        bump_catalogue()


def delete_records(records: Iterable[CatalogueRecord]) -> None:
    """Delete genres, people, tags, credits or rules; movies take events along, so use delete_movies()."""
    with transaction.atomic():
        for record in records:
            record.delete()
        bump_catalogue()


def publish_movies(ids: Collection[int], published: bool) -> int:
    """Show or hide movies everywhere, from the next read on. Returns how many changed."""
    with transaction.atomic():
        changed = Movie.objects.filter(id__in=ids).exclude(published=published).update(published=published)
        if changed:
            bump_catalogue()
    return changed


def join_doubles(ids: Collection[int]) -> None:
    """Note that these movies are one film, whatever their titles say, and so are those that were one with any of them.

    It holds for lists on the next read.
    """
    with transaction.atomic():
        noted = Movie.objects.filter(id__in=ids).values_list("double_of", flat=True)
        joined = {*ids, *(movie_id for movie_id in noted if movie_id is not None)}
        joined.update(Movie.objects.filter(double_of__in=joined).values_list("id", flat=True))
        oldest, *others = sorted(joined, key=abs)
        Movie.objects.filter(id__in=others).update(double_of=oldest)
        Movie.objects.filter(id=oldest).exclude(double_of=F("id")).update(double_of=None)
        bump_all()  # a stored list may have the double of a film that its viewer saw


def part_doubles(ids: Collection[int]) -> None:
    """Note that each of these movies is a film of its own, whatever its title says."""
    with transaction.atomic():
        Movie.objects.filter(id__in=ids).update(double_of=F("id"))
        Movie.objects.filter(double_of__in=ids).exclude(id__in=ids).update(double_of=None)
        bump_all()


def forget_doubles(ids: Collection[int]) -> None:
    """Forget what was noted of these movies: their titles and years tell again."""
    with transaction.atomic():
        Movie.objects.filter(Q(id__in=ids) | Q(double_of__in=ids)).update(double_of=None)
        bump_all()


def write_double(movie_id: int, double_of: int | None) -> None:
    """Note which movie a movie is one film with: itself where it is a film of its own, None where titles tell. What is
    noted already stays as it is."""
    noted: dict[int | None, int | None] = dict(
        Movie.objects.filter(pk__in={movie_id, double_of or movie_id}).values_list("pk", "double_of")
    )
    if double_of is None and noted[movie_id] is not None:
        Movie.objects.filter(pk=movie_id).update(double_of=None)
        bump_all()
    elif double_of == movie_id and noted[movie_id] != movie_id:
        part_doubles([movie_id])
    elif double_of not in (None, movie_id) and (noted[movie_id] or movie_id) != (noted[double_of] or double_of):
        join_doubles([movie_id, double_of])


def schedule_movies(ids: Collection[int], available_from: datetime | None, available_until: datetime | None) -> int:
    """Replace the availability windows of movies, from the next read on. Returns how many movies there are."""
    with transaction.atomic():
        window = {"available_from": available_from, "available_until": available_until}
        changed = Movie.objects.filter(id__in=ids).update(**window)
        if changed:
            bump_catalogue()
    return changed


def write_credits(credits_: Sequence[NewCredit], *, made: MadeRecords | None = None) -> None:
    """Add credits, or change the order of those that exist; the last one counts. The movies must exist.

    Who is known by name alone and credited in the same role of the movie as somebody who is new there, of that name and
    with an id, turns out to be that person. A few statements for hundreds of credits. `made`: is filled.
    """
    with transaction.atomic():
        lock_catalogue_writers()
        person_ids = get_or_create_people(((credit.movie_id, credit.person) for credit in credits_), made)
        orders: dict[tuple[int, int, int], int] = {}
        numbered: set[tuple[int, int, int]] = set()
        for credit in credits_:
            place = credit.movie_id, credit.role, person_ids[credit.movie_id, credit.person]
            orders[place] = credit.order
            numbered |= {place} if credit.person.has_id else set()
        _recognise(numbered)
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO catalog_credit (movie_id, role, person_id, "order")
                   SELECT * FROM unnest(%s::int[], %s::smallint[], %s::int[], %s::smallint[])
                   ON CONFLICT (movie_id, role, person_id) DO UPDATE SET "order" = EXCLUDED."order"
                   RETURNING id, xmax = 0""",
                [*map(list, zip(*orders, strict=True)), list(orders.values())] if orders else [[]] * 4,
            )
            written = cursor.fetchall()
        if made is not None:
            made.add(RecordKind.CREDITS, (pk for pk, is_new in written if is_new), (pk for pk, _ in written))
        bump_catalogue()


def _recognise(places: Collection[tuple[int, int, int]]) -> None:
    """Give credits of people known by name alone to those of that name at (movie, role, person). Who has no credit
    left is deleted; their rules are the other's."""
    if not places:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_credit c SET person_id = sent.person_id
               FROM unnest(%s::int[], %s::int[], %s::int[]) AS sent (movie_id, role, person_id)
                 JOIN catalog_person n ON n.id = sent.person_id
                 JOIN catalog_person o ON o.name = n.name AND o.imdb_id = '' AND o.tmdb_id IS NULL
               WHERE (c.movie_id, c.role, c.person_id) = (sent.movie_id, sent.role, o.id)
                 AND NOT EXISTS (SELECT FROM catalog_credit there WHERE (there.movie_id, there.role, there.person_id)
                                   = (sent.movie_id, sent.role, sent.person_id))
               RETURNING o.id, sent.person_id""",
            [integer_array(column) for column in zip(*places, strict=True)],
        )
        for unnumbered, person_id in dict(cursor.fetchall()).items():
            if not Credit.objects.filter(person=unnumbered).exists():
                Rule.objects.filter(person=unnumbered).update(person=person_id)
                Person.objects.filter(pk=unnumbered).delete()


def delete_movies(ids: Collection[int]) -> int:
    """Delete movies with their events; their viewers' lists become stale. Returns how many movies there were.

    1. Locks the movies, so that no event can be added under them.
    2. Deletes the events and invalidates their viewers, in the lock order of record_events().
    3. Deletes the movies with their credits, tags and genre links.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR UPDATE", [sorted(ids)]
            )
            existing = [movie_id for (movie_id,) in cursor.fetchall()]
            cursor.execute(
                "DELETE FROM catalog_watchevent WHERE movie_id = ANY(%s::int[]) RETURNING viewer_id", [existing]
            )
            invalidate_viewers({viewer_id for (viewer_id,) in cursor.fetchall()})
        Movie.objects.filter(id__in=existing).delete()
        if existing and not Movie.objects.exists():
            bump_data_set()  # whatever comes next may have these ids again
        elif existing:
            bump_catalogue()
    return len(existing)
