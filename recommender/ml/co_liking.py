"""Which films the same people liked in different visits, more often than popularity explains.

What people like in one visit lies on one page of the site as often as it is alike, so pairs within a visit count
nothing. Everybody likes films of the years in which they watch, so what is expected follows a film's period too.
"""

from typing import NamedTuple

import numpy as np

from recommender.ml.data import MIN_LIKED_STARS, Tokens
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.token_files import viewer_blocks
from recommender.ml.visits import MAX_GAP

MAX_LIKES = 200  # of a viewer, the newest: pairs grow with the square of the films
MAX_VIEWERS = 200_000  # whose likes are read: more say little more
MIN_LIKES = 5  # of a film; about one that fewer like they say nothing
MAX_LIKED = 64  # of a film, those that stand out most
SPARE_VIEWERS = 4.0  # who like any two films, added to what is counted and to what is expected: few likes say little
YEARS_OF_A_PERIOD = 3
MAX_PAIRS, MAX_CELLS = 2_000_000, 2_000_000  # that are counted at a time: bound memory to about 100 MB


class CoLiking(NamedTuple):
    """For each film those that the same people liked, as CSR rows over columns 0..N - 1, the most outstanding first."""

    starts: np.ndarray  # int64 [N + 1]
    columns: np.ndarray  # int32 [n]
    lifts: np.ndarray  # float16 [n], above 0: logarithm of how much more often than expected


class _Likes(NamedTuple):
    """One row for each film that a viewer liked, in the order of the viewers."""

    viewers: np.ndarray  # int32 [n]
    visits: np.ndarray  # int32 [n]
    films: np.ndarray  # int32 [n]: columns
    weights: np.ndarray  # float64 [n]: a pair weighs their product, 1 / sqrt(the viewer's films)

    def select(self, kept: np.ndarray, columns: np.ndarray) -> "_Likes":
        """Return the likes of a mask, with these columns in place of the films' own."""
        viewers, visits, films, weights = (column[kept] for column in self)
        return _Likes(viewers, visits, columns[films], weights)


def fit_co_liking(tokens: Tokens, years: np.ndarray) -> CoLiking:
    """Count which films go together, for films of these years [N]; 0: not known."""
    likes = _read_likes(tokens)
    known = np.flatnonzero(np.bincount(likes.films, minlength=len(years)) >= MIN_LIKES)
    place = np.full(len(years), -1)
    place[known] = np.arange(len(known))
    kept = place[likes.films] >= 0
    found = _fit(likes.select(kept, place), years[known])
    counts = np.zeros(len(years), np.int64)
    counts[known] = np.diff(found.starts)
    return CoLiking(np.append(0, counts.cumsum()), known[found.columns].astype(np.int32), found.lifts)


