"""Netflix and Prime Video: what was played, by title alone; rows of series are no films."""

import re

from catalog.exchange.history.dates import Dates
from catalog.exchange.history.rows import (
    NO_FILM,
    Basis,
    HistoryRow,
    HistorySource,
    Kind,
    Statement,
    clean_text,
    rating_of,
    refuse_short_play,
)
from catalog.exchange.history.tables import Cells, TableFormat

# "Dark: Season 1: Secrets", "Fargo: Staffel 2: …", "Chernobyl: Miniserie: …", in the languages of both sites.
_EPISODE = re.compile(
    r"[:\-\u2013|]\s*(?:(?:season|series|staffel|saison|temporada|stagione|seizoen|s[äæ]song?|sezon|kausi|szezon|evad|"
    r"сезон|シーズン|시즌)\s*\d|\d+\.?\s*(?:season|staffel|sezon|évad|kausi)\b|第.{1,3}季"
    r"|(?:limited series|mini-?series?|miniserie|mini-série|minissérie|serie limitada|série limitée)\b)"
    # Roman numerals and "Part One: …" are of films: "Star Wars: Episode V: …", "Rebel Moon: Part One: …".
    r"|[:\-\u2013|]\s*(?:part|teil|partie|parte|volume|book|chapter|episode|folge|épisode|episodio|episódio)\s+"
    r"(?!(?:[ivx]+|(?<=part\s)(?:one|two|three))\s*:)\w+\s*:"
    r"|\bs\d{1,2}\s?e\d{1,3}\b",
    re.IGNORECASE,
)
# What Prime Video writes behind a title: [dt./OV], (4K UHD), [Ultra HD].
_EDITION = re.compile(
    r"\s*[\[(](?:[^\])]*\b(?:4k|u?hd|ov|omu|dt|sub|dubbed|ultra|extended|unrated|prime video)\b[^\])]*)[\])]\s*$", re.I
)
_DURATION = re.compile(r"(?:(?P<hours>\d+):)?(?P<minutes>\d{1,2}):(?P<seconds>\d\d)")
_SECONDS = re.compile(r"\d{1,7}(?:\.\d+)?", re.ASCII)
_NOT_GIVEN = frozenset(("", "not available", "not applicable"))  # in Amazon's own data
_THUMBS = {"1": Kind.DISLIKE, "2": Kind.LIKE, "3": Kind.LIKE}
# Columns of the exporter of Prime Video's history, in the languages of its pages.
_DAY = frozenset(
    ("date watched", "datum angesehen", "fecha vista", "fecha de visualización", "data assistida",
     "data de visualização", "date regardée", "觀看日期", "視聴日", "playback hour")
)  # fmt: skip
_DATE = frozenset(("date", "datum", "fecha", "data", "日付", "날짜"))
_TITLE = frozenset(("title", "titel", "título", "titre", "標題", "タイトル"))
_EPISODE_TITLE = frozenset(
    ("episode", "episode title", "folge", "episodio", "episódio", "épisode", "集", "エピソード")
)  # fmt: skip


def _title(cells: Cells) -> str:
    return next((cells[name] for name in cells if name in _TITLE), "")


def _film(title: str, *statements: Statement) -> HistoryRow:
    if _EPISODE.search(title):
        return HistoryRow(title=clean_text(title), problem=NO_FILM)
    return HistoryRow(title=clean_text(_EDITION.sub("", title)), statements=statements)


