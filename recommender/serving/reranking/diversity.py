"""Less of the same: a pool of good films re-ranked so that a list holds different ones.

Greedy max-sum diversification (Borodin, Lee and Ye 2012): each place goes to the film with the largest sum of its own
worth and its mean distance to the films above. That is maximal marginal relevance (Carbonell and Goldstein 1998) with
the mean, of which intra-list diversity is made, in place of the nearest film; for that there are caps for series and
directors. Likeness is of content alone: a stored list and one made now, with a model and without, come out alike.
"""

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.taste import csr_gather

DIRECTOR = int(Credit.Role.DIRECTOR)
GENRE_WEIGHT, PEOPLE_WEIGHT, YEAR_WEIGHT = 0.6, 0.25, 0.15  # parts of likeness
YEAR_SCALE = 15.0  # years apart at which the nearness of two films in time has fallen to 1/e
MAX_SERIES_SHARE, MAX_DIRECTOR_SHARE = 1 / 4, 1 / 2  # of a list, times 1 - diversity: the most that one of them gets
TOP_PEOPLE = 6  # of a film's credits: directors come first, then the cast in the order of billing


def diversify(snapshot: CatalogueSnapshot, ranked: RankedMovies, request: RecommendRequest) -> RankedMovies:
    """The films that the query wants of its pool."""
    return greedy_diversify(snapshot.table, series_of(snapshot), ranked, request.limit, request.diversity)


def greedy_diversify(
    table: CatalogueTable, series: np.ndarray, ranked: RankedMovies, k: int, diversity: float
) -> RankedMovies:
    """k of the ranked films in a new order, with the scores that they have; `diversity` is above 0, at most 1.

    The first film stays the first. No series gets more than (1 - diversity) / 4 of the list and no director more than
    (1 - diversity) / 2, but one at least, as long as the pool has other films. `series` int32 [films].
    """
    rows = table.rows_of(ranked.movie_ids)
    of_series, of_director = _series_membership(series[rows]), _director_membership(table, rows)
    caps = [max(1, int(k * (1 - diversity) * share)) for share in (MAX_SERIES_SHARE, MAX_DIRECTOR_SHARE)]
    order = _greedy_order(
        _normalised_scores(ranked.scores),
        pairwise_similarity(table, series, rows),
        np.concatenate([of_series, of_director], axis=1),
        np.repeat(caps, [of_series.shape[1], of_director.shape[1]]),
        min(k, len(rows)),
        diversity,
    )
    return RankedMovies(ranked.movie_ids[order], ranked.scores[order])


def _greedy_order(
    worth: np.ndarray, alike: np.ndarray, member: np.ndarray, caps: np.ndarray, k: int, diversity: float
) -> np.ndarray:
    """Places in the pool, in their new order; `member` bool [n, groups], `caps` [groups]."""
    order = np.empty(k, np.int64)
    left, held, used = np.ones(len(worth), bool), np.zeros(len(worth)), np.zeros(len(caps), np.int64)
    for place in range(k):
        open_ = left & ~member[:, used >= caps].any(1)
        value = (1 - diversity) * worth - diversity * held / max(place, 1)
        best = int(np.argmax(np.where(open_ if open_.any() else left, value, -np.inf)))
        order[place] = best
        left[best] = False
        held += alike[best]
        used += member[best]
    return order


def _normalised_scores(scores: np.ndarray) -> np.ndarray:
    """float64 [n], 0..1: where a score lies between the pool's last and first."""
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / max(high - low, 1e-9)


def pairwise_similarity(table: CatalogueTable, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """float64 [n, n], 0..1: shared genres and leading people (Jaccard), nearness in time; 1 within a series."""
    year = table.year[rows].astype(np.float64)
    near = np.exp(-np.abs(year[:, None] - year[None, :]) / YEAR_SCALE) * ((year > 0)[:, None] & (year > 0)[None, :])
    owner, entry = csr_gather(table.genre_start, rows)
    genres = _jaccard(owner, table.genre_of[entry], len(rows))
    owner, entry = csr_gather(table.credit_start, rows)
    leading = entry - table.credit_start[rows[owner]] < TOP_PEOPLE
    people = _jaccard(owner[leading], table.credit_person[entry][leading], len(rows))
    part_of = series[rows]
    same = (part_of[:, None] == part_of[None, :]) & (part_of >= 0)[:, None]
    return np.where(same, 1.0, GENRE_WEIGHT * genres + PEOPLE_WEIGHT * people + YEAR_WEIGHT * near)


def _jaccard(owner: np.ndarray, trait: np.ndarray, n: int) -> np.ndarray:
    """float64 [n, n]: what two films share over what either has; `owner` says whose each `trait` is."""
    size = np.bincount(owner, minlength=n)
    has = _shared_traits(owner, trait, n).astype(np.float32)
    common = has @ has.T
    either = size[:, None] + size[None, :] - common
    return np.asarray(common / np.maximum(either, 1))


def _shared_traits(owner: np.ndarray, trait: np.ndarray, n: int) -> np.ndarray:
    """bool [n, traits] of those that two films or more have."""
    found, column, count = np.unique(trait, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(count > 1)
    place = np.full(len(found), -1)
    place[kept] = np.arange(len(kept))
    column = place[column]
    has = np.zeros((n, len(kept)), bool)
    has[owner[column >= 0], column[column >= 0]] = True
    return has


def _series_membership(part_of: np.ndarray) -> np.ndarray:
    owner = np.flatnonzero(part_of >= 0)
    return _shared_traits(owner, part_of[owner], len(part_of))


def _director_membership(table: CatalogueTable, rows: np.ndarray) -> np.ndarray:
    owner, entry = csr_gather(table.credit_start, rows)
    directs = table.credit_role[entry] == DIRECTOR
    return _shared_traits(owner[directs], table.credit_person[entry][directs], len(rows))
