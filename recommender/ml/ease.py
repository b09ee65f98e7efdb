"""EASE (Steck 2019, arXiv 1905.03375): item-to-item weights in closed form, B = I - P / diag(P) with
P = (X'X + lambda I)^-1. Serving holds the greatest weights of each film alone."""

import warnings
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transitions import places_of, sum_rows, sum_rows_at

EASE_LAMBDA = 500.0
MAX_EASE_ITEMS = 8_000  # a matrix of films x films is inverted: only the most popular take part
MAX_GRAM_VIEWERS = 50_000  # whose films are counted: more change the weights little
MAX_NEIGHBOURS = 128  # of a film: bounds memory, 1 kB for each of MAX_EASE_ITEMS
HISTORY = 200  # films of a viewer, the newest, that are added up
BLOCK, BLOCK_FILMS = 2_048, 1_024  # viewers whose films are counted at a time, and of the rows of the matrix


class ItemWeights(NamedTuple):
    """Weights of films for each film of a history, as CSR rows over columns 0..N - 1. Model folders store the fields by
    name."""

    indptr: Tensor  # int64 [N + 1]
    columns: Tensor  # int32 [nnz]
    weights: Tensor  # float32 [nnz]

    @classmethod
    def from_tokens(cls, viewers: np.ndarray, items: np.ndarray, num_items: int) -> Self:
        """Fit on tokens [n], of viewers in ascending order and with columns 0..N - 1; else as `from_training`."""
        return cls.from_training(TrainingTokens.from_columns(viewers, items, num_items))

    @classmethod
    def from_training(cls, training: TrainingTokens) -> Self:
        """Fit on these tokens; the MAX_NEIGHBOURS greatest weights above 0 of each film remain."""
        films, matrix = count_shared_viewers(training)
        _invert(matrix, EASE_LAMBDA)
        num_items = training.num_items
        counts = np.zeros(num_items, np.int64)
        columns, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for film, row in zip(films.tolist(), (row.astype(np.float32) for row in matrix), strict=True):
            best = np.sort(np.argpartition(-row, min(MAX_NEIGHBOURS, len(row) - 1))[:MAX_NEIGHBOURS])
            best = best[row[best] > 0]
            counts[film] = len(best)
            columns.append(films[best])
            values.append(row[best])
        indptr = np.append(0, counts.cumsum())
        return cls(*map(torch.from_numpy, (indptr, np.concatenate(columns).astype(np.int32), np.concatenate(values))))

    def scorer(self, device: torch.device | None = None) -> "EaseScorer":
        """Return what adds up the weights of histories on a device."""
        return EaseScorer(self, device or torch.device("cpu"))


class EaseScorer:
    """Adds up the weights of the films of histories, for the few films that any weight speaks for: a matrix of all
    films would be mostly zeros."""

    def __init__(self, weights: ItemWeights, device: torch.device) -> None:
        indptr, columns, values = (tensor.to(device) for tensor in weights)
        self.num_items = len(indptr) - 1
        is_spoken_for = torch.zeros(self.num_items, dtype=torch.bool, device=device)
        is_spoken_for[columns] = True
        self.films = is_spoken_for.nonzero()[:, 0]  # int64 [M], ascending
        places = (is_spoken_for.cumsum(0, dtype=torch.int32) - 1)[columns]
        self._film_columns = self.films.cpu().numpy()
        self._by_rows = device.type == "cpu" and not torch.backends.mkl.is_available()  # as on ARM: eight times slower
        self._rows = (indptr, places, values)
        # Built once: that takes longer than a product.
        self._matrix = _sparse(indptr.int(), places, values, len(self.films))

    def __call__(self, history: Tensor) -> Tensor:
        """Return the scores of all films, float32 [B, N]; `history` as in `scores_of_films`."""
        scores = torch.zeros(len(history), self.num_items, device=history.device)
        return scores.index_copy_(1, self.films, self.scores_of_films(history))

    def scores_at(self, history: Tensor, columns: Tensor) -> Tensor:
        """Return the scores of some films alone, distinct `columns` [K]: float32 [B, K]."""
        place_of = places_of(columns, self.num_items)[self._film_columns]
        return sum_rows_at(*self._rows, history, torch.ones(history.shape[1]), place_of, len(columns))

    def scores_of_films(self, history: Tensor) -> Tensor:
        """Return the scores of `films`, float32 [B, M], for viewers who watched the films `history` [B, H], token ids,
        0 for none."""
        if not len(self.films):
            return torch.zeros(len(history), 0, device=history.device)
        if self._by_rows:
            return sum_rows(*self._rows, history, torch.ones(history.shape[1]), len(self.films))
        known = history > 0
        ends = F.pad(known.sum(1).cumsum(0), (1, 0)).int()
        ones = torch.ones(int(ends[-1]), device=history.device)
        watched = _sparse(ends, (history[known] - 1).int(), ones, self.num_items)
        if history.device.type != "cpu":
            return (watched @ self._matrix).to_dense()
        return torch.addmm(torch.zeros(len(history), len(self.films)), watched, self._matrix)  # no sparse result


warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")


def _sparse(indptr: Tensor, columns: Tensor, values: Tensor, width: int) -> Tensor:
    return torch.sparse_csr_tensor(indptr, columns, values, (len(indptr) - 1, width), check_invariants=False)


class Gram(NamedTuple):
    """How many viewers two films share."""

    films: np.ndarray  # int64 [M], ascending columns
    shared: np.ndarray  # float64 [M, M]: of 8,000 films half a gigabyte


def count_shared_viewers(
    training: TrainingTokens, *, max_viewers: int = MAX_GRAM_VIEWERS, max_items: int = MAX_EASE_ITEMS
) -> Gram:
    """Count the viewers that two of the `max_items` most popular films share; of too many viewers every n-th."""
    films = np.sort(np.argsort(-training.counts(), kind="stable")[:max_items])
    column_of_item = np.full(training.num_items, -1)
    column_of_item[films] = np.arange(len(films))
    viewers = np.flatnonzero(training.ends > training.starts)
    every = max(1, -(-len(viewers) // max_viewers))
    viewers = viewers[::every]
    shared = np.zeros((len(films), len(films)))
    for start in range(0, len(viewers), BLOCK):
        own = viewers[start : start + BLOCK]
        block = training.of_viewers(own)
        columns = column_of_item[block.items]
        watched = np.zeros((len(own), len(films)), np.float32)
        watched[np.searchsorted(own, block.viewers[columns >= 0]), columns[columns >= 0]] = 1
        for first in range(0, len(films), BLOCK_FILMS):
            rows = slice(first, first + BLOCK_FILMS)
            shared[rows] += watched[:, rows].T @ watched
    shared *= every
    return Gram(films, shared)


def fit_ease(gram: Gram, ridge: float) -> np.ndarray:
    """Return B among the films of `gram`, without its diagonal: float32 [M, M], by the film of the history and the film
    that it speaks for."""
    matrix = gram.shared.copy()
    _invert(matrix, ridge)
    return matrix.astype(np.float32)


def _invert(matrix: np.ndarray, ridge: float) -> None:
    """Put B in place of a Gram matrix, float64 [M, M], without another of its size."""
    precision = torch.from_numpy(matrix).T  # by columns, as LAPACK works in place
    precision.diagonal().add_(ridge)
    torch.linalg.cholesky(precision, out=precision)
    torch.cholesky_inverse(precision, out=precision)
    matrix /= -np.diag(matrix)
    np.fill_diagonal(matrix, 0)
