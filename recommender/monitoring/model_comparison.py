"""The lists of some viewers under several models: what a change of model would mean for people."""

import time
from collections.abc import Sequence

import numpy as np

from catalog import selectors
from recommender import registry
from recommender.history import has_known_movies
from recommender.movies.snapshot import CatalogueSnapshot, current_snapshot
from recommender.serving import current_versions
from recommender.serving.candidates import model_scoring
from recommender.serving.concurrency import compute_slot
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.request import RecommendRequest
from recommender.serving.viewer import ViewerProfile, build_profile


def top_k_by_model(model_names: Sequence[str], viewer_ids: Sequence[int], k: int) -> dict[int, list[list[int]]]:
    """Viewer id -> a list of k film ids for each model: empty where it cannot be loaded or has nothing to go by. No
    list is stored, and a model that this process does not serve is not kept."""
    for name in model_names:
        registry.fetch_for_comparison(name)  # whoever waits for the store takes nobody's place
    return _compute_lists(model_names, viewer_ids, k)


@compute_slot()
def _compute_lists(model_names: Sequence[str], viewer_ids: Sequence[int], k: int) -> dict[int, list[list[int]]]:
    films = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
    who = [build_profile(RecommendRequest(viewer_id=one.viewer_id), one) for one in selectors.histories(viewer_ids)]
    by_model = [_lists_of_model(name, who, films, k) for name in model_names]
    return {one.viewer_id: [lists[n] for lists in by_model] for n, one in enumerate(who) if one.viewer_id is not None}


def _lists_of_model(model: str, who: Sequence[ViewerProfile], films: CatalogueSnapshot, k: int) -> list[list[int]]:
    ranker = registry.load_for_comparison(model)
    if ranker is None:
        return [[] for _ in who]
    found: list[list[int]] = []
    for one in who:
        if not has_known_movies(one.events, ranker):
            found.append([])
            continue
        gate = EligibilityFilter(films, int(time.time()), None, np.empty(0, np.int32), one.age_limit)
        state = ranker.encode([one.events])
        [best] = model_scoring.top_by_model(ranker, state, k, gate, [one.seen_ids])
        found.append(best.movie_ids.tolist())
    return found
