"""The hook of the log of served lists: what is recorded of a list that goes to a client."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from recommender import served_lists
from recommender.models import ServedList
from recommender.served_lists.entry import Films, ServedEntry, request_json
from recommender.serving.context import RequestContext
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.request import NewFilmPlace, RecommendRequest
from recommender.serving.reranking.exploration import Draw
from recommender.serving.reranking.interleaving import Mix
from recommender.serving.response import Source
from recommender.serving.viewer import ViewerProfile

SOURCES = {source.label: int(source) for source in ServedList.Source}
# What a record says of a call, by the names of RecommendRequest; its filters and its page come beside them.
RECORDED = (
    *("top_k", "final_k", "exclude", "seen", "liked_genres", "age_limit", "country", "requested_at"),
    *("diversity", "freshness", "explain"),
)
_recorded_of = attrgetter(*RECORDED)
_DEFAULTS = _recorded_of(RecommendRequest(viewer_id=None))


def log_list(
    list_id: str,
    context: RequestContext,
    viewer: ViewerProfile,
    movies: RankedMovies,
    source: Source,
    model_version: str | None,
    *,
    about: str = "",
) -> None:
    """Note for the log what a list is that goes to a client. `about`: the film that it is like. A page that is repeated
    is no new list."""
    if context.request.page is not None and context.request.page.made is not None:
        return
    request, versions, stored_list = context.request, context.cache_read.versions, context.cache_read.stored_list
    version = viewer.version if viewer.stored_list is None else viewer.stored_list.viewer_version
    _note(
        list_id,
        request,
        movies,
        source,
        model_version,
        viewer_id=0 if request.viewer_ids else viewer.viewer_id or request.viewer_id or 0,
        versions=(version, versions.catalogue, versions.epoch),
        flags=flags_of(
            degraded=context.degraded,
            known_viewer=viewer.exists,
            rules=context.rules is not None,
            sampled=context.draw is not None,
            interleaved=context.mix is not None,
        ),
        about=about,
        draw=context.draw,
        mix=context.mix,
        new_film=context.new_film,
        made_at=stored_list.made_at if source == "cache" and stored_list is not None else None,
    )


def log_row(
    list_id: str,
    request: RecommendRequest,
    row: str,
    movies: RankedMovies,
    source: Source,
    model_version: str | None,
    *,
    viewer_id: int,
    versions: Sequence[int | None],
    flags: int,
) -> None:
    """Note for the log what a row of a home page is that goes to a client. `row`: its key. `versions`: of the viewer,
    the catalogue and the epoch."""
    _note(list_id, request, movies, source, model_version, viewer_id=viewer_id, versions=versions, flags=flags, row=row)


def flags_of(**facts: bool) -> int:
    """Return what the log keeps of facts by their names in FLAGS."""
    return sum(served_lists.FLAGS[name] * fact for name, fact in facts.items())


def _note(
    list_id: str,
    request: RecommendRequest,
    movies: RankedMovies,
    source: Source,
    model_version: str | None,
    *,
    viewer_id: int,
    versions: Sequence[int | None],
    flags: int,
    row: str = "",
    about: str = "",
    made_at: int | None = None,
    draw: Draw | None = None,
    mix: Mix | None = None,
    new_film: NewFilmPlace | None = None,
) -> None:
    seed = request.seed if draw is not None else None
    if mix is not None and request.rival is not None:
        seed = request.rival.seed
    if not served_lists.is_collecting():
        return
    promoted = {} if new_film is None else {"new_film": list(new_film)}
    served_lists.note(
        ServedEntry(
            list_id=bytes.fromhex(list_id),
            viewer_id=viewer_id,
            surface=int(ServedList.Surface.GROUP) if request.viewer_ids else 0,
            source=SOURCES.get(source, 0),
            flags=flags,
            arm_id=request.arm_id,
            model=model_version or "",
            row=row,
            request=request_json(_asked(request, about) | _shared(request, mix) | promoted),
            films=Films(
                movies.movie_ids,
                movies.scores,
                None if draw is None else draw.propensities,
                tuple(versions),
                seed,
                made_at,
                None if draw is None else draw.pool,
            ).pack(),
        )
    )


def _asked(request: RecommendRequest, about: str) -> dict[str, Any]:
    """Return what a call asked for beyond the defaults, as JSON values."""
    asked: dict[str, Any] = {"about": about} if about else {}
    for name, value, default in zip(RECORDED, _recorded_of(request), _DEFAULTS, strict=True):
        if value != default and value not in ((), []):
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


def _shared(request: RecommendRequest, mix: Mix | None) -> dict[str, Any]:
    """Return which way of ranking chose each film of an interleaved list: 1 is the rival."""
    if mix is None or request.rival is None:
        return {}
    return {"rival": request.rival.name, "teams": "".join("01"[own] for own in mix.of_rival.tolist())}


def _as_texts(movie_ids: Sequence[Any]) -> list[str]:
    return [str(movie) for movie in movie_ids]
