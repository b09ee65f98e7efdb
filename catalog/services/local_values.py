"""Writes of what movies have by country and by language. The caller bumps the catalogue in the same transaction."""

from collections.abc import Mapping, Sequence

from catalog.models import MovieAvailability, MovieTranslation
from catalog.selectors.movies import CountryWindow

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
