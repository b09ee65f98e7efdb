"""Lists that were served beside offline scores: the same films in the same order, and the same rank of the target."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import evaluate, metrics
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker

SCORE_TOLERANCE = 1e-4  # of a score: fp32 sums in another order, and the API's five decimals
TOP_K = 20


class ServedList(NamedTuple):
    """A list as it was served."""

    movie_ids: np.ndarray  # int32 [k], best first
    scores: np.ndarray  # float64 [k]


class ListComparison(NamedTuple):
    same_list: bool  # the whole list; films whose offline scores differ by no more than NOISE may change places
    same_top: bool
    rank: float  # of the target in the served list; infinite where it is not in it
    target_inside: bool  # the target is in the served list, or should be
    same_rank: bool
    score_difference: float  # the greatest difference between a served score and the offline one of that film


def compare_lists(
    ranker: Ranker, tokens: Tokens, targets: Targets, time: TimeMode, depth: int, served: Sequence[ServedList]
) -> dict[str, Any]:
    """Shares and figures of the lists `served` to the viewers of `targets`, who asked for `depth` films each."""
    scorer = evaluate.ranker_scorer(ranker, time)
    ranks = evaluate.rank_targets(tokens, targets, scorer)
    verdicts: list[ListComparison] = []
    for block in evaluate.chunks(targets):
        scores, wanted = scorer(tokens, block), tokens.items[block.rows] - 1
        for row, seen in enumerate(evaluate.seen_items(tokens, block)):
            scores[row, seen] = -np.inf
            films, told = served[len(verdicts)]
            verdicts.append(compare_list(scores[row], int(wanted[row]), depth, ranker.columns_of(films), told))
    inside = [one.same_rank for one in verdicts if one.target_inside]
    return {
        "asked": len(verdicts),
        "depth": depth,
        "identical_lists": float(np.mean([one.same_list for one in verdicts])),
        "identical_top20": float(np.mean([one.same_top for one in verdicts])),
        "targets_inside": len(inside),
        "identical_ranks": float(np.mean(inside)) if inside else 1.0,
        "apart": max(one.score_difference for one in verdicts),
        "offline": accuracy(ranks),
        "served": accuracy(np.array([one.rank for one in verdicts])),
    }


def compare_list(scores: np.ndarray, wanted: int, depth: int, columns: np.ndarray, told: np.ndarray) -> ListComparison:
    """`scores` [N] of all films offline, -inf for those that must not be listed; the target stands in column `wanted`.
    Served were the films in `columns` [k] (-1: not known to the model) with the scores `told` [k], best first.
    """
    own = np.where(columns >= 0, scores[columns], -np.inf)
    best = np.sort(scores[scores > -np.inf])[::-1][:depth]
    if len(own) != len(best) or len(np.unique(columns)) != len(columns):
        return ListComparison(False, False, np.inf, True, False, np.inf)
    level = np.abs(own - best) <= SCORE_TOLERANCE
    place = float(np.argmax(columns == wanted)) + 1 if wanted in columns else np.inf
    first, last = (
        1 + (scores > scores[wanted] + SCORE_TOLERANCE).sum(),
        (scores >= scores[wanted] - SCORE_TOLERANCE).sum(),
    )
    listed = place <= len(own)
    return ListComparison(
        same_list=bool(level.all()),
        same_top=bool(level[:TOP_K].all()),
        rank=place,
        target_inside=bool(listed or first <= len(own)),
        same_rank=bool(first <= place <= last if listed else last > len(own)),
        score_difference=float(np.abs(told - own).max(initial=0)),
    )


def accuracy(ranks: np.ndarray) -> dict[str, float]:
    """HR@10 and NDCG@10."""
    return {"hr10": round(metrics.hit_rate(ranks, 10), 4), "ndcg10": round(metrics.ndcg(ranks, 10), 4)}
