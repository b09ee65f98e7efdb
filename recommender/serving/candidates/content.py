"""Candidates by content, for viewers of whose history the model knows nothing, and by liked genres, for new viewers."""

from collections.abc import Sequence

import numpy as np

from recommender.history import NEGATIVE_KINDS
from recommender.ml.data import Events
from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.indexes import segment_sums
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import version_of
from recommender.serving.candidates import charts
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies, top_rows

RECENT_MOVIES = 3  # of the history, to which similar ones are looked for


def popular_in_genres(
    eligibility: EligibilityFilter,
    k: int,
    exclude: np.ndarray,
    epoch: int,
    genres: Sequence[str],
    pool: int | None = None,
) -> RankedMovies:
    """Rank movies by popularity times the share of the liked genres that they have (0..1), the first k.

    Below them, from 0 down, come popular movies of other genres. `exclude`: movie ids. `pool`: how many of the most
    popular are looked at; None: all.
    """
    snapshot = eligibility.snapshot
    numbers, _ = snapshot.genre_index.lookup(genres)
    popular = charts.top_of_chart("popular", eligibility, pool or len(snapshot.table.ids), exclude, epoch)
    if not numbers:
        return popular.select(slice(k))
    liked = np.unique(numbers)
    share = segment_sums(snapshot.table.genre_start, np.isin(snapshot.table.genre_of, liked)) / len(liked)
    share = share[snapshot.table.rows_of(popular.movie_ids)]
    scores = np.where(share > 0, popular.scores * share, popular.scores - 1)
    order = np.lexsort((-share, -scores))[:k]  # stable: among equals the more popular, then the newer movie
    return RankedMovies(popular.movie_ids[order], scores[order].astype(np.float32))


def similar_to_history(
    eligibility: EligibilityFilter, k: int, exclude: np.ndarray, events: Events
) -> tuple[RankedMovies, np.ndarray]:
    """Rank movies by their mean similarity to the last ones of the history (0..1), the first k.

    Movies that have nothing in common with those are not listed. Returns the ids of the history's movies too.
    `exclude`: movie ids.
    """
    table, doubles = eligibility.snapshot.table, eligibility.snapshot.doubles
    last = last_rows(eligibility.snapshot, events)
    similarity = np.zeros(len(table.ids), np.float32)
    for row in last.tolist():
        similarity += content_similarity(eligibility.snapshot, row)
    similarity /= max(len(last), 1)
    allowed = eligibility.mask_without(exclude) & (similarity > 0)
    allowed[doubles.all_rows(last)] = False
    rows = top_rows(similarity, allowed, doubles.ranked_count(k))
    return RankedMovies(table.ids[rows], similarity[rows]).first_of_doubles(doubles, k), table.ids[last]


def last_rows(snapshot: CatalogueSnapshot, events: Events) -> np.ndarray:
    """Return the rows of the last movies of the history that were not turned down, in its order."""
    ids, kinds = events.movie_ids, events.kinds
    rows = snapshot.table.rows_of(ids if kinds is None else ids[~np.isin(kinds, NEGATIVE_KINDS)])
    return rows[rows >= 0][-RECENT_MOVIES:]


def content_similarity(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    """Return the similarity by content of every movie to the one at this row, float32 [movies], read-only."""
    return snapshot.cached_array(
        "content similarity", (row, version_of(snapshot)), lambda snapshot, _: similarity_to_movie(snapshot, row)
    )
