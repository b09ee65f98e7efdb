"""Writes to films and what belongs to them. Each bumps the catalogue version in its own transaction."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection, transaction

from catalog.models import Credit, Genre, Movie, MovieTag, Person, Rule, Tag
from catalog.services.demo import remove_demo
from catalog.services.versions import bump_catalogue, bump_data_set
from catalog.services.viewers import invalidate_viewers

CatalogueRecord = Movie | Genre | Person | Tag | Credit | MovieTag | Rule


def save_record(record: CatalogueRecord) -> None:
    """Saves a film, genre, person, tag, credit or merchandising rule. A new film, of the site's own, ends the demo."""
    with transaction.atomic():
        own_film = isinstance(record, Movie) and record._state.adding
        record.save()
        if own_film:
            remove_demo()
        bump_catalogue()


def delete_records(records: Iterable[CatalogueRecord]) -> None:
    """Deletes genres, people, tags, credits or rules; films go with `delete_movies`, as they take events along."""
    with transaction.atomic():
        for record in records:
            record.delete()
        bump_catalogue()


def publish_movies(ids: Collection[int], published: bool) -> int:
    """Shows or hides films everywhere, on the next read. Returns how many changed."""
    with transaction.atomic():
        changed = Movie.objects.filter(id__in=ids).exclude(published=published).update(published=published)
        if changed:
            bump_catalogue()
    return changed


def schedule_movies(ids: Collection[int], available_from: datetime | None, available_until: datetime | None) -> int:
    """Gives films a window, in place of what they have, on the next read. Returns how many there are."""
    with transaction.atomic():
        window = {"available_from": available_from, "available_until": available_until}
        changed = Movie.objects.filter(id__in=ids).update(**window)
        if changed:
            bump_catalogue()
    return changed


def delete_movies(ids: Collection[int]) -> int:
    """Deletes films with their events; their viewers' lists become old. Returns how many films there were.

    1. Locks the films, so that no event can be added under them.
    2. Deletes the events and touches their viewers, in the lock order of `record_events`.
    3. Deletes the films with their credits, tags and genre links.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM catalog_movie WHERE id = ANY(%s::int[]) ORDER BY id FOR UPDATE", [sorted(ids)]
            )
            found = [movie_id for (movie_id,) in cursor.fetchall()]
            cursor.execute(
                "DELETE FROM catalog_watchevent WHERE movie_id = ANY(%s::int[]) RETURNING viewer_id", [found]
            )
            invalidate_viewers({viewer_id for (viewer_id,) in cursor.fetchall()})
        Movie.objects.filter(id__in=found).delete()
        if found and not Movie.objects.exists():
            bump_data_set()  # whatever comes next may have these ids again
        elif found:
            bump_catalogue()
    return len(found)
