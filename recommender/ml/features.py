"""Metadata of films (genres, people, decade) as lists of feature numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIN_MOVIES = 3  # that share a feature; a rarer one adds nothing to their ids


class Features(NamedTuple):
    """Features of the token ids 0..N (0 is padding and has none), in CSR form."""

    names: list[str]  # "genre:Drama", "director:Agnès Varda", "decade:1960"
    indptr: np.ndarray  # int64 [N + 2]
    indices: np.ndarray  # int64 [nnz], into names


def build_features(names_by_movie: Sequence[Sequence[str]]) -> Features:
    """Return the features of the films with token ids 1..N, by name; rare names are left out."""
    all_names = [name for names in names_by_movie for name in names]
    unique, counts = np.unique(np.array(all_names, dtype=object).astype(str), return_counts=True)
    names = [str(name) for name in unique[counts >= MIN_MOVIES]] or ["none"]
    return Features(names, *to_csr(names, [(), *names_by_movie]))


def to_csr(names: Sequence[str], names_by_movie: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Return which of `names` each film has, in CSR form: indptr int64 [n + 1], indices int64 [nnz]."""
    number = {name: i for i, name in enumerate(names)}
    rows = [sorted({number[name] for name in movie if name in number}) for movie in names_by_movie]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return indptr, np.array([i for row in rows for i in row], np.int64)
