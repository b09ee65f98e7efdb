"""External ids of movies, as clients write them in place of the catalogue's own: `imdb:tt0114709`, `tmdb:862`."""

import re
from typing import NamedTuple

from catalog.limits import MAX_ID

_EXTERNAL_ID = re.compile(r"(?:imdb:tt(?P<imdb>[0-9]{1,9})|tmdb:(?P<tmdb>[0-9]{1,10}))\Z", re.ASCII)
_PERSON_ID = re.compile(r"(?:nm)?0*(?P<number>[1-9][0-9]{0,8})\Z", re.ASCII)
_IMDB_ID = re.compile(r"tt(?P<number>[0-9]{1,9})\Z", re.ASCII)


class ExternalId(NamedTuple):
    """A movie's number at IMDb or at TMDB; 0 at the other site."""

    imdb: int
    tmdb: int

    def __str__(self) -> str:
        return f"imdb:{format_imdb_id(self.imdb)}" if self.imdb else f"tmdb:{self.tmdb}"


def parse_external_id(text: str) -> ExternalId | None:
    """Parse an external id; None for a text that is none."""
    match = _EXTERNAL_ID.match(text)
    if match is None:
        return None
    parsed = ExternalId(int(match["imdb"] or 0), int(match["tmdb"] or 0))
    return parsed if 0 < parsed.imdb + parsed.tmdb <= MAX_ID else None


def is_reference(text: str) -> bool:
    """Tell whether a text is meant for an id at another site: no movie may have it as a key of its own."""
    return text.startswith(("imdb:", "tmdb:"))


def parse_imdb_id(text: str) -> int | None:
    """Return the number of an id as IMDb writes it (tt0114709); None for any other text."""
    match = _IMDB_ID.match(text)
    return int(match["number"]) or None if match else None


def format_imdb_id(number: int) -> str:
    """Write the id as IMDb does, with seven digits at least."""
    return f"tt{number:07d}"


def parse_person_id(text: str) -> int | None:
    """Return the number of a person's id as IMDb writes it (nm0000138), or of its digits alone; else None."""
    match = _PERSON_ID.match(text)
    return int(match["number"]) if match else None


def format_person_id(number: int) -> str:
    """Write a person's id as IMDb does, with seven digits at least."""
    return f"nm{number:07d}"
