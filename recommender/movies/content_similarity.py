"""How much alike two films are by what the catalogue says: genres, people, years, series.

What people call similar is told by content more than by clicks (Yao and Harper 2018, on MovieLens), so this is the
larger part of `similar`, and all of it for a film that no model knows.
"""

import numpy as np

from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot

GENRE_WEIGHT, PEOPLE_WEIGHT, YEAR_WEIGHT = 0.45, 0.35, 0.2  # parts of the whole
DIRECTOR_RATE, ACTOR_RATE = 0.8, 0.3  # one in common gives 1 - exp(-this), more of them the more
YEAR_SCALE = 15.0  # years apart at which the nearness in time has fallen to 1/e
SERIES_BONUS = 0.6  # of what is missing to 1, for two films of a series
DIRECTOR = 1  # catalog.models.Credit.Role


def similarity_to_movie(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """float32 [films], 0..1, of each film to that at `row`; 1 for itself."""
    table = snapshot.table
    likeness = GENRE_WEIGHT * _genre_similarity(snapshot, row) + PEOPLE_WEIGHT * _people_similarity(snapshot, row)
    if table.year[row]:
        apart = np.abs(table.year.astype(np.int32) - int(table.year[row]))
        likeness += YEAR_WEIGHT * np.where(table.year > 0, np.exp(-apart / YEAR_SCALE), 0.0)
    group = series_of(snapshot)
    if group[row] >= 0:
        likeness[group == group[row]] += SERIES_BONUS * (1 - likeness[group == group[row]])
    likeness[row] = 1
    return likeness.astype(np.float32)


def _genre_similarity(catalogue: CatalogueSnapshot, row: int) -> np.ndarray:
    """Jaccard, a genre weighing the more the fewer films have it: shared weight over the weight that either has."""
    table, holders = catalogue.table, catalogue.movies_by_genre
    weights = np.log1p(len(table.ids) / np.maximum(np.diff(holders.starts), 1))
    whole = catalogue.cached_array("genre weight", None, lambda films, _: _total_genre_weights(films, weights))
    shared = np.zeros(len(table.ids))
    for genre in set(table.genre_of[table.genre_start[row] : table.genre_start[row + 1]].tolist()):
        shared[holders.postings(genre)] += weights[genre]
    return shared / np.maximum(whole + whole[row] - shared, 1e-9)


def _total_genre_weights(catalogue: CatalogueSnapshot, weights: np.ndarray) -> np.ndarray:
    table = catalogue.table
    running = np.concatenate([[0.0], np.cumsum(weights[table.genre_of])])
    return running[table.genre_start[1:]] - running[table.genre_start[:-1]]


def _people_similarity(catalogue: CatalogueSnapshot, row: int) -> np.ndarray:
    """1 - exp(-sum over the people in common)."""
    table, holders = catalogue.table, catalogue.movies_by_person
    own = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
    worth: dict[int, float] = {}
    for person, role in zip(table.credit_person[own].tolist(), table.credit_role[own].tolist(), strict=True):
        worth[person] = max(worth.get(person, 0.0), DIRECTOR_RATE if role == DIRECTOR else ACTOR_RATE)
    total = np.zeros(len(table.ids))
    for person, weight in worth.items():
        total[np.unique(holders.postings(person))] += weight
    return 1 - np.exp(-total)
