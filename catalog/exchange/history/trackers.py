"""Simkl and Movary: files of people who keep book of what they watch."""

from collections.abc import Mapping
from typing import Any

from catalog.exchange.history.dates import Dates
from catalog.exchange.history.documents import Item, JsonFormat
from catalog.exchange.history.rows import (
    NO_FILM,
    Basis,
    HistoryRow,
    HistorySource,
    Kind,
    Statement,
    clean_text,
    parse_tmdb_id,
    parse_year,
    rating_of,
)
from catalog.exchange.history.tables import Cells, TableFormat

# Of a film on Simkl; one that somebody gave up is told by no kind of event that would be true.
_KIND_BY_STATUS = {"completed": Kind.WATCH, "plantowatch": Kind.WATCHLIST, "notinteresting": Kind.NOT_INTERESTED}
_NOT_SEEN = "says neither that the film was watched nor that it is to be"


def _read_simkl(item: Item, dates: Dates) -> HistoryRow:
    """Read an entry of Simkl's backup in JSON; of anime only films."""
    is_anime_film = item.get("anime_type") == "movie"
    film = item.get("movie") or (item.get("show") if is_anime_film else None)
    if not isinstance(film, dict):
        other = item.get("show")
        return HistoryRow(title=clean_text(other.get("title")) if isinstance(other, dict) else "", problem=NO_FILM)
    given = film.get("ids")
    ids: Mapping[str, Any] = given if isinstance(given, dict) else {}
    watched, added, rated = (item.get(name) for name in ("last_watched_at", "added_to_watchlist_at", "user_rated_at"))
    kind = _KIND_BY_STATUS.get(str(item.get("status") or "").lower())
    at = _read_date(watched if kind == Kind.WATCH else added, dates)
    row = HistoryRow(
        title=clean_text(film.get("title")),
        year=parse_year(film.get("year")),
        imdb_id=clean_text(ids.get("imdb")),
        tmdb_id=parse_tmdb_id(ids.get("tmdb")),
    )
    return _with_status(row, kind, at, rating_of(item.get("user_rating"), 10, _read_date(rated, dates) or at))


def _read_simkl_row(cells: Cells, dates: Dates) -> HistoryRow:
    title = clean_text(cells.get("title"))
    if cells.get("type", "movie").lower() not in ("movie", "movies", "film"):
        return HistoryRow(title=title, problem=NO_FILM)
    kind = _KIND_BY_STATUS.get(cells.get("watchlist", "completed").lower().replace(" ", ""))
    at = _read_date(cells.get("watcheddate"), dates)
    row = HistoryRow(
        title=title,
        year=parse_year(cells.get("year")),
        imdb_id=clean_text(cells.get("imdb") or cells.get("imdb_id")),
        tmdb_id=parse_tmdb_id(cells.get("tmdb") or cells.get("tmdb_id")),
    )
    return _with_status(row, kind, at, rating_of(cells.get("rating"), 10, at))


def _with_status(row: HistoryRow, kind: Kind | None, at: Any, rating: tuple[Statement, ...]) -> HistoryRow:
    basis = Basis.DEED if kind == Kind.WATCH else Basis.NOTED
    said = (*((Statement(kind, at, basis=basis),) if kind else ()), *rating)
    return row._replace(statements=said, problem="" if said else _NOT_SEEN)


def _read_date(value: Any, dates: Dates) -> Any:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is no date")
    return dates.read(value)


def _read_movary(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row of Movary's history, ratings or watchlist."""
    watched, added = _read_date(cells.get("watchedat"), dates), _read_date(cells.get("addedat"), dates)
    said = rating_of(cells.get("userrating"), 10, None)
    if not said:
        said = (Statement(Kind.WATCH, watched),) if added is None else (Statement(Kind.WATCHLIST, added),)
    return HistoryRow(
        title=clean_text(cells.get("title")),
        year=parse_year(cells.get("year")),
        imdb_id=clean_text(cells.get("imdbid")),
        tmdb_id=parse_tmdb_id(cells.get("tmdbid")),
        statements=said,
    )


TABLES = (
    TableFormat(
        HistorySource.SIMKL,
        "Simkl's backup",
        lambda names: {"title", "watchlist", "watcheddate"} <= names or {"simkl_id", "title"} <= names,
        ("watcheddate",),
        _read_simkl_row,
    ),
    TableFormat(
        HistorySource.MOVARY,
        "Movary's history, ratings or watchlist",
        lambda names: {"title", "tmdbid", "imdbid"} <= names and bool(names & {"watchedat", "userrating", "addedat"}),
        ("watchedat", "addedat"),
        _read_movary,
        lacking="year",
    ),
)
DOCUMENTS = (
    JsonFormat(
        HistorySource.SIMKL,
        "Simkl's backup (JSON)",
        lambda items: any(
            "status" in item and item.keys() & {"last_watched_at", "user_rating", "added_to_watchlist_at"}
            for item in items
        ),
        _read_simkl,
    ),
)
