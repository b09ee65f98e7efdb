"""Diversity: a pool of good movies is re-ranked so that a list holds different ones.

Greedy max-sum diversification (Borodin, Lee and Ye 2012): each position goes to the movie with the largest sum of its
own worth and its mean distance to the movies above. That is maximal marginal relevance (Carbonell and Goldstein 1998)
with the mean, of which intra-list diversity is made, in place of the nearest movie; for that there are caps for series
and directors. Similarity is of content alone: a stored list and one made now, with a model and without, come out alike.
"""

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.movies.indexes import csr_gather
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.ranked_movies import RankedMovies

DIRECTOR = int(Credit.Role.DIRECTOR)
GENRE_WEIGHT, PEOPLE_WEIGHT, YEAR_WEIGHT = 0.6, 0.25, 0.15  # parts of similarity
YEAR_SCALE = 15.0  # years apart at which the nearness of two movies in time has fallen to 1/e
MAX_SERIES_SHARE, MAX_DIRECTOR_SHARE = 1 / 4, 1 / 2  # of a list, times 1 - diversity: the most that one of them gets
TOP_PEOPLE = 6  # of a movie's credits: directors come first, then the cast in the order of billing


def diversify(snapshot: CatalogueSnapshot, ranked: RankedMovies, k: int, diversity: float) -> RankedMovies:
    """Choose k of the ranked movies of a catalogue; see `greedy_diversify`."""
    return greedy_diversify(snapshot.table, series_of(snapshot), ranked, k, diversity)


def greedy_diversify(
    table: CatalogueTable, series: np.ndarray, ranked: RankedMovies, k: int, diversity: float
) -> RankedMovies:
    """Choose k of the ranked movies, in a new order and with their own scores; `diversity` is above 0, at most 1.

    The first movie stays the first. No series gets more than (1 - diversity) / 4 of the list and no director more than
    (1 - diversity) / 2, but one at least, as long as the pool has other movies. `series` int32 [movies].
    """
    rows = table.rows_of(ranked.movie_ids)
    owner = np.flatnonzero(series[rows] >= 0)
    of_series = _shared_traits(owner, series[rows][owner], len(rows))
    owner, entry = csr_gather(table.credit_start, rows)
    directs = table.credit_role[entry] == DIRECTOR
    of_director = _shared_traits(owner[directs], table.credit_person[entry][directs], len(rows))
    caps = [max(1, int(k * (1 - diversity) * share)) for share in (MAX_SERIES_SHARE, MAX_DIRECTOR_SHARE)]
    scores = ranked.scores.astype(np.float64)
    order = _greedy_order(
        (scores - scores.min()) / max(float(np.ptp(scores)), 1e-9),
        pairwise_similarity(table, series, rows),
        np.concatenate([of_series, of_director], axis=1),
        np.repeat(caps, [of_series.shape[1], of_director.shape[1]]),
        min(k, len(rows)),
        diversity,
    )
    return ranked.select(order)


def _greedy_order(
    worth: np.ndarray, similarity: np.ndarray, membership: np.ndarray, caps: np.ndarray, k: int, diversity: float
) -> np.ndarray:
    """Return the positions of k movies of the pool in their new order.

    `worth` float64 [n], 0..1; `similarity` [n, n]; `membership` bool [n, groups]; `caps` [groups]: movies of each.
    """
    order = np.empty(k, np.int64)
    remaining, to_listed, used = np.ones(len(worth), bool), np.zeros(len(worth)), np.zeros(len(caps), np.int64)
    for position in range(k):
        below_caps = remaining & ~membership[:, used >= caps].any(1)
        value = (1 - diversity) * worth - diversity * to_listed / max(position, 1)
        best = int(np.argmax(np.where(below_caps if below_caps.any() else remaining, value, -np.inf)))
        order[position] = best
        remaining[best] = False
        to_listed += similarity[best]
        used += membership[best]
    return order


def pairwise_similarity(table: CatalogueTable, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the similarity of the movies at `rows`, float64 [n, n], 0..1: of genres and leading people (Jaccard), and
    of years; 1 within a series."""
    year = table.year[rows].astype(np.float64)
    near = np.exp(-np.abs(year[:, None] - year[None, :]) / YEAR_SCALE) * ((year > 0)[:, None] & (year > 0)[None, :])
    owner, entry = csr_gather(table.genre_start, rows)
    genres = _jaccard(owner, table.genre_of[entry], len(rows))
    owner, entry = csr_gather(table.credit_start, rows)
    leading = entry - table.credit_start[rows[owner]] < TOP_PEOPLE
    people = _jaccard(owner[leading], table.credit_person[entry][leading], len(rows))
    same_series = (series[rows][:, None] == series[rows][None, :]) & (series[rows] >= 0)[:, None]
    return np.where(same_series, 1.0, GENRE_WEIGHT * genres + PEOPLE_WEIGHT * people + YEAR_WEIGHT * near)


def _jaccard(owner: np.ndarray, trait: np.ndarray, n: int) -> np.ndarray:
    """Return what two movies share over what either has, float64 [n, n]; `owner`: the movie that has each `trait`."""
    size = np.bincount(owner, minlength=n)
    has = _shared_traits(owner, trait, n).astype(np.float32)
    common = has @ has.T
    either = size[:, None] + size[None, :] - common
    return np.asarray(common / np.maximum(either, 1))


def _shared_traits(owner: np.ndarray, trait: np.ndarray, n: int) -> np.ndarray:
    """Return which movies have which of the traits that two or more have, bool [n, traits]."""
    traits, column, count = np.unique(trait, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(count > 1)
    new_column = np.full(len(traits), -1)
    new_column[shared] = np.arange(len(shared))
    column = new_column[column]
    has = np.zeros((n, len(shared)), bool)
    has[owner[column >= 0], column[column >= 0]] = True
    return has
