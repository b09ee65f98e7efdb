"""Letterboxd: the files of an account's export, and the format that Letterboxd imports, which most converters write."""

from pathlib import PurePosixPath

from catalog.exchange.history.dates import Dates
from catalog.exchange.history.rows import (
    Basis,
    HistoryRow,
    HistorySource,
    Kind,
    Statement,
    clean_text,
    parse_tmdb_id,
    parse_year,
    rating_of,
    split_names,
)
from catalog.exchange.history.tables import Cells, TableFormat

# Of rows that their owner took back, or whose film is gone.
_DELETED = frozenset({"deleted", "orphaned"})
_LIKED_FILMS = "films"  # of the folder `likes`, which also has reviews and lists of others
_IMPORT_COLUMNS = frozenset(
    ("imdbid", "tmdbid", "letterboxduri", "rating10", "watcheddate", "rewatch", "rating", "directors", "review")
)
_KIND_BY_NAME = {"watched": Kind.WATCH, "watchlist": Kind.WATCHLIST}
_YES = frozenset({"yes", "true", "1"})


def why_left_out(path: str) -> str:
    """Return why a file of the archive is not read; nothing for one that is."""
    file = PurePosixPath(path)
    if _DELETED & {*file.parts[:-1]}:
        return "was deleted at its site"
    return "is about the words of others" if file.parent.name == "likes" and file.stem != _LIKED_FILMS else ""


def _kind_of(path: str) -> Kind | None:
    file = PurePosixPath(path)
    if file.parent.name == "likes":
        return Kind.LIKE
    return None if file.parent.name == "lists" else _KIND_BY_NAME.get(file.stem.lower())


def _read_diary(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a diary entry or a review as a watch, perhaps with a rating."""
    day = cells.get("watched date") or cells.get("date")
    basis = Basis.DEED if "watched date" in cells else Basis.NOTED
    at = dates.read(day) if day else None
    kind = Kind.REWATCH if cells.get("rewatch", "").lower() in _YES else Kind.WATCH
    said = (Statement(kind, at, basis=basis), *rating_of(cells.get("rating"), 5, at, Basis.DEED))
    return _named(cells, said)


def _read_rating(cells: Cells, dates: Dates) -> HistoryRow:
    at = dates.read(cells["date"]) if "date" in cells else None
    return _named(cells, rating_of(cells.get("rating"), 5, at) or (Statement(Kind.WATCH, at, basis=Basis.NOTED),))


def _read_film(cells: Cells, dates: Dates) -> HistoryRow:
    at = dates.read(cells["date"]) if "date" in cells else None
    return _named(cells, (Statement(None, at, basis=Basis.NOTED, likely=Kind.WATCH),))


def _read_listed(cells: Cells, dates: Dates) -> HistoryRow:
    return _named(cells, (Statement(None, None, basis=Basis.NOTED),))


def _named(cells: Cells, statements: tuple[Statement, ...]) -> HistoryRow:
    return HistoryRow(title=clean_text(cells.get("name")), year=parse_year(cells.get("year")), statements=statements)


def _read_import(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row for Letterboxd's importer: it is a watch, unless the caller says that the file is a list."""
    at = dates.read(cells["watcheddate"]) if "watcheddate" in cells else None
    said = rating_of(cells.get("rating10"), 10, at, Basis.DEED) or rating_of(cells.get("rating"), 5, at, Basis.DEED)
    if cells.get("rewatch", "").lower() in _YES:
        said = (Statement(Kind.REWATCH, at), *said)
    elif at or said:
        said = (Statement(Kind.WATCH, at), *said)
    else:
        said = (Statement(None, None, likely=Kind.WATCH),)
    return HistoryRow(
        title=clean_text(cells.get("title") or cells.get("name")),
        year=parse_year(cells.get("year")),
        imdb_id=clean_text(cells.get("imdbid")),
        tmdb_id=parse_tmdb_id(cells.get("tmdbid")),
        directors=split_names(cells.get("directors", "")),
        statements=said,
    )


def _recognises_import(names: frozenset[str]) -> bool:
    by_id = names & {"imdbid", "tmdbid"}
    return bool(by_id or (names & {"title", "name"} and names & _IMPORT_COLUMNS)) and "watchdate" not in names


FORMATS = (
    TableFormat(
        HistorySource.LETTERBOXD,
        "a list of Letterboxd",
        lambda names: {"position", "name"} <= names,
        (),
        _read_listed,
        first_line="Letterboxd list export",
    ),
    TableFormat(
        HistorySource.LETTERBOXD,
        "Letterboxd's diary or reviews",
        lambda names: {"date", "name", "watched date"} <= names,
        ("watched date", "date"),
        _read_diary,
    ),
    TableFormat(
        HistorySource.LETTERBOXD,
        "Letterboxd's ratings",
        lambda names: {"date", "name", "rating"} <= names,
        ("date",),
        _read_rating,
    ),
    TableFormat(
        HistorySource.LETTERBOXD,
        "Letterboxd's watched films, watchlist or likes",
        lambda names: {"date", "name"} <= names and bool(names & {"year", "letterboxd uri"}),
        ("date",),
        _read_film,
        _kind_of,
    ),
    TableFormat(
        HistorySource.LETTERBOXD,
        "Letterboxd's import format",
        _recognises_import,
        ("watcheddate",),
        _read_import,
    ),
)
