"""The hook of the log of served lists: what is recorded of a list that goes to a client."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from recommender import served_lists
from recommender.models import ServedList
from recommender.served_lists.entry import Films, ServedEntry, request_json
from recommender.serving.context import RequestContext
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Source
from recommender.serving.viewer import ViewerProfile

SOURCES = {source.label: int(source) for source in ServedList.Source}
DEFAULTS = RecommendRequest(viewer_id=None)
# What a record says of a call, by the names of RecommendRequest; its filters and its page come beside them.
RECORDED = (
    *("top_k", "final_k", "exclude", "seen", "liked_genres", "age_limit", "country", "requested_at"),
    *("diversity", "explain"),
)


def log_list(
    list_id: str,
    context: RequestContext,
    viewer: ViewerProfile,
    movies: RankedMovies,
    source: Source,
    model_version: str | None,
    *,
    row: str = "",
    about: str = "",
) -> None:
    """Note for the log what a list is that goes to a client. `row`: key of a home page's row. `about`: the film that it
    is like. A page that is repeated is no new list."""
    number = UUID(list_id)
    is_repeated = context.request.page is not None and context.request.page.made is not None
    if is_repeated or not served_lists.is_collecting() or not served_lists.is_logged(number):
        return
    request, versions = context.request, context.cache_read.versions
    is_group = bool(request.viewer_ids)
    flags = served_lists.FLAGS
    version = viewer.version if viewer.stored_list is None else viewer.stored_list.viewer_version
    served_lists.note(
        ServedEntry(
            list_id=number.bytes,
            viewer_id=0 if is_group else viewer.viewer_id or request.viewer_id or 0,
            surface=int(ServedList.Surface.GROUP) if is_group else 0,
            source=SOURCES.get(source, 0),
            flags=context.degraded * flags["degraded"]
            | viewer.exists * flags["known_viewer"]
            | (context.rules is not None) * flags["rules"],
            arm_id=0,
            model=model_version or "",
            row=row,
            request=request_json(_asked(request, about)),
            films=Films(
                movies.movie_ids, movies.scores, None, (version, versions.catalogue, versions.epoch), None
            ).pack(),
        )
    )


def _asked(request: RecommendRequest, about: str) -> dict[str, Any]:
    """Return what a call asked for beyond the defaults, as JSON values."""
    asked: dict[str, Any] = {"about": about} if about else {}
    for name in RECORDED:
        value = getattr(request, name)
        if value and value != getattr(DEFAULTS, name):
            asked[name] = _as_texts(value) if name == "exclude" else value
    if request.history:
        asked["history"] = list(request.posted_texts)
    if filters := request.filters.as_dict():
        asked["filters"] = filters
    if request.page is not None and request.page.number:
        asked["page"] = request.page.number
    if request.viewer_ids:
        asked["members"] = [viewer_id for viewer_id in request.viewer_ids if viewer_id is not None]
    return asked


def _as_texts(movie_ids: Sequence[Any]) -> list[str]:
    return [str(movie) for movie in movie_ids]


def row_movies(movie_ids: np.ndarray, scores: np.ndarray) -> RankedMovies:
    """Return a row of a home page with the model's scores, NaN where it has none."""
    return RankedMovies(movie_ids, np.where(np.isfinite(scores), scores, np.nan).astype(np.float32))
