"""Films like a film: by content, by what the model learned, and by what is watched after it; personal where asked."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import current_versions
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.concurrency import compute_slot
from recommender.serving.metrics import NotFound, instrumented
from recommender.serving.pipeline import active_ranker, is_active_model, load_viewer, open_context
from recommender.serving.request import RecommendRequest, Source
from recommender.serving.reranking import merchandising

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

CONTENT_WEIGHT, EMBEDDING_WEIGHT, TRANSITION_WEIGHT = (
    0.5,
    0.35,
    0.15,
)  # parts of the whole, where the model knows the film


class MovieNotFound(NotFound):
    """The catalogue has no such film."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarMovies:
    movie_ids: list[int]  # most similar first
    similarities: list[float]  # 0..1
    source: Source  # "model" or "content"
    model_version: str | None
    recommendation_id: str
    degraded: bool
    removal_counts: dict[str, int]  # reason -> films kept out for it


@instrumented
@compute_slot()
def find_similar(
    movie_id: int,
    top_k: int,
    age_limit: int | None = None,
    viewer_id: int | None = None,
    *,
    rules_override: Sequence[MerchandisingRule] | None = None,
) -> SimilarMovies:
    """The films most like this one that may be shown now, within the age limit (years); without those that the viewer
    has seen or turned down, where one is named; `trial`: these rules in place of those in force. Raises UnknownFilm."""
    query = RecommendRequest(viewer_id=viewer_id, top_k=top_k, age_limit=age_limit, rules_override=rules_override)
    sitting = open_context(query, current_versions.read_versions(viewer_id), "similar")
    films = sitting.eligibility.snapshot
    [row] = films.table.rows_of(np.array([movie_id]))
    if row < 0:
        raise MovieNotFound(f"There is no film {movie_id}.")
    who = load_viewer(sitting)
    ranker = active_ranker(sitting.cache_read)
    likeness, known = hybrid_similarity(films, ranker, int(row))
    allowed = sitting.eligibility.mask()
    barred = films.table.rows_of(np.append(who.seen_ids, movie_id))
    allowed[barred[barred >= 0]] = False
    rows = top_allowed(likeness, allowed, sitting.candidate_count)
    ids, values = films.table.ids[rows], likeness[rows]
    if sitting.rules is not None:
        barred = np.append(who.seen_ids, movie_id)
        ids, values = merchandising.apply_rules(
            sitting.rules, sitting.eligibility, RankedMovies(ids, values), barred, query
        )
        values = np.maximum(values, 0)
    return SimilarMovies(
        movie_ids=ids.tolist(),
        similarities=np.round(values.astype(np.float64), 4).tolist(),
        source="model" if known else "content",
        model_version=ranker.version if ranker is not None and known else None,
        recommendation_id=uuid.uuid4().hex,
        degraded=sitting.degraded or not is_active_model(ranker, sitting.cache_read),
        removal_counts=sitting.removal_counts(),
    )


def top_allowed(likeness: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    """Chooses the first k of the allowed films (bool [films]), as rows, the most alike first, then the lower id."""
    likeness = np.where(allowed, likeness, -1)
    last = np.partition(likeness, -k)[-k] if k < len(likeness) else 0  # all are not sorted for the first few
    near = np.flatnonzero(likeness >= max(last, 0))
    return near[np.argsort(-likeness[near], kind="stable")[:k]]


def hybrid_similarity(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> tuple[np.ndarray, bool]:
    """Computes how much each film is like the one at `row`, float32 [films], 0..1: by content and, where the model
    knows the film, by its parts beside; and whether it does."""
    movie_id = int(snapshot.table.ids[row])
    if ranker is None or ranker.columns_of(np.array([movie_id]))[0] < 0:
        return similarity_to_movie(snapshot, row), False
    rows = snapshot.rows_of_model(ranker)
    here = rows >= 0
    likeness = CONTENT_WEIGHT * similarity_to_movie(snapshot, row)
    likeness[rows[here]] += (
        EMBEDDING_WEIGHT * ranker.item_similarity(movie_id)[here]
        + TRANSITION_WEIGHT * ranker.successor_shares(movie_id)[here]
    )
    return likeness, True
