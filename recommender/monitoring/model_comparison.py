"""Compute the lists of some viewers under several models, to show what a change of model would mean for people."""

import time
from collections.abc import Sequence

import numpy as np

from catalog import selectors
from recommender import registry
from recommender.history import has_known_movies
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates import model_scoring
from recommender.serving.concurrency import COMPUTING, PATIENCE
from recommender.serving.current_versions import read_versions
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.request import RecommendRequest
from recommender.serving.viewer import ViewerProfile, build_profile


def top_k_by_model(model_names: Sequence[str], viewer_ids: Sequence[int], k: int) -> dict[int, list[list[int]]]:
    """Return for each viewer id a list of k movie ids under each model, in the order of `model_names`.

    A list is empty where the model cannot be loaded, or knows no movie of the viewer's history. No list is stored, and
    a model that this process does not serve is not kept in memory. Raises Overloaded.
    """
    for name in model_names:
        registry.fetch_for_comparison(name)  # before a compute slot is taken: fetching may wait for the model store
    return _compute_lists(model_names, viewer_ids, k)


@COMPUTING.slot(PATIENCE)
def _compute_lists(model_names: Sequence[str], viewer_ids: Sequence[int], k: int) -> dict[int, list[list[int]]]:
    snapshot = read_versions(None).load_snapshot()
    viewers = {
        history.viewer_id: build_profile(RecommendRequest(viewer_id=history.viewer_id), history, snapshot.doubles)
        for history in selectors.histories(viewer_ids)
    }
    lists_by_model = [_lists_of_model(name, list(viewers.values()), snapshot, k) for name in model_names]
    return {viewer_id: [lists[index] for lists in lists_by_model] for index, viewer_id in enumerate(viewers)}


def _lists_of_model(
    name: str, viewers: Sequence[ViewerProfile], snapshot: CatalogueSnapshot, k: int
) -> list[list[int]]:
    ranker = registry.load_for_comparison(name)
    if ranker is None:
        return [[] for _ in viewers]
    lists: list[list[int]] = []
    for viewer in viewers:
        if not has_known_movies(viewer.events, ranker):
            lists.append([])
            continue
        eligibility = EligibilityFilter(snapshot, int(time.time()), None, np.empty(0, np.int32), viewer.age_limit)
        eligibility = eligibility.in_country(viewer.country)
        encoded = ranker.encode([viewer.events])
        [ranked] = model_scoring.top_by_model(ranker, encoded, k, eligibility, [viewer.seen_ids])
        lists.append(ranked.movie_ids.tolist())
    return lists
