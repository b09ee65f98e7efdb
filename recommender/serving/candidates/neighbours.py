"""Neighbours of a movie: by content, and by what the model learned."""

from typing import TYPE_CHECKING

import numpy as np

from recommender.movies.content_similarity import content_evidence, similarity_from
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.text_vectors import version_of
from recommender.serving.ranked_movies import top_rows

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

LEARNED_WEIGHT = 0.2  # of the model's vectors beside content: more agrees less with people (docs/lab-log.md, 21)
MAX_NEIGHBOURS = 100


def hybrid_similarity(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> tuple[np.ndarray, bool]:
    """Return how similar each movie is to the one at `row`, float32 [movies], 0..1, and whether the model knows that
    one.

    Similarity is of content alone where the model does not.
    """
    movie_id = int(snapshot.table.ids[row])
    evidence = content_evidence(snapshot, row)
    known = ranker is not None and ranker.columns_of(np.array([movie_id]))[0] >= 0
    if ranker is not None and known:
        rows = snapshot.rows_of_model(ranker)
        listed = rows >= 0
        evidence[rows[listed]] += LEARNED_WEIGHT * ranker.item_similarity(movie_id)[listed]
    return similarity_from(evidence, row), known


def neighbours_of(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> np.ndarray:
    """Return the rows of the published movies most similar to the one at `row`, the most similar first.

    They are the same for everyone and at every time, so that a movie whose window opens later is among them.
    """

    def compute() -> np.ndarray:
        similarity, _ = hybrid_similarity(snapshot, ranker, row)
        published = snapshot.table.published.copy()
        published[row] = False
        return top_rows(similarity, published, MAX_NEIGHBOURS)

    return snapshot.neighbour_cache.get(
        (row, ranker.version if ranker is not None else None, version_of(snapshot)), compute
    )
