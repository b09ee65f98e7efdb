"""What is known of movies besides who watched them, in the names that models learn."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

MAX_COLD_ITEMS = 2_000  # the latest; ranking one costs as much as ranking a movie that the model knows


def movie_features(table: CatalogueTable, rows: Iterable[int] | None = None) -> list[list[str]]:
    """Return the features of each movie at `rows`, by default of all in order: "genre:Drama", "decade:1960", ..."""
    role = {Credit.Role.DIRECTOR.value: "director", Credit.Role.ACTOR.value: "actor"}
    genres = [f"genre:{name}" for name in table.genre_names]
    people = _person_labels(table)
    features = []
    for row in range(len(table.ids)) if rows is None else rows:
        names = [genres[g] for g in table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]]
        for credit in range(table.credit_start[row], table.credit_start[row + 1]):
            names.append(f"{role[int(table.credit_role[credit])]}:{people[table.credit_person[credit]]}")
        if table.year[row]:
            names.append(f"decade:{table.year[row] // 10 * 10}")
        features.append(names)
    return features


def _person_labels(table: CatalogueTable) -> list[str]:
    """Return a label for each person: the name, and for all but the first of a name the id as well."""
    seen: set[str] = set()
    labels = []
    for number, name in enumerate(table.person_names):
        labels.append(f"{name} {table.person_ids[number]}" if name in seen else name)
        seen.add(name)
    return labels


def cold_items(table: CatalogueTable, ranker: "Ranker") -> "ColdItems":
    """Return the published movies that came after the training, the latest MAX_COLD_ITEMS that have known features."""
    rows = np.flatnonzero(table.published & ~np.isin(table.ids, ranker.movie_ids))
    latest = np.sort(rows[np.argsort(-table.added_at[rows], kind="stable")[:MAX_COLD_ITEMS]])
    return ranker.cold_items(table.ids[latest], movie_features(table, latest.tolist()))
