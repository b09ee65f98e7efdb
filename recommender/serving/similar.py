"""Films like a film: neighbours that the model learned, or kinship by facts for a film that it does not know."""

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.serving import stamps
from recommender.serving.capacity import computing
from recommender.serving.eligibility import Catalogue, Gate, catalogue
from recommender.serving.query import Source
from recommender.serving.recommend import active_ranker, serves

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

GENRES_WEIGHT, PEOPLE_WEIGHT, YEAR_WEIGHT = 0.5, 0.35, 0.15
YEAR_SCALE = 15.0  # years apart at which the kinship of the time has fallen to 1/e


class UnknownFilm(Exception):
    """The catalogue has no such film."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    movie_ids: list[int]  # most similar first
    similarities: list[float]  # 0..1
    source: Source  # "model" or "content"
    model_version: str | None
    recommendation_id: str
    degraded: bool


@computing()
def similar(movie_id: int, top_k: int, age_limit: int | None = None) -> Neighbours:
    """The films most like this one that may be shown now, within the age limit (years). Raises UnknownFilm."""
    look = stamps.look(None)
    films = catalogue(look.stamps.catalogue or 0)
    [row] = films.table.places(np.array([movie_id]))
    if row < 0:
        raise UnknownFilm(f"There is no film {movie_id}.")
    gate = Gate(films, int(time.time()), None, np.array([movie_id]), age_limit)
    ranker = active_ranker(look)
    if ranker is not None and ranker.index(np.array([movie_id]))[0] >= 0:
        ids, values = _learned(ranker, gate, movie_id, top_k)
        source, version = "model", ranker.version
    else:
        ids, values = _by_content(films, int(row), gate, top_k)
        source, version = "content", None
    return Neighbours(
        movie_ids=ids.tolist(),
        similarities=np.round(values.astype(np.float64), 4).tolist(),
        source=source,  # type: ignore[arg-type]
        model_version=version,
        recommendation_id=uuid.uuid4().hex,
        degraded=not look.redis or not serves(ranker, look),
    )


def _learned(ranker: "Ranker", gate: Gate, movie_id: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    allowed = gate.vocabulary(ranker)
    allowed[ranker.index(gate.exclude)] = False
    return ranker.similar(movie_id, k, allowed)


def _by_content(films: Catalogue, row: int, gate: Gate, k: int) -> tuple[np.ndarray, np.ndarray]:
    table, likeness = films.table, kinship(films, row)
    allowed = gate.films()
    allowed[row] = False
    rows = np.flatnonzero(allowed)
    first = rows[np.lexsort((table.ids[rows], -likeness[rows]))[:k]]
    return table.ids[first], likeness[first]


def kinship(films: Catalogue, row: int) -> np.ndarray:
    """float [films], 0..1, of each film to that at `row`: shared genres and people (Jaccard) and nearness in time."""
    table = films.table
    years = np.abs(table.year.astype(np.int32) - int(table.year[row]))
    near = np.where((table.year > 0) & (table.year[row] > 0), np.exp(-years / YEAR_SCALE), 0.0)
    return np.asarray(
        GENRES_WEIGHT * _shared(table.genre_start, table.genre_of, row)
        + PEOPLE_WEIGHT * _shared(table.credit_start, table.credit_person, row)
        + YEAR_WEIGHT * near
    )


def _shared(starts: np.ndarray, entries: np.ndarray, row: int) -> np.ndarray:
    """float [films]: what each film has in common with the film at `row`, over what either of them has."""
    own = entries[starts[row] : starts[row + 1]]
    running = np.concatenate([[0], np.cumsum(np.isin(entries, own))])
    common = running[starts[1:]] - running[starts[:-1]]
    either = np.diff(starts) + len(own) - common
    return np.minimum(common / np.maximum(either, 1), 1.0)  # one person may stand on both sides of the camera
