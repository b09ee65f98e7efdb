"""Doubles in memory: movies that are one film. Who saw one has seen the others, and a list has one of them.

Of doubles a list has the one that ranks best. So movies are ranked first, some more than the list will have.
"""

import threading
from typing import NamedTuple

import numpy as np

from catalog.selectors import CatalogueTable, first_doubles
from recommender import process_state

_NO_ROWS = np.empty(0, np.int64)


class Doubles:
    """Which rows of a catalogue are one film."""

    def __init__(self, table: CatalogueTable, films: np.ndarray) -> None:
        """Take the film that each row is, as the first row of it: int32 [movies]."""
        self.films = films
        self._table = table
        sizes = np.bincount(films, minlength=len(films))
        self.extra = len(films) - int(np.count_nonzero(sizes))  # rows beside the first of their film
        self._largest = int(sizes.max(initial=1))
        self._has_double = sizes[films] > 1
        self._rows = np.flatnonzero(self._has_double)

    def ranked_count(self, k: int) -> int:
        """Return how many movies are to be ranked for k films."""
        return k + min(self.extra, k * (self._largest - 1))

    def keep_first(self, movie_ids: np.ndarray) -> np.ndarray | slice:
        """Return which of these movies are no doubles of an earlier one: bool [n], or a slice of all."""
        if not self.extra:
            return slice(None)
        rows = self._table.rows_of(movie_ids)
        places = np.flatnonzero(self._has_double[rows] & (rows >= 0))
        if len(places) < 2:
            return slice(None)
        keep = np.ones(len(movie_ids), bool)
        keep[places] = False
        keep[places[np.unique(self.films[rows[places]], return_index=True)[1]]] = True
        return keep

    def other_rows(self, rows: np.ndarray) -> np.ndarray:
        """Return the doubles of the movies at these rows that are none of them, int64 [n], each once; -1 is no row."""
        if not self.extra:
            return _NO_ROWS
        rows = rows[self._has_double[rows] & (rows >= 0)]
        if not len(rows):
            return _NO_ROWS
        return np.setdiff1d(self._rows[np.isin(self.films[self._rows], self.films[rows])], rows)

    def all_rows(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of movies, without any -1, with those of their doubles behind."""
        return np.append(rows[rows >= 0], self.other_rows(rows))

    def other_ids(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the ids of the doubles of these movies that are none of them, int32 [n], each once."""
        if not self.extra:
            return self._table.ids[:0]
        return self._table.ids[self.other_rows(self._table.rows_of(movie_ids))]

    def all_ids(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return these movies, whether the catalogue has them or not, with their doubles behind."""
        others = self.other_ids(movie_ids) if self.extra and len(movie_ids) else _NO_ROWS
        return np.append(movie_ids, others) if len(others) else movie_ids

    def films_of(self, movie_ids: np.ndarray) -> np.ndarray:
        """Return the film that each of these movies is, as the first row of it, int64 [n]; -1 for a movie that is not
        in the catalogue."""
        rows = self._table.rows_of(movie_ids)
        return np.where(rows < 0, -1, self.films[rows]) if len(self.films) else rows


class _Found(NamedTuple):
    table: CatalogueTable
    films: np.ndarray


_COLUMNS = ("ids", "year", "imdb", "tmdb", "credit_start", "credit_person", "credit_role", "double_of")
_last_found = process_state.Value[_Found | None]("movies: the doubles as last found", None)
_lock = threading.Lock()


def doubles_in(table: CatalogueTable) -> Doubles:
    """Find the doubles, unless nothing that they depend on changed: it takes up to a third of a second."""
    with _lock:
        last = _last_found.current
        if (
            last is None
            or last.table.titles != table.titles
            or not all(np.array_equal(getattr(last.table, name), getattr(table, name)) for name in _COLUMNS)
        ):
            last = _Found(table, first_doubles(table))
        _last_found.current = _Found(table, last.films)
    return Doubles(table, last.films)
