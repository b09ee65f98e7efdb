"""Indexes over the catalogue's columns: names, the movies of a genre or person, the entries of a movie.

Genres and credits lie in CSR form: the entries of the movie at `row` are those from starts[row] to starts[row + 1].
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from catalog.names.matching import NearNames, name_key


class InvertedIndex(NamedTuple):
    """Which movies have each genre, or each person: movies[starts[n] : starts[n + 1]]."""

    starts: np.ndarray  # int64 [values + 1]
    movies: np.ndarray  # int32, rows

    @classmethod
    def from_csr(cls, starts: np.ndarray, entries: np.ndarray, values: int) -> Self:
        """Invert the movies' own lists of numbers below `values`."""
        owner = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
        order = np.argsort(entries, kind="stable")
        return cls(np.searchsorted(entries[order], np.arange(values + 1)), owner[order])

    def postings(self, value: int) -> np.ndarray:
        """Return the rows of the movies that have this number, int32."""
        return self.movies[self.starts[value] : self.starts[value + 1]]

    def count(self, value: int) -> int:
        """Count the movies that have this number."""
        return int(self.starts[value + 1] - self.starts[value])


def csr_gather(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each entry of the movies at `rows` [n] the movie's position in `rows`, and the entry's index."""
    counts = starts[rows + 1] - starts[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, starts[rows][owner] + within


def segment_sums(starts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sum over each movie's entries, [movies]."""
    running = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(running[starts[1:]] - running[starts[:-1]])


class NameIndex:
    """Finds the numbers of names as people type them: case, accents, punctuation and spaces do not matter."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._keys = names, list(map(name_key, names))
        self._numbers: dict[str, list[int]] = {}
        for number, key in enumerate(self._keys):
            self._numbers.setdefault(key, []).append(number)

    def lookup(self, names: Sequence[str]) -> tuple[list[int], list[str]]:
        """Return the numbers of all the names together, and the names that nothing has."""
        numbers_of = {name: self._numbers.get(name_key(name), []) for name in names}
        return (
            [number for numbers in numbers_of.values() for number in numbers],
            [name for name, numbers in numbers_of.items() if not numbers],
        )

    def near(self, name: str) -> list[str]:
        """Return names that are near to a mistyped one, the nearest first."""
        return NearNames(self._names, self._keys).find(name)
