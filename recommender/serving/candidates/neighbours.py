"""Neighbours of a movie: by content, by what the model learned, and by what is watched after it."""

from typing import TYPE_CHECKING

import numpy as np

from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.ranked_movies import top_rows

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

CONTENT_WEIGHT, EMBEDDING_WEIGHT, TRANSITION_WEIGHT = 0.5, 0.35, 0.15  # where the model knows the movie
MAX_NEIGHBOURS = 100


def hybrid_similarity(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> tuple[np.ndarray, bool]:
    """Return how similar each movie is to the one at `row`, float32 [movies], 0..1, and whether the model knows that
    one.

    Similarity is of content alone where the model does not.
    """
    movie_id = int(snapshot.table.ids[row])
    content = similarity_to_movie(snapshot, row)
    if ranker is None or ranker.columns_of(np.array([movie_id]))[0] < 0:
        return content, False
    rows = snapshot.rows_of_model(ranker)
    listed = rows >= 0
    similarity = CONTENT_WEIGHT * content
    similarity[rows[listed]] += (
        EMBEDDING_WEIGHT * ranker.item_similarity(movie_id)[listed]
        + TRANSITION_WEIGHT * ranker.successor_shares(movie_id)[listed]
    )
    return similarity, True


def neighbours_of(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> np.ndarray:
    """Return the rows of the published movies most similar to the one at `row`, the most similar first.

    They are the same for everyone and at every time, so that a movie whose window opens later is among them.
    """

    def compute() -> np.ndarray:
        similarity, _ = hybrid_similarity(snapshot, ranker, row)
        published = snapshot.table.published.copy()
        published[row] = False
        return top_rows(similarity, published, MAX_NEIGHBOURS)

    return snapshot.neighbour_cache.get((row, ranker.version if ranker is not None else None), compute)
