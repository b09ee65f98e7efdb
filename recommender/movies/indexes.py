"""The films of each genre and of each person, where the table has the genres and people of each film."""

from typing import NamedTuple, Self

import numpy as np


class InvertedIndex(NamedTuple):
    """Which films have each genre, or each person: films[starts[n] : starts[n + 1]]."""

    starts: np.ndarray  # int64 [values + 1]
    movies: np.ndarray  # int32

    @classmethod
    def from_csr(cls, starts: np.ndarray, entries: np.ndarray, values: int) -> Self:
        """From the films' own lists in CSR form."""
        owner = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
        order = np.argsort(entries, kind="stable")
        return cls(np.searchsorted(entries[order], np.arange(values + 1)), owner[order])

    def postings(self, value: int) -> np.ndarray:
        return self.movies[self.starts[value] : self.starts[value + 1]]

    def count(self, value: int) -> int:
        return int(self.starts[value + 1] - self.starts[value])
