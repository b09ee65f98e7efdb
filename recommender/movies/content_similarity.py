"""How much alike two films are by what the catalogue says: genres, people, years, series.

What people call similar is told by content more than by clicks (Yao and Harper 2018, on MovieLens), so this is the
larger part of `similar`, and all of it for a film that no model knows.
"""

import numpy as np

from recommender.movies.indexes import segment_sums
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot

GENRE_WEIGHT, PEOPLE_WEIGHT, YEAR_WEIGHT = 0.45, 0.35, 0.2  # parts of the whole
DIRECTOR_RATE, ACTOR_RATE = 0.8, 0.3  # one in common gives 1 - exp(-this), more of them the more
YEAR_SCALE = 15.0  # years apart at which the nearness in time has fallen to 1/e
SERIES_BONUS = 0.6  # of what is missing to 1, for two films of a series
DIRECTOR = 1  # catalog.models.Credit.Role


def similarity_to_movie(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return how similar each movie is to the one at `row` by content, float32 [movies], 0..1; 1 for itself."""
    table = snapshot.table
    similarity = GENRE_WEIGHT * _genre_similarity(snapshot, row) + PEOPLE_WEIGHT * _people_similarity(snapshot, row)
    if table.year[row]:
        apart = np.abs(table.year.astype(np.int32) - int(table.year[row]))
        similarity += YEAR_WEIGHT * np.where(table.year > 0, np.exp(-apart / YEAR_SCALE), 0.0)
    series = series_of(snapshot)
    if series[row] >= 0:
        same = series == series[row]
        similarity[same] += SERIES_BONUS * (1 - similarity[same])
    similarity[row] = 1
    return similarity.astype(np.float32)


def _genre_similarity(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the Jaccard index of the genres, float64 [movies]; a genre weighs the more the fewer movies have it."""
    table, index = snapshot.table, snapshot.movies_by_genre
    weights = np.log1p(len(table.ids) / np.maximum(np.diff(index.starts), 1))
    total = snapshot.cached_array(
        "genre weight", None, lambda snapshot, _: segment_sums(snapshot.table.genre_start, weights[table.genre_of])
    )
    shared = np.zeros(len(table.ids))
    for genre in set(table.genre_of[table.genre_start[row] : table.genre_start[row + 1]].tolist()):
        shared[index.postings(genre)] += weights[genre]
    return shared / np.maximum(total + total[row] - shared, 1e-9)


def _people_similarity(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return 1 - exp(-sum of the rates of the people in common), float64 [movies]."""
    table, index = snapshot.table, snapshot.movies_by_person
    credits = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
    rates: dict[int, float] = {}
    for person, role in zip(table.credit_person[credits].tolist(), table.credit_role[credits].tolist(), strict=True):
        rates[person] = max(rates.get(person, 0.0), DIRECTOR_RATE if role == DIRECTOR else ACTOR_RATE)
    total = np.zeros(len(table.ids))
    for person, rate in rates.items():
        total[np.unique(index.postings(person))] += rate
    return 1 - np.exp(-total)
