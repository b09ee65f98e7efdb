"""The movies most similar to each one: made once for all of them, kept with a model, read and brought up to date.

Similarity is what the catalogue says (`content_similarity`), and what the same people liked as the model's file of
neighbours has it. What movies share counts by how rare it was when the lists were made; a movie that has changed since,
or come, is compared anew with the one that is asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recommender.ml.neighbour_table import SIMILARITY_STEPS, NeighbourLists, NeighbourTable, place_type
from recommender.movies.content_similarity import content_evidence, similarity_from
from recommender.movies.fact_hashes import fact_hashes
from recommender.movies.snapshot import CatalogueSnapshot

if TYPE_CHECKING:
    from recommender.ml.co_liking import CoLiking

LIKED_WEIGHT = 0.4  # of being liked by the same people, beside the signals of content (docs/lab-log.md, 21)
MAX_NEIGHBOURS = 256  # of a movie: 200, and some to spare for those that a viewer does not get
MAX_CHANGED = 1 / 64  # of the movies: after more changes the lists are of another catalogue
MAX_MOVIES = 200_000  # for which lists are made: the work grows with the square
BLOCK_CELLS = 2_000_000  # pairs of movies that are compared at a time


class Neighbours(NamedTuple):
    """The movies most similar to one, the most similar first."""

    rows: np.ndarray  # int64 [n], published
    similarities: np.ndarray  # float32 [n], 0..1
    are_all: bool  # there is no other published movie


class StoredNeighbours:
    """A model's file of neighbours beside a catalogue: which of its movies are as they were."""

    def __init__(self, snapshot: CatalogueSnapshot, table: NeighbourTable) -> None:
        """Compare the facts of all movies."""
        self._snapshot, self._table = snapshot, table
        ids, published = snapshot.table.ids, snapshot.table.published
        count = max(len(table.movie_ids), 1)
        places = np.minimum(np.searchsorted(table.movie_ids, ids), count - 1)
        known = table.movie_ids[places] == ids if len(table.movie_ids) else np.zeros(len(ids), bool)
        same = known & (table.facts[places] == fact_hashes(snapshot)) if len(table.movie_ids) else known
        self._places = np.where(known, places, -1)
        self._is_same = same
        self._rows, self._same_rows = np.full(count, -1), np.full(count, -1)
        self._rows[places[known]] = np.flatnonzero(known)
        self._same_rows[places[same]] = np.flatnonzero(same)
        self.changed = np.flatnonzero(published & ~same)
        gone = len(table.movie_ids) - int(np.count_nonzero(same))
        self.hold = max(len(self.changed), gone) <= MAX_CHANGED * len(ids)

    def liked_with(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the movies that the same people liked, and the evidence in that, float32 [n]."""
        place = int(self._places[row])
        if place < 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        places, lifts = self._table.liked(place)
        rows = self._rows[places]
        return rows[rows >= 0], np.float32(LIKED_WEIGHT) * lifts[rows >= 0]

    def read(self, row: int) -> Neighbours | None:
        """Return the movies most similar to the one at `row`; None where they have to be computed."""
        if not self.hold or not self._is_same[row]:
            return None
        places, similarities = self._table.neighbours(int(self._places[row]))
        are_all, least = len(places) < self._table.length, similarities[-1] if len(places) else 0
        rows = self._same_rows[places]
        rows, similarities = rows[rows >= 0], similarities[rows >= 0]
        changed = self.changed
        if len(changed):
            newer = similarity_from(evidence(self._snapshot, row, self, changed))
            keep = newer >= (0 if are_all else least)  # whether more are below that nobody knows
            rows, similarities = np.append(rows, changed[keep]), np.append(similarities, newer[keep])
            order = np.lexsort((rows, -similarities))
            rows, similarities = rows[order], similarities[order]
        return Neighbours(rows, similarities, are_all)


def evidence(
    snapshot: CatalogueSnapshot, row: int, stored: StoredNeighbours | None, among: np.ndarray | None = None
) -> np.ndarray:
    """Return the evidence that movies, by default all, are like the one at `row`, float32 [n]."""
    found = content_evidence(snapshot, np.array([row]), slice(None) if among is None else among)[0]
    if stored is not None:
        rows, added = stored.liked_with(row)
        if among is not None:
            places = np.minimum(np.searchsorted(among, rows), max(len(among) - 1, 0))
            listed = among[places] == rows if len(among) else np.zeros(len(rows), bool)
            rows, added = places[listed], added[listed]
        found[rows] += added
    return found


def compute_neighbours(snapshot: CatalogueSnapshot, row: int, stored: StoredNeighbours | None) -> Neighbours:
    """Compare a movie with all others."""
    return _best(evidence(snapshot, row, stored), snapshot.table.published, row)


def _best(found: np.ndarray, published: np.ndarray, row: int) -> Neighbours:
    """Return the MAX_NEIGHBOURS published movies with the most evidence; among equals the lower row first."""
    found = np.where(published, found, -1)
    found[row] = -1
    least = np.partition(found, -MAX_NEIGHBOURS)[-MAX_NEIGHBOURS] if len(found) > MAX_NEIGHBOURS else 0
    rows = np.flatnonzero(found >= max(least, 0))
    rows = rows[np.argsort(-found[rows], kind="stable")]
    are_all = len(rows) < MAX_NEIGHBOURS
    rows = rows[:MAX_NEIGHBOURS]
    return Neighbours(rows, similarity_from(found[rows]), are_all)


def make_lists(
    snapshot: CatalogueSnapshot,
    movie_ids: np.ndarray,
    liked: "CoLiking",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> NeighbourLists | None:
    """Make the lists of all movies, block by block; None for a catalogue of more than MAX_MOVIES.

    `movie_ids`: int32 [N], of the columns of `liked`. `on_progress` gets the movies that are done, and all.
    """
    table, count = snapshot.table, len(snapshot.table.ids)
    if count > MAX_MOVIES:
        return None
    rows_of_columns = table.rows_of(movie_ids)
    owners = np.repeat(rows_of_columns, np.diff(liked.starts))
    others = rows_of_columns[liked.columns]
    listed = np.flatnonzero((owners >= 0) & (others >= 0))
    listed = listed[np.argsort(owners[listed], kind="stable")]
    others, lifts = others[listed].astype(place_type(count)), liked.lifts[listed]
    liked_starts = np.searchsorted(owners[listed], np.arange(count + 1))
    added = np.float32(LIKED_WEIGHT) * lifts.astype(np.float32)
    length = min(MAX_NEIGHBOURS, count)
    neighbours = np.full((count, length), count, place_type(count))
    similarities = np.zeros((count, length), np.uint16)
    step = max(1, BLOCK_CELLS // max(count, 1))
    for first in range(0, count, step):
        rows = np.arange(first, min(first + step, count))
        on_progress(first, count)
        for row, found in zip(rows.tolist(), content_evidence(snapshot, rows), strict=True):
            own = slice(*liked_starts[row : row + 2].tolist())
            found[others[own]] += added[own]
            best = _best(found, table.published, row)
            neighbours[row, : len(best.rows)] = best.rows
            similarities[row, : len(best.rows)] = np.rint(best.similarities * SIMILARITY_STEPS)
    return NeighbourLists(
        table.ids, fact_hashes(snapshot), neighbours, similarities, liked_starts.astype(np.int64), others, lifts
    )
