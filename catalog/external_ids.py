"""Film ids of others, as clients write them in place of the catalogue's own: `imdb:tt0114709`, `tmdb:862`."""

import re
from typing import NamedTuple

from catalog.limits import MAX_ID

_WRITTEN = re.compile(r"(?:imdb:tt(?P<imdb>[0-9]{1,9})|tmdb:(?P<tmdb>[0-9]{1,10}))\Z", re.ASCII)
_IMDB = re.compile(r"tt(?P<number>[0-9]{1,9})\Z", re.ASCII)


class ExternalId(NamedTuple):
    """The number at the one or the other; 0 at the other one."""

    imdb: int
    tmdb: int


def parse_external_id(text: str) -> ExternalId | None:
    """None for a text that is none."""
    match = _WRITTEN.match(text)
    if match is None:
        return None
    found = ExternalId(int(match["imdb"] or 0), int(match["tmdb"] or 0))
    return found if 0 < found.imdb + found.tmdb <= MAX_ID else None


def parse_imdb_id(text: str) -> int | None:
    """Of an id as IMDb writes it: tt0114709."""
    match = _IMDB.match(text)
    return int(match["number"]) or None if match else None


def format_imdb_id(number: int) -> str:
    """As IMDb writes it, with seven digits at least."""
    return f"tt{number:07d}"
