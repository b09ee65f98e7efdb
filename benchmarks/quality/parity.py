"""Compare served lists with offline scores: the same films in the same order, and the same rank of the target."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import evaluate, metrics
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker

SCORE_TOLERANCE = 1e-4  # fp32 sums in another order, and the API's five decimals
TOP_K = 20


class ServedList(NamedTuple):
    """A served list."""

    movie_ids: np.ndarray  # int32 [k], best first
    scores: np.ndarray  # float64 [k]


class ListComparison(NamedTuple):
    """A served list compared with the offline scores."""

    same_list: bool  # the whole list; films whose offline scores differ by up to SCORE_TOLERANCE may swap
    same_top: bool
    rank: float  # of the target in the served list; infinite where it is not in it
    target_inside: bool  # the target is in the served list, or should be
    same_rank: bool
    score_difference: float  # the greatest difference between a served score and the offline one of that film


def compare_lists(
    ranker: Ranker, tokens: Tokens, targets: Targets, time: TimeMode, depth: int, served: Sequence[ServedList]
) -> dict[str, Any]:
    """Return how many of the lists `served` for `targets`, each of `depth` films, equal the offline ones, and the
    accuracy of both."""
    scorer = evaluate.ranker_scorer(ranker, time)
    ranks = evaluate.rank_targets(tokens, targets, scorer)
    comparisons: list[ListComparison] = []
    for chunk in evaluate.chunks(targets):
        scores, targets_of_chunk = scorer(tokens, chunk), tokens.items[chunk.rows] - 1
        for row, seen in enumerate(evaluate.seen_items(tokens, chunk)):
            scores[row, seen] = -np.inf
            served_ids, served_scores = served[len(comparisons)]
            comparisons.append(
                compare_list(
                    scores[row], int(targets_of_chunk[row]), depth, ranker.columns_of(served_ids), served_scores
                )
            )
    ranks_inside = [comparison.same_rank for comparison in comparisons if comparison.target_inside]
    return {
        "asked": len(comparisons),
        "depth": depth,
        "identical_lists": float(np.mean([comparison.same_list for comparison in comparisons])),
        "identical_top20": float(np.mean([comparison.same_top for comparison in comparisons])),
        "targets_inside": len(ranks_inside),
        "identical_ranks": float(np.mean(ranks_inside)) if ranks_inside else 1.0,
        "apart": max(comparison.score_difference for comparison in comparisons),
        "offline": accuracy(ranks),
        "served": accuracy(np.array([comparison.rank for comparison in comparisons])),
    }


def compare_list(
    scores: np.ndarray, target: int, depth: int, columns: np.ndarray, served_scores: np.ndarray
) -> ListComparison:
    """Compare one list: the films at `columns` [k] (-1: not known to the model) were served with `served_scores` [k],
    best first. `scores` [N] are the offline ones, -inf for excluded films; `target` is the target's column.
    """
    offline_scores = np.where(columns >= 0, scores[columns], -np.inf)
    best = np.sort(scores[scores > -np.inf])[::-1][:depth]
    if len(offline_scores) != len(best) or len(np.unique(columns)) != len(columns):
        return ListComparison(False, False, np.inf, True, False, np.inf)
    is_level = np.abs(offline_scores - best) <= SCORE_TOLERANCE
    rank = float(np.argmax(columns == target)) + 1 if target in columns else np.inf
    first, last = (
        1 + (scores > scores[target] + SCORE_TOLERANCE).sum(),
        (scores >= scores[target] - SCORE_TOLERANCE).sum(),
    )
    is_listed = rank <= len(offline_scores)
    return ListComparison(
        same_list=bool(is_level.all()),
        same_top=bool(is_level[:TOP_K].all()),
        rank=rank,
        target_inside=bool(is_listed or first <= len(offline_scores)),
        same_rank=bool(first <= rank <= last if is_listed else last > len(offline_scores)),
        score_difference=float(np.abs(served_scores - offline_scores).max(initial=0)),
    )


def accuracy(ranks: np.ndarray) -> dict[str, float]:
    """Return HR@10 and NDCG@10."""
    return {"hr10": round(metrics.hit_rate(ranks, 10), 4), "ndcg10": round(metrics.ndcg(ranks, 10), 4)}
