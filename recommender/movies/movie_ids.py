"""Movie ids as clients write them: parsed where a request comes in, looked up where the catalogue is at hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog.external_ids import ExternalId, parse_external_id
from catalog.limits import parse_id

if TYPE_CHECKING:
    from recommender.movies.snapshot import CatalogueSnapshot

MovieId = int | ExternalId  # as a client may name a movie; 0 is no movie's


def parse_movie_id(text: str) -> MovieId:
    """Return the id that a client wrote: the catalogue's own or one at IMDB or TMDB; 0 for any other text."""
    return parse_external_id(text) or parse_id(text)


def parse_movie_ids(texts: Sequence[str]) -> list[MovieId]:
    """Return `parse_movie_id` of each text; at once where all are short and of digits, as they nearly always are."""
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and all(0 < len(text) < 10 for text in texts):
        return list(map(int, texts))
    return list(map(parse_movie_id, texts))


def resolve_movie_ids(snapshot: "CatalogueSnapshot", movie_ids: Sequence[MovieId]) -> np.ndarray:
    """Return the catalogue's own ids, int32 [n]; 0 for an id at IMDB or TMDB that none of its movies has."""
    ids = [_look_up(snapshot, movie) if isinstance(movie, ExternalId) else movie for movie in movie_ids]
    return np.array(ids, np.int32)


def _look_up(snapshot: "CatalogueSnapshot", external: ExternalId) -> int:
    numbers, rows = snapshot.by_imdb if external.imdb else snapshot.by_tmdb
    number = external.imdb or external.tmdb
    position = int(np.searchsorted(numbers, number))
    exists = position < len(numbers) and numbers[position] == number
    return int(snapshot.table.ids[rows[position]]) if exists else 0
