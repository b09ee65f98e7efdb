"""Probe a model that has just gone live: ask it for lists of viewers that the server samples.

What clients ask for, with which filters, histories and viewers, says nothing about a model: they choose it. So each web
process asks its own ranker, one viewer a second within the first hour, and counts the faults. The viewers had a history
before the model was made, and are the same in every process; nothing is stored, and the embedding cache is not used.
"""

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.utils import timezone

from catalog import selectors
from recommender import process_state, registry
from recommender.history import exclusions_from, has_known_movies, to_model_events
from recommender.models import ModelVersion
from recommender.serving import current_versions, metrics
from recommender.serving.candidates import model_scoring
from recommender.serving.filtering.eligibility import EligibilityFilter

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

WATCH_WINDOW = timedelta(hours=1)  # after the activation
SAMPLE_SIZE = 100  # viewers for each version
MIN_VIEWERS = 10  # with fewer, nothing can be concluded
LIST_LENGTH = 20  # movies
REFRESH_SECONDS = 10.0  # between two reads of which version is active
PROBES = "asked"  # counter of all probes, beside one for each fault


class _Target(NamedTuple):
    version: str
    viewers: Sequence[int]


_target: _Target | None = None
_refreshed_at = float("-inf")  # monotonic seconds
_probe_count = 0


def _forget_target() -> None:
    global _target, _refreshed_at, _probe_count
    _target, _refreshed_at, _probe_count = None, float("-inf"), 0


def _forget_viewers(viewer_ids: Collection[int]) -> None:
    global _target
    if (target := _target) is not None and not set(viewer_ids).isdisjoint(target.viewers):
        _target = target._replace(viewers=[viewer for viewer in target.viewers if viewer not in viewer_ids])


process_state.register("rollback guard: the version to probe and its viewers", _forget_target, _forget_viewers)


def probe_next_viewer() -> None:
    """Ask for the list of the next viewer and count the outcome. The model watcher calls this every second."""
    global _probe_count
    try:
        target = _current_target()
        if target is None or not target.viewers:
            return
        ranker = registry.ranker(target.version)
        if ranker is None or ranker.version != target.version:
            return  # the process's heartbeat reports that
        _probe_count += 1
        history = selectors.history(target.viewers[_probe_count % len(target.viewers)])
        fault = find_fault(ranker, history) if history is not None else None
    except selectors.DATABASE_ERRORS:
        return
    if fault is not None:
        metrics.increment(*(counter_name(target.version, name) for name in (PROBES, fault) if name))


def counter_name(version: str, name: str) -> str:
    """Return the name of a probe counter in the metrics."""
    return f"probe:{version}:{name}"


def sample_viewers(version: ModelVersion) -> list[int]:
    """Return ids of viewers who had a history before the version was made, sampled with its name as the seed."""
    return selectors.sample_established_viewers(version.created_at, SAMPLE_SIZE, seed=version.name)


def fault_rate(ranker: "Ranker", viewers: Sequence[int]) -> float | None:
    """Return the share of faulty lists of these viewers, 0..1; None where no list can be made."""
    outcomes = [find_fault(ranker, history) for history in selectors.histories(viewers)]
    faults = [fault for fault in outcomes if fault is not None]
    return sum(map(bool, faults)) / len(faults) if faults else None


def find_fault(ranker: "Ranker", history: selectors.History) -> str | None:
    """Return what is wrong with the list that the model makes for a viewer: "" where nothing is, None where no movie is
    left that it could list. Raises OperationalError where Postgres is away."""
    snapshot = current_versions.read_versions(None).load_snapshot()
    eligibility = EligibilityFilter(snapshot, int(time.time()), None, np.empty(0, np.int32), history.age_limit)
    eligibility = eligibility.in_country(history.country)
    events, seen = to_model_events(history), exclusions_from(history).with_doubles(snapshot.doubles).movie_ids
    try:
        if not has_known_movies(events, ranker):
            return "knows no film of the viewer"
        left = int(np.count_nonzero(eligibility.vocabulary_mask(ranker) & ~np.isin(ranker.movie_ids, seen)))
        if not left:
            return None
        ranker.encode([events], [eligibility.now])
        [ranked] = model_scoring.top_by_model(ranker, ranker.encode([events]), LIST_LENGTH, eligibility, [seen])
    except (*selectors.DATABASE_ERRORS, MemoryError):
        raise
    except Exception as error:  # whatever a model can raise is a fault
        return f"raised {type(error).__name__}"
    if not np.isfinite(ranked.scores).all() or len(ranked.movie_ids) < min(LIST_LENGTH, left - snapshot.doubles.extra):
        return "ranked too few films"
    return "gave every film the same score" if len(ranked.scores) > 1 and not np.ptp(ranked.scores) else ""


def _current_target() -> _Target | None:
    """Return the active version within its watch window and its sample; None where there are too few viewers."""
    global _target, _refreshed_at
    if time.monotonic() - _refreshed_at < REFRESH_SECONDS:
        return _target
    _refreshed_at = time.monotonic()
    active = ModelVersion.Status.ACTIVE
    version = ModelVersion.objects.filter(status=active, activated_at__gt=timezone.now() - WATCH_WINDOW).first()
    if version is None:
        _target = None
    elif _target is None or _target.version != version.name:
        viewers = sample_viewers(version)
        _target = _Target(version.name, viewers) if len(viewers) >= MIN_VIEWERS else None
    return _target
