"""Kinds of viewers and movies on which a candidate is compared one by one: a good mean may hide who pays for it."""

from collections.abc import Mapping

import numpy as np

from recommender.ml import beyond_accuracy, metrics
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets
from recommender.ml.features import Features

MAX_NEW_HISTORY, MIN_HEAVY_HISTORY = 20, 200  # movies in a viewer's history: fewer than, at least
MIN_TARGETS = 100  # of a segment; a smaller one says nothing


def segment_masks(tokens: Tokens, targets: Targets, features: Features) -> dict[str, np.ndarray]:
    """Return bool [targets] by segment: new and heavy viewers, and viewers whose next movie is of a genre."""
    history_length = targets.rows - tokens.indptr[targets.viewers]
    masks = {
        f"viewers of fewer than {MAX_NEW_HISTORY} films": history_length < MAX_NEW_HISTORY,
        f"viewers of {MIN_HEAVY_HISTORY} films or more": history_length >= MIN_HEAVY_HISTORY,
    }
    genre_names = [name.partition(":")[2] for name in features.names if name.startswith("genre:")]
    has_genre = beyond_accuracy.genre_matrix_of(features)[tokens.items[targets.rows] - 1] > 0
    masks |= {name: has_genre[:, column] for column, name in enumerate(genre_names)}
    return {name: mask for name, mask in masks.items() if np.count_nonzero(mask) >= MIN_TARGETS}


def compare_segments(
    candidate: np.ndarray, active: np.ndarray, masks: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Compare NDCG@10 of candidate and active model by segment, from their ranks, [targets].

    Each segment has its number of targets, both means, their difference, and the bounds of its 95 % interval.
    """
    by_segment = {}
    for name, mask in masks.items():
        candidate_gains, active_gains = metrics.ndcg_gains(candidate[mask], 10), metrics.ndcg_gains(active[mask], 10)
        mean, low, high = metrics.paired_bootstrap(candidate_gains, active_gains)
        by_segment[name] = {
            "targets": float(np.count_nonzero(mask)),
            "candidate": float(candidate_gains.mean()),
            "active": float(active_gains.mean()),
            "difference": mean,
            "low": low,
            "high": high,
        }
    return by_segment