def _fit(likes: _Likes, years: np.ndarray) -> CoLiking:
    """Count which films go together, of which each was liked."""
    num_films = len(years)
    mass = np.bincount(likes.films, likes.weights * _liked_elsewhere(likes, likes.weights), num_films)
    pairs = float(_liked_elsewhere(likes, np.ones(len(likes.films))).sum())
    if pairs < 1:
        return CoLiking(np.zeros(num_films + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float16))
    periods = np.where(years > 0, 1 + years.astype(np.int64) // YEARS_OF_A_PERIOD, 0)
    _, periods = np.unique(periods, return_inverse=True)
    taste = _taste_for_periods(likes, mass, periods, years)
    spare = SPARE_VIEWERS * float(mass.sum()) / pairs
    order = np.argsort(likes.films, kind="stable")
    film_ends = np.cumsum(np.bincount(likes.films, minlength=num_films))
    viewer_ends = np.cumsum(np.bincount(likes.viewers))
    columns, lifts, counts = [], [], np.zeros(num_films, np.int64)
    step = max(1, MAX_CELLS // num_films)
    for first in range(0, num_films, step):
        films = np.arange(first, min(first + step, num_films))
        own = order[film_ends[first - 1] if first else 0 : film_ends[films[-1]]]
        cells = np.zeros(len(films) * num_films)
        for part in _split(own, likes, viewer_ends):
            cells += _count_pairs(likes, part, viewer_ends, first, len(cells), num_films)
        together = cells.reshape(len(films), num_films)
        together[np.arange(len(films)), films] = 0
        rows, others = np.nonzero(together)
        here = films[rows]
        expected = mass[here] * mass[others] / mass.sum()
        expected *= np.sqrt(taste[here, periods[others]] * taste[others, periods[here]])
        values = np.log((together[rows, others] + spare) / (expected + spare))
        # By film, then by lift: the first MAX_LIKED of each are kept.
        best = np.lexsort((others, -values, rows))
        best = best[values[best] > 0]
        starts = np.searchsorted(rows[best], np.arange(len(films)))
        best = best[np.arange(len(best)) - starts[rows[best]] < MAX_LIKED]
        counts[films] = np.bincount(rows[best], minlength=len(films))
        columns.append(others[best].astype(np.int32))
        lifts.append(values[best].astype(np.float16))
    return CoLiking(np.append(0, counts.cumsum()), np.concatenate(columns), np.concatenate(lifts))


def _read_likes(tokens: Tokens) -> _Likes:
    """Return each viewer's MAX_LIKES newest films that were watched, or rated well. Of more than MAX_VIEWERS every n-th
    is read."""
    nobody = np.empty(0, np.int32)
    parts, visits = [_Likes(nobody, nobody, nobody, np.empty(0))], 0
    every = max(1, -(-(len(tokens.indptr) - 1) // MAX_VIEWERS))
    for viewers in viewer_blocks(tokens):
        likes, count = _likes_of(tokens, viewers, visits)
        if every > 1:
            kept = likes.viewers % every == 0
            likes = _Likes(*(column[kept] for column in likes))
        parts.append(likes)
        visits += count
    return _Likes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _likes_of(tokens: Tokens, viewers: slice, first_visit: int) -> tuple[_Likes, int]:
    """Return the likes of some viewers, whose visits are numbered from `first_visit`, and how many visits they have."""
    begin, end = int(tokens.indptr[viewers.start]), int(tokens.indptr[viewers.stop])
    lengths = np.diff(tokens.indptr[viewers.start : viewers.stop + 1])
    items, stars = tokens.items[begin:end], tokens.stars[begin:end]
    number = np.repeat(np.arange(len(lengths)), lengths)
    begins = (np.diff(number, prepend=-1) != 0) | (np.diff(tokens.times[begin:end], prepend=0) > MAX_GAP)
    visit = np.cumsum(begins) - 1
    rows = np.flatnonzero((stars == 0) | (stars >= 2 * MIN_LIKED_STARS))
    _, last = np.unique((number[rows] * (int(items.max(initial=0)) + 1) + items[rows])[::-1], return_index=True)
    rows = np.sort(rows[len(rows) - 1 - last])  # of films that were liked again the last time
    ends = np.searchsorted(number[rows], np.arange(len(lengths)), side="right")
    rows = rows[ends[number[rows]] - np.arange(len(rows)) <= MAX_LIKES]
    liked = np.bincount(number[rows], minlength=len(lengths))
    likes = _Likes(
        (number[rows] + viewers.start).astype(np.int32),
        (visit[rows] + first_visit).astype(np.int32),
        (items[rows] - 1).astype(np.int32),
        liked[number[rows]] ** -0.25,
    )
    return likes, int(begins.sum())


def _liked_elsewhere(likes: _Likes, weights: np.ndarray) -> np.ndarray:
    """Return for each like what the weights of the viewer's likes in other visits add up to, float64 [n]."""
    of_viewer, of_visit = np.bincount(likes.viewers, weights), np.bincount(likes.visits, weights)
    return of_viewer[likes.viewers] - of_visit[likes.visits]


def _taste_for_periods(likes: _Likes, mass: np.ndarray, periods: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Return how much more than others those who like a film like films of each period, float64 [N, periods]."""
    count = int(periods.max()) + 1
    liked = np.empty((len(mass), count))
    for period in range(count):
        weights = likes.weights * (periods[likes.films] == period)
        liked[:, period] = np.bincount(likes.films, likes.weights * _liked_elsewhere(likes, weights), len(mass))
    middle = np.bincount(periods, years) / np.bincount(periods)
    near = np.exp(-np.abs(middle[:, None] - middle) / YEARS_OF_A_PERIOD)  # neighbouring periods count as well
    of_all = np.bincount(periods, mass, count) @ near
    share = (liked @ near) / np.maximum(of_all, 1e-9)
    return np.maximum(share * mass.sum() / np.maximum(mass, 1e-9)[:, None], 1e-3)


def _split(own: np.ndarray, likes: _Likes, viewer_ends: np.ndarray) -> list[np.ndarray]:
    """Split likes into parts of at most MAX_PAIRS pairs, but for a single like of more."""
    pairs = np.cumsum(np.diff(viewer_ends, prepend=0)[likes.viewers[own]])
    return np.split(own, np.searchsorted(pairs, np.arange(MAX_PAIRS, pairs[-1], MAX_PAIRS))) if len(own) else []


def _count_pairs(
    likes: _Likes, own: np.ndarray, viewer_ends: np.ndarray, first: int, cells: int, num_films: int
) -> np.ndarray:
    """Return the weights of the pairs of these likes, of films from `first` on, with the viewers' likes in other
    visits: float64 [cells]."""
    ends = viewer_ends[likes.viewers[own]]
    others, indptr = concatenate_ranges(ends - np.diff(viewer_ends, prepend=0)[likes.viewers[own]], ends)
    own = np.repeat(own, np.diff(indptr))
    apart = likes.visits[own] != likes.visits[others]
    own, others = own[apart], others[apart]
    cell = (likes.films[own] - first) * num_films + likes.films[others]
    return np.bincount(cell, likes.weights[own] * likes.weights[others], cells)
