"""Computes a served list again, as of then, by the functions that serve lists.

Kept of then are the request, the model and the clock; the history is put together from the events that had arrived.
Not kept are the catalogue with its rules as it was, the counts of what was popular, and the settings and the code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from catalog import selectors
from recommender import registry
from recommender.cache import Versions
from recommender.models import ModelVersion, ServedList
from recommender.movies import popularity_counts
from recommender.movies.movie_ids import parse_movie_ids
from recommender.served_lists.entry import FLAGS, Films, first_id, served_at
from recommender.serving import current_versions, metrics
from recommender.serving.bulk import recommend_many
from recommender.serving.candidates.charts import chart_stamps
from recommender.serving.chart import recommend_chart
from recommender.serving.context import load_viewer, open_context
from recommender.serving.current_versions import Moment
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.group import merge_viewers
from recommender.serving.pipeline import recommend
from recommender.serving.ranked_movies import NO_MOVIES, RankedMovies
from recommender.serving.replay.comparison import Difference, Moved, Reason, Verdict, compare
from recommender.serving.request import Filters, NewFilmPlace, RecommendRequest, Rival
from recommender.serving.similar import MovieNotFound, find_similar
from recommender.serving.viewer import build_profile

CHARTS = {
    ServedList.Surface.POPULAR: "popular",
    ServedList.Surface.TRENDING: "trending",
    ServedList.Surface.LATEST: "latest",
}
CHART_LAG = 360  # seconds for which a process may go by older counts or charts than Redis has
MAX_CUTS = 16  # states of a history that are tried, the newest first
FORMER = -1  # version of a history that is put together again


class Replay(NamedTuple):
    """A served list, the same computed again, and what became of it."""

    list_id: str
    difference: Difference
    served: RankedMovies
    again: RankedMovies | None  # None: it was not computed
    left_out: int  # events of the viewer that arrived after it


class _CannotReplay(Exception):
    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def replay(served: ServedList, *, models: Sequence[str] | None = None) -> Replay:
    """Compute a served list again and compare. `models`: those that may be loaded; None: any that is still there.

    Raises OperationalError.
    """
    films = Films.unpack(bytes(served.films))
    scores = np.zeros(len(films.movie_ids), np.float32) if films.scores is None else films.scores
    as_served = RankedMovies(films.movie_ids, scores)
    try:
        with metrics.suppress_metrics():
            difference, again, left_out = _compute_and_compare(served, films, as_served, models)
    except _CannotReplay as obstacle:
        difference = Difference(Verdict.NOT_COMPUTED, [(obstacle.reason, str(obstacle))])
        return Replay(served.pk.hex, difference, as_served, None, 0)
    return Replay(served.pk.hex, difference, as_served, again, left_out)


def _compute_and_compare(
    served: ServedList, films: Films, as_served: RankedMovies, models: Sequence[str] | None
) -> tuple[Difference, RankedMovies, int]:
    """Compute the list with the history as of then; of several states of it that may be right, the one that fits."""
    request = _request_of(served, films)
    model = _model_of(served, models)
    catalogue, epoch = selectors.catalogue_and_epoch()
    versions, at = Versions(model, epoch, catalogue, None), served_at(served.pk)
    first: tuple[Difference, RankedMovies, int] | None = None
    for histories, left_out in _former_histories(served, films):
        with current_versions.as_of(Moment(versions, int(at.timestamp()), histories)):
            again = _compute(served, request)
            eligibility, has_rules = _eligibility(served, request)
        difference = compare(as_served, again, eligibility, _moved(served, films, eligibility, has_rules=has_rules))
        first = first or (difference, again, left_out)
        if difference.verdict == Verdict.SAME:
            return difference, again, left_out
    assert first is not None
    return first


def list_as_then(served: ServedList, model: str) -> RankedMovies:
    """Compute the list that another model would have served to the same call, by the history of then; empty where it
    cannot be told."""
    films = Films.unpack(bytes(served.films))
    at, (catalogue, epoch) = served_at(served.pk), selectors.catalogue_and_epoch()
    try:
        with metrics.suppress_metrics():
            request = replace(_request_of(served, films), seed=None, rival=None, new_film=None)
            histories, _ = next(_former_histories(served, films))
            with current_versions.as_of(
                Moment(Versions(model, epoch, catalogue, None), int(at.timestamp()), histories)
            ):
                return _compute(served, request)
    except _CannotReplay:
        return NO_MOVIES


def _model_of(served: ServedList, models: Sequence[str] | None) -> str | None:
    """Return the model that made the list, or the active one where none did. Raises _CannotReplay."""
    if not served.model_id:
        return registry.active_name()
    version = ModelVersion.objects.filter(pk=served.model_id).first()
    if version is None:
        raise _CannotReplay(Reason.MODEL_GONE, "Its model is not registered any more.")
    if version.data_set != selectors.data_set():
        raise _CannotReplay(Reason.DATA_REPLACED, f"Ids meant other films when {version.name} was trained.")
    if models is not None and version.name not in models:
        raise _CannotReplay(
            Reason.MODEL_GONE, f"{version.name} is not the active model: run manage.py replay {served.pk.hex}."
        )
    ranker = registry.ranker(version.name)
    if ranker is None or ranker.version != version.name:
        why = version.reason if version.status == ModelVersion.Status.REFUSED else "its folder cannot be used here."
        raise _CannotReplay(Reason.MODEL_GONE, f"{version.name}: {why}")
    return version.name


def _request_of(served: ServedList, films: Films) -> RecommendRequest:
    """Return the request of a list, as far as films depend on it. Raises _CannotReplay."""
    asked: dict[str, Any] = dict(served.request)
    if served.flags & FLAGS["degraded"]:
        raise _CannotReplay(Reason.PART_DOWN, "Redis, Postgres or the model did not answer when it was made.")
    if served.surface == ServedList.Surface.HOME:
        raise _CannotReplay(Reason.HOME_ROW, "Its films depend on the other rows, whose charts of then are not kept.")
    if "left_out" in asked:
        raise _CannotReplay(Reason.REQUEST_LEFT_OUT, "Its history or its films to exclude were too many to keep.")
    shown = _shown_before(served) if asked.get("page") else []
    return RecommendRequest(
        viewer_id=served.viewer_id or None,
        viewer_ids=asked.get("members", ()),
        history=parse_movie_ids(asked.get("history", ())),
        top_k=asked.get("top_k", RecommendRequest(viewer_id=None).top_k),
        final_k=asked.get("final_k"),
        filters=Filters(**asked.get("filters", {})),
        exclude=[*parse_movie_ids(asked.get("exclude", ())), *shown],
        seen=asked.get("seen", "exclude"),
        liked_genres=asked.get("liked_genres", ()),
        age_limit=asked.get("age_limit"),
        country=asked.get("country", ""),
        requested_at=asked.get("requested_at"),
        diversity=asked.get("diversity", 0.0),
        freshness=asked.get("freshness", 0.0),
        seed=None if films.pool is None else films.seed,
        rival=_rival_of(asked, films),
        new_film=NewFilmPlace(*asked["new_film"]) if "new_film" in asked else None,
    )


def _rival_of(asked: Mapping[str, Any], films: Films) -> Rival | None:
    """Return the way of ranking that shared the list. Raises _CannotReplay where it was a model that is gone."""
    rival = asked.get("rival")
    if rival is None or films.seed is None:
        return None
    if not isinstance(rival, str):
        return Rival(films.seed, rival)
    if registry.get_or_load(rival) is None:
        raise _CannotReplay(Reason.MODEL_GONE, f"{rival}, which shared the list, is gone.")
    return Rival(films.seed, model=rival)


def _shown_before(served: ServedList) -> list[int]:
    """Return the films of the pages before: of the viewer's newest lists that asked for the same, one for each page.

    Raises _CannotReplay.
    """
    asked, found = dict(served.request), list[int]()
    page, before = int(asked.pop("page")), served.pk
    since = first_id(served_at(served.pk) - timedelta(hours=12))
    for number in range(page - 1, -1, -1):
        request = asked | ({"page": number} if number else {})
        same = ServedList.objects.filter(
            viewer_id=served.viewer_id, surface=served.surface, request=request, pk__gte=since, pk__lt=before
        )
        former = same.order_by("-pk").first() if served.viewer_id else None
        if former is None:
            raise _CannotReplay(Reason.REQUEST_LEFT_OUT, "It is a later page, and the pages before are not recorded.")
        found += Films.unpack(bytes(former.films)).movie_ids.tolist()
        before = former.pk
    return found


def _former_histories(served: ServedList, films: Films) -> Iterator[tuple[dict[int, selectors.History], int]]:
    """Yield the histories that the list may be of, the most likely first, with how many events each leaves out.

    One, where the viewer's version is still the same. Else without what arrived since, which ids tell in part: first as
    much as may have been there, then less. Raises _CannotReplay for a viewer who is gone.
    """
    at = served_at(served.pk)
    members = served.request.get("members", ())
    if members:
        histories = {member: _at_moment(selectors.former_history(member, at, 2**62)) for member in members}
        yield {member: history for member, history in histories.items() if history is not None}, 0
        return
    if not served.viewer_id:
        yield {}, 0
        return
    now = selectors.history(served.viewer_id)
    if now is None and served.flags & FLAGS["known_viewer"]:
        raise _CannotReplay(Reason.VIEWER_GONE, "The viewer has been erased.")
    if now is None:
        yield {}, 0
        return
    if now.version == films.versions[0]:
        yield {served.viewer_id: now._replace(version=FORMER)}, 0
        return
    ids = selectors.arrivals(served.viewer_id, at)
    ends = [2**62, *ids[::-1].tolist()] if films.versions[0] is not None else [2**62]
    ends[:1] = [int(ids[-1]) + 1] if len(ids) else [0]
    for left_out, end in enumerate(ends[:MAX_CUTS]):
        history = _at_moment(selectors.former_history(served.viewer_id, at, end))
        yield ({} if history is None else {served.viewer_id: history}), left_out


def _at_moment(history: selectors.History | None) -> selectors.History | None:
    return None if history is None else history._replace(version=FORMER)


def _compute(served: ServedList, request: RecommendRequest) -> RankedMovies:
    """Compute the list, inside `as_of`. Raises _CannotReplay."""
    surface = ServedList.Surface(served.surface)
    if surface == ServedList.Surface.SIMILAR:
        return _similar(served, request)
    if surface == ServedList.Surface.BATCH:
        [answer] = recommend_many([request])
    elif surface in CHARTS:
        personal = served.source == ServedList.Source.TRENDING_FOR_YOU
        answer = recommend_chart(request, CHARTS[surface], personal=personal)  # type: ignore[arg-type]
    else:
        answer = recommend(request)
    movies = answer.recommendations
    return RankedMovies(
        np.array([movie.movie_id for movie in movies], np.int32),
        np.array([movie.score for movie in movies], np.float32),
    )


def _similar(served: ServedList, request: RecommendRequest) -> RankedMovies:
    about = int(served.request["about"])
    try:
        found = find_similar(
            about,
            request.top_k,
            request.age_limit,
            request.viewer_id,
            country=request.country,
            seen=request.seen,
        )
    except MovieNotFound as error:
        raise _CannotReplay(Reason.FILM_GONE, str(error)) from error
    return RankedMovies(np.array(found.movie_ids, np.int32), np.array(found.similarities, np.float32))


def _eligibility(served: ServedList, request: RecommendRequest) -> tuple[EligibilityFilter, bool]:
    """Return what may be listed in such a list by the catalogue of now, and whether rules hold; inside `as_of`."""
    surfaces = {**CHARTS, ServedList.Surface.SIMILAR: "similar"}
    context = open_context(request, surfaces.get(ServedList.Surface(served.surface), "recommend"))
    if not request.viewer_ids:
        return context.eligible_for(load_viewer(context)), context.rules is not None
    histories = current_versions.read_histories(list(filter(None, request.viewer_ids)))
    doubles, nobody = context.snapshot.doubles, RecommendRequest(viewer_id=None)
    group = merge_viewers([build_profile(nobody, one, doubles) for one in histories], histories)
    return context.eligible_for(group), context.rules is not None


def _moved(served: ServedList, films: Films, eligibility: EligibilityFilter, *, has_rules: bool) -> Moved:
    """Return what has moved since the list was made, as far as the list depends on it."""
    table, at = eligibility.snapshot.table, int(served_at(served.pk).timestamp())
    made_at = films.made_at or at
    _, catalogue, epoch = films.versions
    others: list[tuple[Reason, str]] = []
    had_rules = bool(served.flags & FLAGS["rules"])
    if had_rules != has_rules or any(rule.changed_at > made_at for rule in table.merchandising_rules):
        others.append((Reason.RULES_CHANGED, "A rule was made, changed or deleted since; rules of then are not kept."))
    if _has_other_history(served, films):
        text = "The history was written to since, and what was deleted or merged is not kept."
        others.append((Reason.HISTORY_CHANGED, text))
    if _counts_moved(served, made_at, epoch):
        others.append((Reason.COUNTS_MOVED, "What is popular was counted anew since; counts of then are not kept."))
    is_moved = catalogue is not None and catalogue != table.version
    return Moved(table.ids[table.added_at > made_at].tolist(), is_moved, others)


def _has_other_history(served: ServedList, films: Films) -> bool:
    if served.request.get("members"):
        return True  # their versions are not recorded
    if not served.viewer_id:
        return False
    return selectors.viewer_versions([served.viewer_id]).get(served.viewer_id) != films.versions[0]


def _counts_moved(served: ServedList, made_at: int, epoch: int | None) -> bool:
    """Say whether the counts or charts that the list was made of may be others by now."""
    now = selectors.catalogue_and_epoch()[1]
    if served.surface == ServedList.Surface.LATEST:
        return False
    charts = max(stamp.made_at for stamp in chart_stamps(now))
    if not served.model_id or served.source in (ServedList.Source.POPULAR, ServedList.Source.TRENDING):
        return charts >= made_at - CHART_LAG
    version = ModelVersion.objects.get(pk=served.model_id)
    ranker = registry.ranker(version.name)
    counts = popularity_counts.counts_stamp()[0]
    uses_counts = ranker is not None and (ranker.ensemble is not None or ranker.new_film_term is not None)
    return uses_counts and (not counts or counts >= made_at - CHART_LAG)
