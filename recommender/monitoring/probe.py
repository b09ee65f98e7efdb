"""Asks a model that has just gone live for lists that nobody ordered: of viewers whom the server draws.

What clients ask for, with which filters, histories and viewers, says nothing about a model: they choose it. So each web
process asks its own ranker, a viewer a second within the first hour, and counts what comes of it. The viewers came
before the model was made, and are the same in every process; nothing is stored, and the embedding cache is passed by.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.utils import timezone

from catalog import selectors
from recommender import registry
from recommender.history import exclusions_from, has_known_movies, to_model_events
from recommender.models import ModelVersion
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions, metrics
from recommender.serving.candidates import model_scoring
from recommender.serving.filtering.eligibility import EligibilityFilter

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

WATCH_WINDOW = timedelta(hours=1)  # after the activation
SAMPLE_SIZE = 100  # drawn for a version
MIN_VIEWERS = 10  # with fewer nothing can be told from them
LIST_LENGTH = 20  # films of a list
REFRESH_SECONDS = 10.0  # before it is asked again which version is watched
PROBES = "asked"


class _Target(NamedTuple):
    version: str
    viewers: Sequence[int]


_target: _Target | None = None
_refreshed_at = float("-inf")  # monotonic seconds
_probe_count = 0


def probe_next_viewer() -> None:
    """Asks for the list of the next viewer and counts it; the watch of a web process calls this every second."""
    global _probe_count
    try:
        watch = _current_target()
        if watch is None:
            return
        ranker = registry.ranker(watch.version)
        if ranker is None or ranker.version != watch.version:
            return  # the heartbeat tells of it
        _probe_count += 1
        history = selectors.history(watch.viewers[_probe_count % len(watch.viewers)])
        fault = find_fault(ranker, history) if history is not None else None
    except selectors.DATABASE_ERRORS:
        return
    if fault is not None:
        metrics.increment(*(counter_name(watch.version, name) for name in (PROBES, fault) if name))


def counter_name(version: str, name: str) -> str:
    """The name in the tally."""
    return f"probe:{version}:{name}"


def sample_viewers(version: ModelVersion) -> list[int]:
    """Ids of viewers who had a history before the version was made, drawn by its name."""
    return selectors.sample_established_viewers(version.created_at, SAMPLE_SIZE, seed=version.name)


def fault_rate(ranker: "Ranker", viewers: Sequence[int]) -> float | None:
    """0..1, of the lists of these viewers; None where there is none to be made."""
    faults = [find_fault(ranker, history) for history in selectors.histories(viewers)]
    judged = [fault for fault in faults if fault is not None]
    return sum(map(bool, judged)) / len(judged) if judged else None


def find_fault(ranker: "Ranker", history: selectors.History) -> str | None:
    """What is wrong with the list that the model makes for this viewer, or nothing (""); None where no film is left
    that it could list. Raises OperationalError where Postgres is gone."""
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    gate = EligibilityFilter(films, int(time.time()), None, np.empty(0, np.int32), history.age_limit)
    events, seen = to_model_events(history), exclusions_from(history).movie_ids
    try:
        if not has_known_movies(events, ranker):
            return "knows no film of the viewer"
        left = int(np.count_nonzero(gate.vocabulary_mask(ranker) & ~np.isin(ranker.movie_ids, seen)))
        if not left:
            return None
        ranker.encode([events], [gate.now])
        [ranked] = model_scoring.top_by_model(ranker, ranker.encode([events]), LIST_LENGTH, gate, [seen])
    except (*selectors.DATABASE_ERRORS, MemoryError):
        raise
    except Exception as error:  # whatever a model can raise is what is looked for
        return f"raised {type(error).__name__}"
    if not np.isfinite(ranked.scores).all() or len(ranked.movie_ids) < min(LIST_LENGTH, left):
        return "ranked too few films"
    return "gave every film the same score" if len(ranked.scores) > 1 and not np.ptp(ranked.scores) else ""


def _current_target() -> _Target | None:
    """The active version within its first hour, where there are viewers to tell by."""
    global _target, _refreshed_at
    if time.monotonic() - _refreshed_at < REFRESH_SECONDS:
        return _target
    _refreshed_at = time.monotonic()
    active = ModelVersion.objects.filter(
        status=ModelVersion.Status.ACTIVE, activated_at__gt=timezone.now() - WATCH_WINDOW
    )
    version = active.first()
    if version is None:
        _target = None
    elif _target is None or _target.version != version.name:
        viewers = sample_viewers(version)
        _target = _Target(version.name, viewers) if len(viewers) >= MIN_VIEWERS else None
    return _target
