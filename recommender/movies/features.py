"""What is known of films besides who watched them, in the names that models learn."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

MAX_COLD_ITEMS = 2_000  # the latest films are ranked before a night learns of them: each costs what a known one costs


def movie_features(table: CatalogueTable, rows: Iterable[int] | None = None) -> list[list[str]]:
    """What is known of each film besides who watched it: of those at `rows`, by default of all in order."""
    role = {Credit.Role.DIRECTOR.value: "director", Credit.Role.ACTOR.value: "actor"}
    genres = [f"genre:{name}" for name in table.genre_names]
    films = []
    for row in range(len(table.ids)) if rows is None else rows:
        names = [genres[g] for g in table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]]
        for credit in range(table.credit_start[row], table.credit_start[row + 1]):
            names.append(f"{role[int(table.credit_role[credit])]}:{table.person_names[table.credit_person[credit]]}")
        if table.year[row]:
            names.append(f"decade:{table.year[row] // 10 * 10}")
        films.append(names)
    return films


def cold_items(table: CatalogueTable, ranker: "Ranker") -> "ColdItems":
    """The published films that the model does not know, the latest MOST_NEWCOMERS, as far as it can say anything."""
    rows = np.flatnonzero(table.published & ~np.isin(table.ids, ranker.movie_ids))
    latest = np.sort(rows[np.argsort(-table.added_at[rows], kind="stable")[:MAX_COLD_ITEMS]])
    return ranker.cold_items(table.ids[latest], movie_features(table, latest.tolist()))
