"""Encode histories as token sequences and taste: training, evaluation, batch and serving share this encoding."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from recommender.ml.vocab import PAD, Vocab

WATCH, RATING, LIKE, DISLIKE, NOT_INTERESTED, WATCHLIST = range(1, 7)  # as catalog.models.WatchEvent.Kind
MIN_LIKED_STARS, MAX_DISLIKED_STARS = 4.0, 2.0
_WEIGHTS = np.zeros(WATCHLIST + 1, np.float32)  # by kind; those of a watch and of a rating depend on more
_WEIGHTS[[LIKE, DISLIKE, NOT_INTERESTED, WATCHLIST]] = 1.0, -1.0, -1.0, 0.25


class Events(NamedTuple):
    """One viewer's events, oldest first. A column that is None is not known for any of them."""

    movie_ids: np.ndarray  # int32 [n]
    times: np.ndarray | None = None  # int64 [n], unix seconds
    kinds: np.ndarray | None = None  # int8 [n]
    ratings: np.ndarray | None = None  # float32 [n], stars; NaN: none
    completions: np.ndarray | None = None  # float32 [n], 0..1; NaN: not known

    @classmethod
    def from_ids(cls, movie_ids: Sequence[int] | np.ndarray) -> Self:
        """Return a history of bare film ids: watched in this order, at unknown times."""
        return cls(np.asarray(movie_ids, np.int32))


class Histories(NamedTuple):
    """The events of many viewers, one after the other. Training snapshots store the columns by field name."""

    viewers: np.ndarray  # int64 [U]
    indptr: np.ndarray  # int64 [U + 1]: viewer u's events are rows indptr[u] to indptr[u + 1]
    movie_ids: np.ndarray  # int32 [n]
    times: np.ndarray  # int64 [n]
    kinds: np.ndarray  # int8 [n]
    ratings: np.ndarray  # float32 [n]
    completions: np.ndarray  # float32 [n]
    timed: np.ndarray  # bool [U]: this viewer's times are known

    @classmethod
    def from_table(cls, viewers: np.ndarray, events: Events, *, timed: bool = True) -> Self:
        """Build from one table of all viewers' events, sorted by `viewers` [n] and then by time; no column is
        missing."""
        starts = np.flatnonzero(np.append(True, viewers[1:] != viewers[:-1])[: len(viewers)])
        indptr = np.append(starts, len(viewers)).astype(np.int64)
        columns = [np.asarray(column) for column in events]
        return cls._make([viewers[starts].astype(np.int64), indptr, *columns, np.full(len(starts), timed)])

    @classmethod
    def from_events(cls, events: Sequence[Events]) -> Self:
        """Join the histories of `events` in their order; viewers are numbered from 0."""
        lengths = np.array([len(history.movie_ids) for history in events], np.int64)

        def column(name: str, missing: float, dtype: type) -> np.ndarray:
            parts = [getattr(history, name) for history in events]
            filled = [np.full(n, missing, dtype) if p is None else p for p, n in zip(parts, lengths, strict=True)]
            return np.concatenate([np.empty(0, dtype), *filled]).astype(dtype)

        return cls(
            viewers=np.arange(len(events)),
            indptr=np.concatenate([[0], lengths.cumsum()]),
            movie_ids=column("movie_ids", 0, np.int32),
            times=column("times", 0, np.int64),
            kinds=column("kinds", WATCH, np.int8),
            ratings=column("ratings", np.nan, np.float32),
            completions=column("completions", np.nan, np.float32),
            timed=np.array([history.times is not None for history in events], bool),
        )


class Tokens(NamedTuple):
    """Sequences and tastes of many viewers, as token ids of a vocabulary (0 is padding)."""

    indptr: np.ndarray  # int64 [U + 1]
    items: np.ndarray  # int64 [n], 1..N
    times: np.ndarray  # int64 [n]
    stars: np.ndarray  # int8 [n]: 0 for no rating, else half stars
    timed: np.ndarray  # bool [U]
    taste_indptr: np.ndarray  # int64 [U + 1]
    taste_items: np.ndarray  # int64 [m]
    taste_weights: np.ndarray  # float32 [m]: above 0 for, below 0 against
    taste_seen: np.ndarray  # int64 [n]: rows of taste (counted over all viewers) up to this token and with it

    def lengths(self) -> np.ndarray:
        """Return the tokens of each viewer, int64 [U]."""
        return np.diff(self.indptr)


