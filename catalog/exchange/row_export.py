"""Export of all rows of a kind, which can be imported again: read page by page, so that memory does not grow."""

from collections.abc import Callable, Iterator
from typing import Any

from catalog.api.local_fields import window_cell
from catalog.exchange.event_export import export_event_lines
from catalog.exchange.movie_export import credit_rows, key_in_file, movie_rows
from catalog.exchange.people_and_tags import write_tag
from catalog.exchange.row_files import FileFormat, write_rows
from catalog.exchange.row_import import batched
from catalog.exchange.row_schemas import FIELDS, TRANSLATED_TEXTS, RowKind
from catalog.keys import write_key_text
from catalog.models import Genre, Viewer
from catalog.selectors import translation_languages
from infrastructure.read_replica import read_from_replica

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
        for row in movie_rows():
            texts = {
                f"{name}:{language}": row["translations"].get(language, {}).get(name, "")
                for name, language in by_language
            }
            lists = {
                "availability": [window_cell(window) for window in row["availability"]],
                "tags": [write_tag(name, count) for name, count in row["tags"].items()],
            }
            yield {name: row[name] for name in own} | lists | texts

    names = [*own, *(f"{name}:{language}" for name, language in by_language)]
    yield from write_rows(rows(), names, FileFormat.CSV)


def _plain_movie_rows() -> Iterator[dict[str, Any]]:
    for row in movie_rows():
        yield {name: row[name] for name in FIELDS[RowKind.MOVIES]}


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
            "translations": dict(sorted((row.language, row.name) for row in genre.translations.all())),
        }


def _viewer_rows() -> Iterator[dict[str, Any]]:
    for viewer in _viewers():
        yield {
            "user_id": key_in_file(viewer.site_key),
            "name": viewer.name,
            "age_limit": viewer.age_limit,
            "country": viewer.country or None,
            "language": viewer.language,
            "session": viewer.is_session,
            "account": write_key_text(viewer.account),
            "created_at": viewer.created_at,
        }


def _viewers() -> Iterator[Viewer]:
    """Yield all viewers: those whose keys are numbers, then the others, by key."""
    after: Any
    for field, after in (("id", 0), ("key", "")):
        while True:
            with read_from_replica():
                viewers = list(Viewer.objects.filter(**{f"{field}__gt": after}).order_by(field)[:PAGE_SIZE])
            if not viewers:
                break
            yield from viewers
            after = getattr(viewers[-1], field)


_READERS: dict[RowKind, Callable[[], Iterator[dict[str, Any]]]] = {
    RowKind.MOVIES: _plain_movie_rows,
    RowKind.PEOPLE: credit_rows,
    RowKind.GENRES: _genre_rows,
    RowKind.VIEWERS: _viewer_rows,
}
