"""Plex (by Tautulli, or from its own server) and Jellyfin: what was played at home."""

import re
from collections.abc import Mapping
from typing import Any

from catalog.exchange.history.dates import Dates
from catalog.exchange.history.documents import Item, JsonFormat
from catalog.exchange.history.rows import (
    NO_FILM,
    HistoryRow,
    HistorySource,
    Kind,
    Statement,
    clean_text,
    parse_tmdb_id,
    parse_year,
    rating_of,
    refuse_short_play,
)
from catalog.exchange.history.tables import Cells, TableFormat

_IMDB = re.compile(r"imdb://(tt\d+)")
_TMDB = re.compile(r"(?:tmdb|themoviedb)://(\d+)")
_PLAYBACK_COLUMNS = (
    "datecreated", "userid", "itemid", "itemtype", "itemname", "playbackmethod", "clientname", "devicename",
    "playduration",
)  # fmt: skip
_ITEM_TYPES = frozenset(("movie", "episode", "audio", "musicvideo", "trailer", "video", "tvchannel"))


def _read_tautulli(item: Mapping[str, Any], dates: Dates) -> HistoryRow:
    """Read a play. How much of the film was seen is told in percent; Tautulli's own mark of a whole one counts more."""
    title = clean_text(item.get("full_title") or item.get("title"))
    if str(item.get("media_type", "movie")).lower() != "movie":
        return HistoryRow(title=title, problem=NO_FILM)
    played = item.get("date") or item.get("started") or item.get("stopped")
    at = dates.read(str(played)) if played else None
    percent, seen = item.get("percent_complete"), str(item.get("watched_status", "")) in ("1", "1.0")
    share = None if seen or percent in (None, "") else min(1.0, max(0.0, float(str(percent)) / 100))
    return refuse_short_play(
        _with_ids(
            HistoryRow(title=title, year=parse_year(item.get("year"))),
            str(item.get("guid") or ""),
            Statement(Kind.WATCH, at, completion=share),
        )
    )


def _read_plex(item: Item, dates: Dates) -> HistoryRow:
    """Read an entry of a Plex server's own history."""
    title = clean_text(item.get("title"))
    if item.get("type") != "movie":
        return HistoryRow(title=title, problem=NO_FILM)
    at = dates.read(str(item["viewedAt"])) if item.get("viewedAt") else None
    guids = [one.get("id") for one in item.get("Guid") or [] if isinstance(one, dict)]
    year = parse_year(item.get("year") or item.get("originallyAvailableAt"))
    guid = " ".join(str(one) for one in (item.get("guid"), *guids) if one)
    said = (Statement(Kind.WATCH, at), *rating_of(item.get("userRating"), 10, at))
    return _with_ids(HistoryRow(title=title, year=year), guid, *said)


def _with_ids(row: HistoryRow, guid: str, *statements: Statement) -> HistoryRow:
    imdb, tmdb = _IMDB.search(guid), _TMDB.search(guid)
    return row._replace(
        imdb_id=imdb[1] if imdb else "",
        tmdb_id=parse_tmdb_id(tmdb[1]) if tmdb else None,
        statements=statements,
    )


def _read_playback(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row of Jellyfin's Playback Reporting."""
    title = clean_text(cells.get("itemname"))
    if cells.get("itemtype", "").lower() != "movie":
        return HistoryRow(title=title, problem=NO_FILM)
    seconds = int(float(cells["playduration"])) if "playduration" in cells else None
    said = Statement(Kind.WATCH, dates.read(cells["datecreated"]), seconds=seconds)
    return refuse_short_play(HistoryRow(title=title, statements=(said,)))


def _read_jellyfin(item: Item, dates: Dates) -> HistoryRow:
    """Read a film of Jellyfin's library, with what its user did."""
    title = clean_text(item.get("Name"))
    if item.get("Type") != "Movie":
        return HistoryRow(title=title, problem=NO_FILM)
    data, ids = item.get("UserData") or {}, item.get("ProviderIds") or {}
    at = dates.read(str(data["LastPlayedDate"])) if data.get("LastPlayedDate") else None
    said = rating_of(data.get("Rating"), 10, at)
    if data.get("Played"):
        said = (Statement(Kind.WATCH, at), *said)
    elif data.get("PlayedPercentage"):
        said = (Statement(Kind.WATCH, at, completion=min(1.0, float(data["PlayedPercentage"]) / 100)), *said)
    if data.get("IsFavorite") or data.get("Likes"):
        said = (*said, Statement(Kind.LIKE, at))
    return HistoryRow(
        title=title,
        other_title=clean_text(item.get("OriginalTitle")),
        year=parse_year(item.get("ProductionYear")),
        imdb_id=clean_text(ids.get("Imdb")),
        tmdb_id=parse_tmdb_id(ids.get("Tmdb")),
        statements=said,
        problem="" if said else "was neither watched nor liked",
    )


TABLES = (
    TableFormat(
        HistorySource.PLEX,
        "Tautulli's history of Plex",
        lambda names: "media_type" in names and bool(names & {"title", "full_title"} and names & {"date", "started"}),
        ("date", "started", "stopped"),
        _read_tautulli,
        profile="friendly_name",
    ),
    TableFormat(
        HistorySource.JELLYFIN,
        "Jellyfin's Playback Reporting",
        lambda names: {"datecreated", "itemtype", "itemname"} <= names,
        ("datecreated",),
        _read_playback,
        profile="userid",
    ),
    *(
        TableFormat(
            HistorySource.JELLYFIN,
            "",
            lambda cells: bool(cells & _ITEM_TYPES),
            ("datecreated",),
            _read_playback,
            profile="userid",
            bare_columns=columns,
        )
        for columns in (_PLAYBACK_COLUMNS, (*_PLAYBACK_COLUMNS, "pauseduration", "remoteaddress"))
    ),
)
DOCUMENTS = (
    JsonFormat(
        HistorySource.PLEX,
        "Tautulli's history of Plex (JSON)",
        lambda items: any("media_type" in item and "full_title" in item for item in items),
        _read_tautulli,
        profile_of=lambda item: clean_text(item.get("friendly_name") or item.get("user")),
    ),
    JsonFormat(
        HistorySource.PLEX,
        "a Plex server's history (JSON)",
        lambda items: any("viewedAt" in item and "type" in item for item in items),
        _read_plex,
        profile_of=lambda item: str(item.get("accountID") or ""),
    ),
    JsonFormat(
        HistorySource.JELLYFIN,
        "Jellyfin's films with what a user did (JSON)",
        lambda items: any("UserData" in item and "Type" in item for item in items),
        _read_jellyfin,
    ),
)
