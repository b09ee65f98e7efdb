"""Export of all rows of a kind, which can be imported again: read page by page, so that memory does not grow."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import F

from catalog.api.local_fields import window_cell, window_values
from catalog.exchange.event_export import export_event_lines
from catalog.exchange.row_files import FileFormat, write_rows
from catalog.exchange.row_import import batched
from catalog.exchange.row_schemas import FIELDS, TRANSLATED_TEXTS, RowKind
from catalog.limits import BEFORE_ALL_IDS
from catalog.models import Credit, Genre, Viewer
from catalog.selectors import movie_details_page, translation_languages

PAGE_SIZE = 2000  # rows
LINES_IN_PIECE = 1000


def export_rows(kind: RowKind, file_format: FileFormat) -> Iterator[str]:
    """Yield the text of the file in pieces, ordered by id. A row that changes meanwhile is as it was or as it is."""
    if kind is RowKind.EVENTS:
        if file_format is FileFormat.CSV:
            yield f"{','.join(FIELDS[kind])}\n"
        yield from export_event_lines(file_format)
        return
    if kind is RowKind.MOVIES and file_format is FileFormat.CSV:
        lines = _movies_csv()
    elif kind is RowKind.GENRES and file_format is FileFormat.CSV:
        lines = _genres_csv()
    else:
        lines = write_rows(_READERS[kind](), FIELDS[kind], file_format)
    yield from map("".join, batched(lines, LINES_IN_PIECE))


def _movies_csv() -> Iterator[str]:
    """Yield movies as CSV: translations in columns of their own, one for each text in each language."""
    languages = translation_languages()
    own = [name for name in FIELDS[RowKind.MOVIES] if name != "translations"]
    by_language = [(name, language) for language in languages for name in TRANSLATED_TEXTS]

    def rows() -> Iterator[dict[str, Any]]:
        for row in _movie_rows():
            texts = {
                f"{name}:{language}": row["translations"].get(language, {}).get(name, "")
                for name, language in by_language
            }
            windows = [window_cell(window) for window in row["availability"]]
            yield {name: row[name] for name in own} | {"availability": windows} | texts

    names = [*own, *(f"{name}:{language}" for name, language in by_language)]
    yield from write_rows(rows(), names, FileFormat.CSV)


def _genres_csv() -> Iterator[str]:
    """Yield genres as CSV: a column for the names in each language."""
    genres = list(_genre_rows())
    languages = sorted({language for genre in genres for language in genre["translations"]})
    rows = (
        {"name": genre["name"], "aliases": genre["aliases"]}
        | {f"name:{language}": genre["translations"].get(language, "") for language in languages}
        for genre in genres
    )
    yield from write_rows(rows, ["name", "aliases", *(f"name:{tag}" for tag in languages)], FileFormat.CSV)


def _genre_rows() -> Iterator[dict[str, Any]]:
    for genre in Genre.objects.order_by("pk").prefetch_related("aliases", "translations"):
        yield {
            "name": genre.name,
            "aliases": [alias.name for alias in genre.aliases.all()],
            "translations": {row.language: row.name for row in genre.translations.all()},
        }


def _movie_rows() -> Iterator[dict[str, Any]]:
    for keyed in (False, True):
        after = 0
        while movies := movie_details_page(after, PAGE_SIZE, keyed=keyed):
            after = movies[-1].card.movie_id
            for movie in movies:
                values = movie.card._asdict() | movie._asdict()
                values["movie_id"] = movie.card.key or movie.card.movie_id
                values["availability"] = [
                    {name: _iso_text(value) for name, value in window_values(window).items()}
                    for window in movie.availability
                ]
                yield {name: _iso_text(values[name]) for name in FIELDS[RowKind.MOVIES]}


def _credit_rows() -> Iterator[dict[str, Any]]:
    credits_ = Credit.objects.select_related("person").annotate(movie_key=F("movie__key"))
    for credit in _by_pages(lambda after: list(credits_.filter(pk__gt=after).order_by("pk")[:PAGE_SIZE])):
        yield {
            "movie_id": credit.movie_key or credit.movie_id,
            "name": credit.person.name,
            "role": credit.get_role_display(),
            "order": credit.order,
        }


def _viewer_rows() -> Iterator[dict[str, Any]]:
    viewers = Viewer.objects.order_by("pk")
    for viewer in _by_pages(lambda after: list(viewers.filter(pk__gt=after)[:PAGE_SIZE]), BEFORE_ALL_IDS):
        yield {
            "user_id": viewer.site_key,
            "name": viewer.name,
            "age_limit": viewer.age_limit,
            "country": viewer.country or None,
            "language": viewer.language,
            "session": viewer.is_session,
        }


def _by_pages(page: Callable[[int], list[Any]], after: int = 0) -> Iterator[Any]:
    """Yield all records of the pages; `page` returns the records after an id, at first after `after`."""
    while records := page(after):
        yield from records
        after = records[-1].pk


def _iso_text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


_READERS: dict[RowKind, Callable[[], Iterator[dict[str, Any]]]] = {
    RowKind.MOVIES: _movie_rows,
    RowKind.PEOPLE: _credit_rows,
    RowKind.GENRES: _genre_rows,
    RowKind.VIEWERS: _viewer_rows,
}