def taste_weights(kinds: np.ndarray, ratings: np.ndarray, completions: np.ndarray) -> np.ndarray:
    """Return how much each event speaks for (above 0) or against (below 0) its film, float32 [n]."""
    weights = _WEIGHTS[kinds]
    watched, rated = kinds == WATCH, kinds == RATING
    weights[watched] = 0.5 * np.where(np.isnan(completions[watched]), 1.0, completions[watched])
    stars = ratings[rated]
    weights[rated] = np.where(stars >= MIN_LIKED_STARS, 1.0, np.where(stars <= MAX_DISLIKED_STARS, -0.5, 0.0))
    return weights


def tokenise(histories: Histories, vocab: Vocab) -> Tokens:
    """Encode histories, for films of the vocabulary.

    Watches and ratings are the tokens of the sequence; a rating of a film that was watched just before gives its stars
    to that watch. Every event with a taste weight other than 0 is a row of taste.
    """
    token_ids = vocab.encode(histories.movie_ids)
    watched = (histories.kinds == WATCH) & (token_ids != PAD)
    rated = (histories.kinds == RATING) & (token_ids != PAD)
    stars = np.rint(np.nan_to_num(histories.ratings) * 2).astype(np.int8)
    if watched.any() and rated.any():
        viewers = np.repeat(np.arange(len(histories.viewers)), np.diff(histories.indptr))
        watch_of = _find_earlier_watches(viewers * (len(vocab) + 1) + token_ids, watched)
        annotating = np.flatnonzero(rated & (watch_of >= 0))
        rated[annotating] = False
        _move_ratings_to_watches(stars, annotating, watch_of[annotating], np.flatnonzero(watched | rated))
    in_sequence = np.flatnonzero(watched | rated)
    weights = taste_weights(histories.kinds, histories.ratings, histories.completions)
    weights[token_ids == PAD] = 0
    in_taste = np.flatnonzero(weights)
    items, taste_items, weights = token_ids[in_sequence], token_ids[in_taste], weights[in_taste]
    taste_indptr = np.searchsorted(in_taste, histories.indptr)
    taste_seen = np.searchsorted(in_taste, in_sequence, side="right")
    del token_ids, watched, rated, in_taste  # of 25 million events half a gigabyte
    return Tokens(
        indptr=np.searchsorted(in_sequence, histories.indptr),
        items=items,
        times=histories.times[in_sequence],
        stars=stars[in_sequence],
        timed=histories.timed,
        taste_indptr=taste_indptr,
        taste_items=taste_items,
        taste_weights=weights,
        taste_seen=taste_seen,
    )


def _find_earlier_watches(keys: np.ndarray, watched: np.ndarray) -> np.ndarray:
    """Return for each row the first watch row of the same key (viewer and film) before it, or -1: int64 [n]."""
    rows = np.flatnonzero(watched)
    unique, first = np.unique(keys[rows], return_index=True)
    index = np.searchsorted(unique, keys).clip(max=len(unique) - 1)
    candidate = rows[first][index]
    return np.where((unique[index] == keys) & (candidate < np.arange(len(keys))), candidate, -1)


def _move_ratings_to_watches(
    stars: np.ndarray, ratings: np.ndarray, watches: np.ndarray, in_sequence: np.ndarray
) -> None:
    """Move the stars of the rows `ratings` [m] onto the rows `watches` [m] of the same films, in place, unless another
    film came in between: moved past it, they would show a position its future.
    """
    following = np.searchsorted(in_sequence, watches, side="right")
    next_row = np.append(in_sequence, np.iinfo(np.int64).max)[following]
    adjacent = next_row > ratings
    stars[watches[adjacent]] = stars[ratings[adjacent]]


def data_hash(*arrays: np.ndarray) -> str:
    """Return the SHA-256 over the arrays' types and bytes: it identifies the data that a result was measured on."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(array.dtype).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
