"""Histories into sequences and tastes: the one encoding that training, evaluation, batch and serving share."""

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
        """A history that came as bare film ids: watched in this order, at times unknown."""
        return cls(np.asarray(movie_ids, np.int32))


class Histories(NamedTuple):
    """The events of many viewers, one after the other."""

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
        """All events of all viewers in one table, sorted by `viewers` [n] and then by time; no column is missing."""
        starts = np.flatnonzero(np.diff(viewers, prepend=-1))
        indptr = np.append(starts, len(viewers)).astype(np.int64)
        columns = [np.asarray(column) for column in events]
        return cls._make([viewers[starts].astype(np.int64), indptr, *columns, np.full(len(starts), timed)])

    @classmethod
    def from_events(cls, events: Sequence[Events]) -> Self:
        """Joins the histories of `events`, in their order; viewers are numbered from 0."""
        lengths = np.array([len(one.movie_ids) for one in events], np.int64)

        def column(name: str, missing: float, dtype: type) -> np.ndarray:
            parts = [getattr(one, name) for one in events]
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
            timed=np.array([one.times is not None for one in events], bool),
        )


class Tokens(NamedTuple):
    """Sequences and tastes of many viewers, as places in the vocabulary."""

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
        return np.diff(self.indptr)


def taste_weights(kinds: np.ndarray, ratings: np.ndarray, completions: np.ndarray) -> np.ndarray:
    """How much each event speaks for (above 0) or against (below 0) its film, float32 [n]."""
    weights = _WEIGHTS[kinds]
    watched, rated = kinds == WATCH, kinds == RATING
    weights[watched] = 0.5 * np.where(np.isnan(completions[watched]), 1.0, completions[watched])
    stars = ratings[rated]
    weights[rated] = np.where(stars >= MIN_LIKED_STARS, 1.0, np.where(stars <= MAX_DISLIKED_STARS, -0.5, 0.0))
    return weights


def tokenise(histories: Histories, vocab: Vocab) -> Tokens:
    """Which events enter the sequence and the taste (the table of DESIGN), for films of the vocabulary."""
    places = vocab.encode(histories.movie_ids)
    watched = (histories.kinds == WATCH) & (places != PAD)
    rated = (histories.kinds == RATING) & (places != PAD)
    stars = np.rint(np.nan_to_num(histories.ratings) * 2).astype(np.int8)
    if watched.any() and rated.any():
        owner = np.repeat(np.arange(len(histories.viewers)), np.diff(histories.indptr))
        watch_of = _find_earlier_watches(owner * (len(vocab) + 1) + places, watched)
        annotating = np.flatnonzero(rated & (watch_of >= 0))
        rated[annotating] = False
        _move_ratings_to_watches(stars, annotating, watch_of[annotating], np.flatnonzero(watched | rated))
    kept = np.flatnonzero(watched | rated)
    weights = taste_weights(histories.kinds, histories.ratings, histories.completions)
    weights[places == PAD] = 0
    tasted = np.flatnonzero(weights)
    items, taste_items, weights = places[kept], places[tasted], weights[tasted]
    taste_indptr = np.searchsorted(tasted, histories.indptr)
    taste_before = np.searchsorted(tasted, kept, side="right")
    del places, watched, rated, tasted  # of 25 million events half a gigabyte
    return Tokens(
        indptr=np.searchsorted(kept, histories.indptr),
        items=items,
        times=histories.times[kept],
        stars=stars[kept],
        timed=histories.timed,
        taste_indptr=taste_indptr,
        taste_items=taste_items,
        taste_weights=weights,
        taste_seen=taste_before,
    )


def _find_earlier_watches(keys: np.ndarray, watched: np.ndarray) -> np.ndarray:
    """For each row the first watch row of the same key (viewer and film) before it, or -1. int64 [n]."""
    rows = np.flatnonzero(watched)
    unique, first = np.unique(keys[rows], return_index=True)
    found = np.searchsorted(unique, keys).clip(max=len(unique) - 1)
    candidate = rows[first][found]
    return np.where((unique[found] == keys) & (candidate < np.arange(len(keys))), candidate, -1)


def _move_ratings_to_watches(stars: np.ndarray, ratings: np.ndarray, watches: np.ndarray, kept: np.ndarray) -> None:
    """Moves the stars of rating rows onto the watch rows they speak of, unless another film came in between:
    moved past it, they would tell a position its future. Both [m]; changes `stars` in place.
    """
    following = np.searchsorted(kept, watches, side="right")
    bounded = np.append(kept, np.iinfo(np.int64).max)
    at_once = bounded[following] > ratings
    stars[watches[at_once]] = stars[ratings[at_once]]
