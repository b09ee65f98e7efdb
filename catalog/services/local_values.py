"""Writes of what movies have by country, by language and by tag, and of when they came. The caller bumps the catalogue
in the same transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from catalog.models import MovieAvailability, MovieTag, MovieTranslation, Tag
from catalog.pg_arrays import integer_array, moment_array
from catalog.selectors.movies import CountryWindow
from catalog.services.get_or_create import create_by_name
from catalog.services.undo.made import MadeRecords, RecordKind

_TEXTS = ("title", "overview")


def replace_availability(windows_by_movie: Mapping[int, Sequence[CountryWindow]]) -> None:
    """Replace the windows by country of movies; a movie without any is available in every country."""
    MovieAvailability.objects.filter(movie_id__in=windows_by_movie).delete()
    MovieAvailability.objects.bulk_create(
        MovieAvailability(movie_id=movie_id, **window._asdict())
        for movie_id, windows in windows_by_movie.items()
        for window in windows
    )


def write_translations(changes_by_movie: Mapping[int, Mapping[str, Mapping[str, str] | None]]) -> None:
    """Change texts of movies by language: those that are named; None deletes a language, as do empty texts."""
    stored = {
        (row.movie_id, row.language.lower()): row
        for row in MovieTranslation.objects.filter(movie_id__in=changes_by_movie)
    }
    changed: list[MovieTranslation] = []
    deleted: list[int] = []
    for movie_id, changes in changes_by_movie.items():
        for language, texts in changes.items():
            row = stored.get((movie_id, language.lower())) or MovieTranslation(movie_id=movie_id, language=language)
            for name in _TEXTS:
                if texts is None:
                    setattr(row, name, "")
                elif name in texts:
                    setattr(row, name, texts[name])
            if row.title or row.overview:
                changed.append(row)
            elif row.pk:
                deleted.append(row.pk)
    MovieTranslation.objects.filter(pk__in=deleted).delete()
    MovieTranslation.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["movie", "language"], update_fields=_TEXTS
    )


def replace_tags(counts_by_movie: Mapping[int, Mapping[str, int]], made: MadeRecords | None = None) -> None:
    """Replace the tags of movies; `counts_by_movie` has of each tag how many viewers gave it. `made`: is filled."""
    names = {name for counts in counts_by_movie.values() for name in counts}
    created = create_by_name("catalog_tag", sorted(names))
    if made is not None:
        made.add(RecordKind.TAGS, created)
    ids = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
    MovieTag.objects.filter(movie_id__in=counts_by_movie).delete()
    MovieTag.objects.bulk_create(
        MovieTag(movie_id=movie_id, tag_id=ids[name], count=count)
        for movie_id, counts in counts_by_movie.items()
        for name, count in counts.items()
    )


def write_added_at(moments: Mapping[int, datetime]) -> None:
    """Change when the catalogue got movies; a new one has the moment of its writing by itself."""
    if moments:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE catalog_movie m SET added_at = sent.added_at
                   FROM unnest(%s::int[], %s::timestamptz[]) AS sent (id, added_at)
                   WHERE m.id = sent.id AND m.added_at <> sent.added_at""",
                [integer_array(moments), moment_array(moments.values())],
            )