def _read_viewed(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row of the list that Netflix's account page gives."""
    day = next((cells[name] for name in cells if name in _DATE), None)
    return _film(_title(cells), Statement(Kind.WATCH, dates.read(day) if day else None))


def _read_activity(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row of all that Netflix keeps of a person; trailers and the like are no films."""
    if "supplemental video type" in cells:
        return HistoryRow(title=clean_text(cells["title"]), problem=NO_FILM)
    match = _DURATION.fullmatch(cells.get("duration", ""))
    seconds = 60 * (60 * int(match["hours"] or 0) + int(match["minutes"])) + int(match["seconds"]) if match else None
    row = _film(cells["title"], Statement(Kind.WATCH, dates.read(cells["start time"]), seconds=seconds))
    return row if row.problem else refuse_short_play(row)


def _read_thumbs(cells: Cells, dates: Dates) -> HistoryRow:
    at = dates.read(cells["event utc ts"]) if "event utc ts" in cells else None
    opinion = _THUMBS.get(cells.get("thumbs value", ""))
    said = (Statement(opinion, at),) if opinion else rating_of(cells.get("star value"), 5, at)
    if not said:
        return HistoryRow(title=clean_text(cells["title name"]), problem="has neither stars nor a thumb")
    return _film(cells["title name"], *said)


def _read_listed(cells: Cells, dates: Dates) -> HistoryRow:
    at = dates.read(cells["utc title add date"]) if "utc title add date" in cells else None
    return _film(cells["title name"], Statement(Kind.WATCHLIST, at, basis=Basis.NOTED))


def _read_prime(cells: Cells, dates: Dates) -> HistoryRow:
    title = _title(cells)
    if any(name in cells for name in _EPISODE_TITLE):
        return HistoryRow(title=clean_text(title), problem=NO_FILM)
    day = next((cells[name] for name in cells if name in _DAY), None)
    return _film(title, Statement(Kind.WATCH, dates.read(day) if day else None))


def _read_playback(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a row of what Amazon keeps of a person's plays. Films are its features; whole titles beside them are
    episodes, the rest is trailers, sport and the like."""
    said = {name: cell.strip('"') for name, cell in cells.items()}
    title = "" if said["title"].lower() in _NOT_GIVEN else said["title"]
    if said.get("material type description", "").lower() not in (*_NOT_GIVEN, "feature"):
        return HistoryRow(title=clean_text(title), problem=NO_FILM)
    if said.get("is deleted", "").lower() == "yes":
        return HistoryRow(title=clean_text(title), problem="was deleted at its site")
    viewed = said.get("seconds viewed", "")
    if viewed.lower() not in _NOT_GIVEN and not _SECONDS.fullmatch(viewed):
        raise ValueError(f"{viewed[:40]!r} is no number of seconds")
    seconds = None if viewed.lower() in _NOT_GIVEN else round(float(viewed))
    row = _film(title, Statement(Kind.WATCH, dates.read(said["playback start datetime (utc)"]), seconds=seconds))
    return row if row.problem else refuse_short_play(row)


FORMATS = (
    TableFormat(
        HistorySource.NETFLIX,
        "Netflix's viewing activity with all its columns",
        lambda names: {"profile name", "start time", "title"} <= names,
        ("start time",),
        _read_activity,
        profile="profile name",
    ),
    TableFormat(
        HistorySource.NETFLIX,
        "Netflix's ratings",
        lambda names: {"profile name", "title name"} <= names and bool(names & {"thumbs value", "star value"}),
        ("event utc ts",),
        _read_thumbs,
        profile="profile name",
    ),
    TableFormat(
        HistorySource.NETFLIX,
        "Netflix's list",
        lambda names: {"profile name", "title name", "utc title add date"} <= names,
        ("utc title add date",),
        _read_listed,
        profile="profile name",
    ),
    TableFormat(
        HistorySource.NETFLIX,
        "Netflix's viewing history",
        lambda names: len(names) == 2 and bool(names & _TITLE and names & _DATE),
        tuple(_DATE),
        _read_viewed,
    ),
    TableFormat(
        HistorySource.PRIME_VIDEO,
        "Amazon's viewing history of Prime Video",
        lambda names: {"playback start datetime (utc)", "title"} <= names,
        ("playback start datetime (utc)",),
        _read_playback,
    ),
    TableFormat(
        HistorySource.PRIME_VIDEO,
        "Prime Video's watch history",
        lambda names: bool(names & _DAY and names & _TITLE),
        tuple(_DAY),
        _read_prime,
    ),
)
