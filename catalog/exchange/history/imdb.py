"""IMDb: ratings, the watchlist and lists, with the columns of today and of years before, in any language."""

import re
from pathlib import PurePosixPath

from catalog.exchange.history.dates import Dates
from catalog.exchange.history.rows import (
    Basis,
    HistoryRow,
    HistorySource,
    Kind,
    Statement,
    clean_text,
    parse_year,
    rating_of,
    split_names,
)
from catalog.exchange.history.tables import Cells, TableFormat

_ID = re.compile(r"tt\d{4,9}", re.ASCII)
# What types are called that are no films, in the languages of IMDb's pages: series, episodes, games, podcasts.
_NO_FILM = re.compile(
    "seri|séri|episod|épisod|folge|mini|game|spiel|juego|jeu|jogo|gioco|podcast|sorozat|epizód|odcinek|dizi|bölüm"
    "|сериал|эпизод|игра|シリーズ|エピソード|ゲーム|시리즈|에피소드|剧集|单集"
)


def _read(cells: Cells, dates: Dates) -> HistoryRow:
    """Read a rated film as a rating; any other row says what its file is."""
    in_url = _ID.search(cells.get("url", ""))
    created = cells.get("created") or cells.get("modified")
    rated = cells.get("date rated") or created
    said = rating_of(cells.get("your rating") or cells.get("you rated"), 10, dates.read(rated) if rated else None)
    if not said:
        at = dates.read(created) if created else None
        said = (Statement(None, at, basis=Basis.NOTED, likely=Kind.WATCHLIST),)
    return HistoryRow(
        title=clean_text(cells.get("title")),
        other_title=clean_text(cells.get("original title")),
        year=parse_year(cells.get("year")),
        imdb_id=clean_text(cells.get("const")) or (in_url[0] if in_url else ""),
        directors=split_names(cells.get("directors", "")),
        statements=said,
        only_by_id=bool(_NO_FILM.search(cells.get("title type", "").lower())),
    )


def _kind_of(path: str) -> Kind | None:
    return Kind.WATCHLIST if "watchlist" in PurePosixPath(path).stem.lower() else None


FORMATS = (
    TableFormat(
        HistorySource.IMDB,
        "IMDb's ratings, watchlist or lists",
        lambda names: "const" in names and bool(names & {"title", "your rating", "you rated"}),
        ("date rated", "created", "modified"),
        _read,
        _kind_of,
    ),
)
