"""What a person's file says of films, whatever site it is from."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Any, NamedTuple

from catalog.api.fields import read_number
from catalog.limits import MAX_ID, MAX_YEAR, MIN_YEAR
from catalog.models import WatchEvent
from catalog.plurals import count_noun

Kind = WatchEvent.Kind
MAX_TITLE_LENGTH = 300  # characters
MIN_SECONDS, MIN_SHARE = 120, 0.02  # of a film that was played at all
# What a list of films may be said to be, where the file does not say it itself.
LIST_KINDS = {
    str(kind.label): kind for kind in (Kind.WATCH, Kind.WATCHLIST, Kind.LIKE, Kind.DISLIKE, Kind.NOT_INTERESTED)
}
NO_FILM = "is no film"
_YEAR = re.compile(r"\d{4}", re.ASCII)


class HistorySource(StrEnum):
    """The site that a file is from."""

    IMDB = "imdb"
    LETTERBOXD = "letterboxd"
    TRAKT = "trakt"
    NETFLIX = "netflix"
    PRIME_VIDEO = "prime_video"
    PLEX = "plex"
    JELLYFIN = "jellyfin"
    SIMKL = "simkl"
    MOVARY = "movary"


class Basis(Enum):
    """What the moment of a statement is."""

    DEED = auto()  # when it was done
    NOTED = auto()  # when it was written down; another row may know when it was done
    CURRENT = auto()  # when the rating was given that counts now


class Statement(NamedTuple):
    """One thing that a row says of its film. `kind`: None where neither the row nor its file tells."""

    kind: Kind | None
    at: datetime | None  # None: it has no date
    stars: float | None = None
    basis: Basis = Basis.DEED
    likely: Kind | None = None  # what a file alone is taken for that does not tell
    seconds: int | None = None  # of playing
    completion: float | None = (
        None  # share of the film that was seen, 0..1; None: the whole, unless `seconds` says less
    )


class HistoryRow(NamedTuple):
    """One row of a file. `problem`: why it says nothing of a film."""

    line: int = 0  # of the file; of a JSON list the position, from 1
    title: str = ""
    other_title: str = ""  # the original one
    year: int | None = None
    imdb_id: str = ""
    tmdb_id: int | None = None
    directors: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    problem: str = ""
    only_by_id: bool = False  # by its type it is no film, unless its id is a film's
    file: str = ""  # in an archive

    @property
    def is_no_film(self) -> bool:
        """Say whether the row is of series, games and the like, which no limit counts."""
        return self.problem == NO_FILM


def dump_row(row: HistoryRow) -> dict[str, Any]:
    """Return a row as JSON, without what is as in a new row. load_row() reads it."""
    written = {name: value for name, value in row._asdict().items() if value != HistoryRow._field_defaults[name]}
    if row.statements:
        written["statements"] = [
            [
                said.kind,
                said.at and said.at.isoformat(),
                said.stars,
                said.basis.name,
                said.likely,
                said.seconds,
                said.completion,
            ]
            for said in row.statements
        ]
    return written


def load_row(written: Mapping[str, Any]) -> HistoryRow:
    """Return the row that dump_row() wrote."""
    statements = tuple(
        Statement(
            None if kind is None else Kind(kind),
            datetime.fromisoformat(at) if at else None,
            stars,
            Basis[basis],
            None if likely is None else Kind(likely),
            seconds,
            completion,
        )
        for kind, at, stars, basis, likely, seconds, completion in written.get("statements", ())
    )
    directors = tuple(written.get("directors", ()))
    return HistoryRow(**{**written, "statements": statements, "directors": directors})


def clean_text(text: object) -> str:
    """Return a text as Postgres takes it, at most MAX_TITLE_LENGTH long; "" for anything else."""
    if not isinstance(text, str):
        return ""
    return " ".join(text.encode(errors="replace").decode().replace("\0", " ").split())[:MAX_TITLE_LENGTH]


def parse_year(text: object) -> int | None:
    """Return a film's year, of 2008-2013 the first; None where there is none, as in 0 or an empty cell."""
    match = _YEAR.match(str(text))
    return int(match[0]) if match and MIN_YEAR <= int(match[0]) <= MAX_YEAR else None


def parse_tmdb_id(value: object) -> int | None:
    """Return a film's number at TMDB; None for anything else."""
    text = str(value).removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:11]) <= MAX_ID else None


def rating_of(text: object, best: int, at: datetime | None, basis: Basis = Basis.CURRENT) -> tuple[Statement, ...]:
    """Return the rating, in half stars of five, that a text of 0 to `best` gives; nothing for an empty one and for 0.

    Raises ValueError.
    """
    if text in (None, ""):
        return ()
    try:
        value = read_number(str(text))
    except ValueError:
        value = -1
    if not 0 <= value <= best:
        raise ValueError(f"{str(text)[:40]!r} is no rating from 1 to {best}")
    return (Statement(Kind.RATING, at, max(0.5, round(value * 10 / best) / 2), basis),) if value else ()


def refuse_short_play(row: HistoryRow) -> HistoryRow:
    """Return the row, with a problem where the film was only just begun. Raises ValueError for a date that is none."""
    for said in row.statements:
        if said.seconds is not None and said.seconds < MIN_SECONDS:
            return row._replace(problem=f"was played for {count_noun(said.seconds, 'second')} only")
        if said.completion is not None and said.completion < MIN_SHARE:
            return row._replace(problem=f"was played for {said.completion:.0%} only")
    return row


def split_names(text: str) -> tuple[str, ...]:
    """Return the names that commas separate."""
    return tuple(name for part in text.split(",") if (name := clean_text(part)))
