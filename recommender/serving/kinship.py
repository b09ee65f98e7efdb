"""How much alike two films are by what the catalogue says: genres, people, years, series.

What people call similar is told by content more than by clicks (Yao and Harper 2018, on MovieLens), so this is the
larger part of `similar`, and all of it for a film that no model knows.
"""

import numpy as np

from recommender.serving.eligibility import Catalogue
from recommender.serving.series import series

GENRES, PEOPLE, YEAR = 0.45, 0.35, 0.2  # parts of the whole
OF_DIRECTOR, OF_ACTOR = 0.8, 0.3  # one in common gives 1 - exp(-this), more of them the more
YEAR_SCALE = 15.0  # years apart at which the nearness in time has fallen to 1/e
OF_SERIES = 0.6  # of what is missing to 1, for two films of a series
DIRECTOR = 1  # catalog.models.Credit.Role


def kinship(catalogue: Catalogue, row: int) -> np.ndarray:
    """float32 [films], 0..1, of each film to that at `row`; 1 for itself."""
    table = catalogue.table
    likeness = GENRES * _genres(catalogue, row) + PEOPLE * _people(catalogue, row)
    if table.year[row]:
        apart = np.abs(table.year.astype(np.int32) - int(table.year[row]))
        likeness += YEAR * np.where(table.year > 0, np.exp(-apart / YEAR_SCALE), 0.0)
    group = series(catalogue)
    if group[row] >= 0:
        likeness[group == group[row]] += OF_SERIES * (1 - likeness[group == group[row]])
    likeness[row] = 1
    return likeness.astype(np.float32)


def _genres(catalogue: Catalogue, row: int) -> np.ndarray:
    """Jaccard, a genre weighing the more the fewer films have it: shared weight over the weight that either has."""
    table, holders = catalogue.table, catalogue.genre_films
    weights = np.log1p(len(table.ids) / np.maximum(np.diff(holders.starts), 1))
    whole = catalogue.column("genre weight", None, lambda films, _: _weight_of_each(films, weights))
    shared = np.zeros(len(table.ids))
    for genre in set(table.genre_of[table.genre_start[row] : table.genre_start[row + 1]].tolist()):
        shared[holders.run(genre)] += weights[genre]
    return shared / np.maximum(whole + whole[row] - shared, 1e-9)


def _weight_of_each(catalogue: Catalogue, weights: np.ndarray) -> np.ndarray:
    table = catalogue.table
    running = np.concatenate([[0.0], np.cumsum(weights[table.genre_of])])
    return running[table.genre_start[1:]] - running[table.genre_start[:-1]]


def _people(catalogue: Catalogue, row: int) -> np.ndarray:
    """1 - exp(-sum over the people in common)."""
    table, holders = catalogue.table, catalogue.person_films
    own = slice(int(table.credit_start[row]), int(table.credit_start[row + 1]))
    worth: dict[int, float] = {}
    for person, role in zip(table.credit_person[own].tolist(), table.credit_role[own].tolist(), strict=True):
        worth[person] = max(worth.get(person, 0.0), OF_DIRECTOR if role == DIRECTOR else OF_ACTOR)
    total = np.zeros(len(table.ids))
    for person, weight in worth.items():
        total[np.unique(holders.run(person))] += weight
    return 1 - np.exp(-total)
