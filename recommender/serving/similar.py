"""Films like a film: by content, by what the model learned, and by what is watched after it; personal where asked."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import MerchandisingRule
from recommender.serving import merchandise, stamps
from recommender.serving.capacity import computing
from recommender.serving.eligibility import Catalogue
from recommender.serving.kinship import kinship
from recommender.serving.query import Query, Source
from recommender.serving.ranking import Ranked
from recommender.serving.recommend import active_ranker, asking, serves, sit
from recommender.serving.tally import NotThere, tallied

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

CONTENT, LEARNED, WATCHED_AFTER = 0.5, 0.35, 0.15  # parts of the whole, where the model knows the film


class UnknownFilm(NotThere):
    """The catalogue has no such film."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    movie_ids: list[int]  # most similar first
    similarities: list[float]  # 0..1
    source: Source  # "model" or "content"
    model_version: str | None
    recommendation_id: str
    degraded: bool
    removed: dict[str, int]  # reason -> films kept out for it


@tallied
@computing()
def similar(
    movie_id: int,
    top_k: int,
    age_limit: int | None = None,
    user_id: int | None = None,
    *,
    trial: Sequence[MerchandisingRule] | None = None,
) -> Neighbours:
    """The films most like this one that may be shown now, within the age limit (years); without those that the viewer
    has seen or turned down, where one is named; `trial`: these rules in place of those in force. Raises UnknownFilm."""
    query = Query(user_id=user_id, top_k=top_k, age_limit=age_limit, trial=trial)
    sitting = sit(query, stamps.look(user_id), "similar")
    films = sitting.gate.catalogue
    [row] = films.table.rows_of(np.array([movie_id]))
    if row < 0:
        raise UnknownFilm(f"There is no film {movie_id}.")
    who = asking(sitting)
    ranker = active_ranker(sitting.look)
    likeness, known = likeness_to(films, ranker, int(row))
    allowed = sitting.gate.films()
    barred = films.table.rows_of(np.append(who.seen, movie_id))
    allowed[barred[barred >= 0]] = False
    rows = first(likeness, allowed, sitting.pool)
    ids, values = films.table.ids[rows], likeness[rows]
    if sitting.rules is not None:
        barred = np.append(who.seen, movie_id)
        ids, values = merchandise.arranged(sitting.rules, sitting.gate, Ranked(ids, values), barred, query)
        values = np.maximum(values, 0)
    return Neighbours(
        movie_ids=ids.tolist(),
        similarities=np.round(values.astype(np.float64), 4).tolist(),
        source="model" if known else "content",
        model_version=ranker.version if ranker is not None and known else None,
        recommendation_id=uuid.uuid4().hex,
        degraded=sitting.degraded or not serves(ranker, sitting.look),
        removed=sitting.removed(),
    )


def first(likeness: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    """Chooses the first k of the allowed films (bool [films]), as rows, the most alike first, then the lower id."""
    likeness = np.where(allowed, likeness, -1)
    last = np.partition(likeness, -k)[-k] if k < len(likeness) else 0  # all are not sorted for the first few
    near = np.flatnonzero(likeness >= max(last, 0))
    return near[np.argsort(-likeness[near], kind="stable")[:k]]


def likeness_to(films: Catalogue, ranker: "Ranker | None", row: int) -> tuple[np.ndarray, bool]:
    """Computes how much each film is like the one at `row`, float32 [films], 0..1: by content and, where the model
    knows the film, by its parts beside; and whether it does."""
    movie_id = int(films.table.ids[row])
    if ranker is None or ranker.columns_of(np.array([movie_id]))[0] < 0:
        return kinship(films, row), False
    rows = films.rows_of(ranker)
    here = rows >= 0
    likeness = CONTENT * kinship(films, row)
    likeness[rows[here]] += (
        LEARNED * ranker.item_similarity(movie_id)[here] + WATCHED_AFTER * ranker.successor_shares(movie_id)[here]
    )
    return likeness, True
