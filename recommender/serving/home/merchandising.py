"""Merchandising rules on the rows of a home page."""

from collections.abc import Mapping, Sequence

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.home.rows import CandidateRow
from recommender.serving.reranking.merchandising import active_rules, shifted_order

PinnedMovies = Mapping[str, Sequence[tuple[int, int]]]  # row's key -> (position from 0, row of the table), by position
SURFACE_OF_KIND = {  # kinds of rows that are not a surface of their own
    "trending_for_you": "trending",
    "popular_genre": "genre",
    "director": "people",
    "actor": "people",
}


def apply_to_home_rows(
    snapshot: CatalogueSnapshot,
    rows: Sequence[CandidateRow],
    allowed: np.ndarray,
    now: int,
    rules_override: Sequence[MerchandisingRule] | None,
) -> PinnedMovies:
    """Move the movies of each row and take out those that are excluded from it. Returns what is pinned.

    `allowed` bool [movies]: what the viewer may be shown. A movie may be pinned to several rows, which is what a rule
    for every list says; the page shows it in the first.
    """
    pinned: dict[str, list[tuple[int, int]]] = {}
    for row in rows if (snapshot.table.merchandising_rules if rules_override is None else rules_override) else ():
        rules = active_rules(snapshot, f"home:{SURFACE_OF_KIND.get(row.kind, row.kind)}", now, rules_override)
        if rules is None:
            continue
        if rules.excluded is not None:
            row.rows = row.rows[~rules.excluded[row.rows]]
        row.rows = row.rows[shifted_order(rules.shift, row.rows)]
        for pin in rules.pins:
            if not pin.is_single_movie:
                choices = row.rows[np.isin(row.rows, pin.rows)]
            else:
                choices = pin.rows[allowed[pin.rows]]
                if row.topic is not None:  # a row of a genre, a person or a watched movie takes what it is about
                    choices = choices[np.isin(choices, row.topic)]
            taken = {movie for _, movie in pinned.get(row.key, [])}
            movie = next((movie for movie in choices.tolist() if movie not in taken), None)
            if movie is not None:
                pinned.setdefault(row.key, []).append((pin.position, movie))
    return pinned
