"""Movie ids as clients write them: parsed where a request comes in, looked up where the catalogue is at hand, and
written again in answers."""

from collections.abc import Iterable, Sequence

import numpy as np

from catalog import selectors
from catalog.external_ids import ExternalId, parse_external_id
from catalog.keys import Key, parse_key
from recommender.movies.snapshot import CatalogueSnapshot, last_snapshot

MovieId = Key | ExternalId  # as a client may name a movie


def parse_movie_id(text: str) -> MovieId:
    """Return the id that a client wrote: the site's own key or an id at IMDB or TMDB.

    A text that can be neither is returned as it is: no movie has it.
    """
    return parse_external_id(text) or parse_key(text) or text


def parse_movie_ids(texts: Sequence[str]) -> list[MovieId]:
    """Return `parse_movie_id` of each text; at once where all are short numbers, as they nearly always are."""
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and min(map(len, texts)) > 0 and max(map(len, texts)) < 10:
        numbers: list[MovieId] = [*map(int, texts)]
        if 0 not in numbers and "".join(map(str, numbers)) == joined:  # no zero stands in front
            return numbers
    return list(map(parse_movie_id, texts))


def resolve_movie_ids(snapshot: CatalogueSnapshot, movie_ids: Sequence[MovieId]) -> np.ndarray:
    """Return the catalogue's own ids, int32 [n]; 0 for a text or an id at another site that none of its movies has."""
    if {*map(type, movie_ids)} <= {int}:  # as they nearly always are
        return np.array(movie_ids, np.int32)
    ids = [movie if isinstance(movie, int) else _look_up(snapshot, movie) for movie in movie_ids]
    return np.array(ids, np.int32)


def _look_up(snapshot: CatalogueSnapshot, movie: str | ExternalId) -> int:
    if isinstance(movie, str):
        return snapshot.id_by_key.get(movie, 0)
    numbers, rows = snapshot.by_imdb if movie.imdb else snapshot.by_tmdb
    number = movie.imdb or movie.tmdb
    position = int(np.searchsorted(numbers, number))
    exists = position < len(numbers) and numbers[position] == number
    return int(snapshot.table.ids[rows[position]]) if exists else 0


def movie_id_text(movie_id: int) -> str:
    """Return a movie's key as clients know it, see `movie_id_texts`."""
    return movie_id_texts([movie_id])[0]


def movie_id_texts(movie_ids: Iterable[int]) -> list[str]:
    """Return the movies' keys as clients know them, from this process's catalogue, so without a query.

    Only a key that is no number, of a movie that this catalogue lacks, is asked of Postgres; it is empty where the
    movie is gone.
    """
    ids = list(movie_ids)
    if min(ids, default=1) > 0:
        return list(map(str, ids))
    texts = {movie_id: str(movie_id) for movie_id in ids if movie_id > 0}
    snapshot = last_snapshot()
    keyed = [movie_id for movie_id in ids if movie_id < 0]
    if snapshot is not None:
        rows = snapshot.table.rows_of(np.array(keyed, np.int32)).tolist()
        texts |= {movie: snapshot.table.keys[row] for movie, row in zip(keyed, rows, strict=True) if row >= 0}
    if missing := [movie_id for movie_id in keyed if movie_id not in texts]:
        texts |= selectors.movie_keys(missing)
    return [texts.get(movie_id, "") for movie_id in ids]
