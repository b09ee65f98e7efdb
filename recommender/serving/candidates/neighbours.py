"""Neighbours of a movie: from the shelf of the model's folder, computed where it has no such list."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from recommender.movies import neighbours
from recommender.movies.neighbours import Neighbours, StoredNeighbours
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import version_of
from recommender.serving.ranked_movies import top_rows

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

ROW_NEIGHBOURS = 100  # of a movie that a row of the home page is about

log = logging.getLogger(__name__)


def shelved_movies(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> Neighbours | None:
    """Return the published movies most similar to the one at `row` as the model's folder has them, the most similar
    first; None where they have to be computed.

    They are the same for everyone and at every time, so that a movie whose window opens later is among them.
    """
    stored = stored_neighbours(snapshot, ranker)
    try:
        return stored.read(row) if stored is not None else None
    except OSError as error:  # the folder was deleted or cut; the next model brings another
        log.warning("Neighbours are computed, as those of the model cannot be read: %s", error)
        return None


def nearest_movies(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> Neighbours:
    """Return the same as `shelved_movies`; computed, and kept with the catalogue, where they are on no shelf."""
    if (found := shelved_movies(snapshot, ranker, row)) is not None:
        return found
    stored = stored_neighbours(snapshot, ranker)

    def compute() -> Neighbours:
        try:
            return neighbours.compute_neighbours(snapshot, row, stored)
        except OSError:  # see above: by content alone
            return neighbours.compute_neighbours(snapshot, row, None)

    return snapshot.neighbour_cache.get((row, ranker.version if ranker else None, version_of(snapshot)), compute)


def most_similar(
    snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int, allowed: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the k allowed movies (bool [movies]) most similar to the one at `row`, and their
    similarities, float32 [k], from a comparison with all of them."""
    try:
        found = neighbours.evidence(snapshot, row, stored_neighbours(snapshot, ranker))
    except OSError:  # as above
        found = neighbours.evidence(snapshot, row, None)
    rows = top_rows(found, allowed, k)
    return rows, neighbours.similarity_from(found[rows])


def neighbours_of(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> np.ndarray:
    """Return the rows of the first of the `nearest_movies`, as many as a row of the home page is made from."""
    return nearest_movies(snapshot, ranker, row).rows[:ROW_NEIGHBOURS]


def stored_neighbours(snapshot: CatalogueSnapshot, ranker: "Ranker | None") -> StoredNeighbours | None:
    """Return the model's neighbours beside this catalogue; None where the model has none."""
    if ranker is None or ranker.neighbours is None:
        return None
    table = ranker.neighbours
    return snapshot.stored_neighbours.get(
        (ranker.version, version_of(snapshot)), lambda: StoredNeighbours(snapshot, table)
    )
