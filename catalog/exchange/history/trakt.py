"""Trakt: the files of an account's export, and what its API answers, as JSON."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
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

_NO_FILMS = ("show", "episode", "season", "person", "list")
_KIND_BY_NAME = (("watchlist", Kind.WATCHLIST), ("favorites", Kind.LIKE), ("recommendations", Kind.LIKE))
# Files of the export that say nothing of what somebody watched.
_LEFT_OUT = re.compile(r"(hidden|comments|network|likes|user|lists-lists|notes)", re.IGNORECASE)


def _is_left_out(path: str) -> bool:
    """Say whether a file of Trakt's export has nothing of what somebody watched."""
    return bool(_LEFT_OUT.match(PurePosixPath(path).name))


def _kind_of(path: str) -> Kind | None:
    """Return what the films of a file are, by its name."""
    name = PurePosixPath(path).stem.lower()
    return next((kind for word, kind in _KIND_BY_NAME if word in name), None)


def _recognises(items: Sequence[Item]) -> bool:
    return any(item.get("movie") or any(map(item.get, _NO_FILMS)) or "ids" in item for item in items)


def _read_item(item: Item, dates: Dates) -> HistoryRow:
    """Read a play, a rating or an entry of a list. Raises ValueError."""
    movie = item.get("movie")
    if movie is None and "ids" in item and not any(name in item for name in _NO_FILMS):
        movie = item  # as for Trakt's own import
    if not isinstance(movie, dict):
        return HistoryRow(title=_title_of_other(item), problem=NO_FILM)
    given = movie.get("ids")
    ids: Mapping[str, Any] = given if isinstance(given, dict) else {}
    return HistoryRow(
        title=clean_text(movie.get("title")),
        year=parse_year(movie.get("year")),
        imdb_id=clean_text(ids.get("imdb")),
        tmdb_id=parse_tmdb_id(ids.get("tmdb")),
        statements=_statements(item, dates),
    )


def _statements(item: Item, dates: Dates) -> tuple[Statement, ...]:
    if item.get("rating") is not None:
        return rating_of(item["rating"], 10, _read_date(item.get("rated_at"), dates))
    if "watched_at" in item:
        return (Statement(Kind.WATCH, _read_date(item["watched_at"], dates)),)
    if "last_watched_at" in item:
        return (Statement(Kind.WATCH, _read_date(item["last_watched_at"], dates), basis=Basis.NOTED),)
    if "collected_at" in item or "last_collected_at" in item:
        at = item.get("collected_at") or item.get("last_collected_at")
        return (Statement(None, _read_date(at, dates), basis=Basis.NOTED),)
    return (Statement(None, _read_date(item.get("listed_at"), dates), basis=Basis.NOTED, likely=Kind.WATCHLIST),)


def _read_date(value: Any, dates: Dates) -> Any:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:40]!r} is no date")
    return dates.read(value)


def _title_of_other(item: Item) -> str:
    about = next((item[name] for name in _NO_FILMS if isinstance(item.get(name), dict)), None)
    return clean_text(about.get("title")) if about else ""


DOCUMENTS = (
    JsonFormat(
        HistorySource.TRAKT,
        "Trakt's history, watched films, ratings, watchlist, favourites, lists or collection (JSON)",
        _recognises,
        _read_item,
        _kind_of,
        is_left_out=_is_left_out,
    ),
)
