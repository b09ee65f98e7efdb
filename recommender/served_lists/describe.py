"""A served list as the API, an export and the admin tell of it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from recommender.models import ModelVersion, ServedList
from recommender.movies.movie_ids import movie_id_texts
from recommender.served_lists.entry import FLAGS, Films, served_at


def describe_lists(rows: Iterable[ServedList]) -> Iterator[dict[str, Any]]:
    """Yield what is recorded of each list, with films by the site's keys; all but its viewer."""
    models = dict(ModelVersion.objects.values_list("pk", "name"))
    for served in rows:
        yield _describe(served, models.get(served.model_id))


def _describe(served: ServedList, model: str | None) -> dict[str, Any]:
    films = Films.unpack(bytes(served.films))
    viewer_version, catalogue_version, epoch = films.versions
    scores = _numbers(films.scores, len(films.movie_ids))
    certain = [1.0] * len(films.movie_ids)
    propensities = certain if films.propensities is None else _numbers(films.propensities, len(films.movie_ids))
    texts = movie_id_texts(films.movie_ids.tolist())
    return {
        "recommendation_id": served.pk.hex,
        "served_at": served_at(served.pk),
        "surface": served.get_surface_display(),
        "row": served.row,
        "source": served.get_source_display(),
        "model_version": model,
        "degraded": bool(served.flags & FLAGS["degraded"]),
        "is_known_user": bool(served.flags & FLAGS["known_viewer"]),
        "merchandising": bool(served.flags & FLAGS["rules"]),
        "viewer_version": viewer_version,
        "catalogue_version": catalogue_version,
        "epoch": epoch,
        "seed": films.seed,
        "request": dict(served.request),
        "films": [
            {"movie_id": text, "position": position, "score": score, "propensity": propensity}
            for position, (text, score, propensity) in enumerate(zip(texts, scores, propensities, strict=True))
        ],
    }


def _numbers(values: np.ndarray | None, count: int) -> Sequence[float | None]:
    """Return values as JSON has them, rounded as answers are; None where there is none."""
    if values is None:
        return [None] * count
    return [value if math.isfinite(value) else None for value in np.round(values.astype(np.float64), 5).tolist()]
