"""Kinds of viewers and films on which a candidate is compared one by one: a good mean may hide who pays for it."""

from collections.abc import Mapping

import numpy as np

from recommender.ml import beyond_accuracy, metrics
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets
from recommender.ml.features import Features

MAX_NEW_HISTORY, MIN_HEAVY_HISTORY = 20, 200  # films known of a viewer: fewer, at least
MIN_TARGETS = 100  # of a segment; a smaller one says nothing


def segment_masks(tokens: Tokens, targets: Targets, features: Features) -> dict[str, np.ndarray]:
    """bool [targets] by segment: new and heavy viewers, and those whose next film is of a genre."""
    known = targets.rows - tokens.indptr[targets.viewers]
    parts = {
        f"viewers of fewer than {MAX_NEW_HISTORY} films": known < MAX_NEW_HISTORY,
        f"viewers of {MIN_HEAVY_HISTORY} films or more": known >= MIN_HEAVY_HISTORY,
    }
    names = [name.partition(":")[2] for name in features.names if name.startswith("genre:")]
    of_film = beyond_accuracy.genre_matrix_of(features)[tokens.items[targets.rows] - 1] > 0
    parts |= {name: of_film[:, column] for column, name in enumerate(names)}
    return {name: part for name, part in parts.items() if np.count_nonzero(part) >= MIN_TARGETS}


def compare_segments(
    own: np.ndarray, before: np.ndarray, parts: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """By segment NDCG@10 of candidate and active model from their ranks [targets], the difference, and its bounds."""
    found = {}
    for name, part in parts.items():
        ours, theirs = metrics.ndcg_gains(own[part], 10), metrics.ndcg_gains(before[part], 10)
        mean, low, high = metrics.paired_bootstrap(ours, theirs)
        found[name] = {
            "targets": float(np.count_nonzero(part)),
            "candidate": float(ours.mean()),
            "active": float(theirs.mean()),
            "difference": mean,
            "low": low,
            "high": high,
        }
    return found
