"""The part of the night that makes the neighbours of every movie, which `similar` reads."""

import logging
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from catalog import selectors
from recommender.cache import CacheUnavailable
from recommender.ml.co_liking import fit_co_liking
from recommender.ml.data import Tokens
from recommender.ml.neighbour_table import NeighbourLists
from recommender.movies import neighbours, text_vectors
from recommender.movies.snapshot import current_snapshot

log = logging.getLogger(__name__)


def make_neighbours(
    tokens: Tokens, movie_ids: np.ndarray, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> NeighbourLists | None:
    """Make the lists from the catalogue of now and the likes of the tokens, whose films are `movie_ids`. None for a
    catalogue that is too large for them: neighbours are computed then."""
    with suppress(CacheUnavailable):  # the texts as this process last read them do as well
        text_vectors.refresh()
    snapshot = current_snapshot(selectors.catalogue_and_epoch()[0])
    rows = snapshot.table.rows_of(movie_ids)
    years = np.where(rows >= 0, snapshot.table.year[rows], 0)
    lists = neighbours.make_lists(snapshot, movie_ids, fit_co_liking(tokens, years), on_progress)
    if lists is None:
        log.info("No neighbours are stored: the catalogue has over %d films", neighbours.MAX_MOVIES)
    return lists
