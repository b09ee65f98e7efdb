"""What is known of films besides who watched them, as lists of feature numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIN_MOVIES = 3  # a feature that fewer films share tells nothing that their ids do not


class Features(NamedTuple):
    """Features of the films at places 0..N (0 is padding and has none), film by film."""

    names: list[str]  # "genre:Drama", "director:Agnès Varda", "decade:1960"
    indptr: np.ndarray  # int64 [N + 2]
    indices: np.ndarray  # int64 [nnz], into names


def build_features(names_by_movie: Sequence[Sequence[str]]) -> Features:
    """Features of the films at places 1..N, from their names. Rare ones are left out."""
    spelled = [name for names in names_by_movie for name in names]
    found, counts = np.unique(np.array(spelled, dtype=object).astype(str), return_counts=True)
    names = [str(name) for name in found[counts >= MIN_MOVIES]] or ["none"]
    return Features(names, *to_csr(names, [(), *names_by_movie]))


def to_csr(names: Sequence[str], names_by_movie: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Which of `names` each film has, in CSR form: indptr int64 [n + 1], indices int64 [nnz]."""
    number = {name: i for i, name in enumerate(names)}
    kept = [sorted({number[name] for name in film if name in number}) for film in names_by_movie]
    indptr = np.concatenate([[0], np.cumsum([len(film) for film in kept])]).astype(np.int64)
    return indptr, np.array([i for film in kept for i in film], np.int64)
