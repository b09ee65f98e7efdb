"""Lists that were served beside offline scores: the same films in the same order, and the same rank of the target."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import evaluate, metrics
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, Time
from recommender.ml.ranker import Ranker

NOISE = 1e-4  # of a score: fp32 sums in another order, and the API's five decimals
TOP = 20


class Listed(NamedTuple):
    """A list as it was served."""

    movie_ids: np.ndarray  # int32 [k], best first
    scores: np.ndarray  # float64 [k]


class Verdict(NamedTuple):
    same: bool  # the whole list; films whose offline scores differ by no more than NOISE may change places
    same_top: bool
    rank: float  # of the target in the served list; infinite where it is not in it
    inside: bool  # the target is in the served list, or should be
    same_rank: bool
    apart: float  # the greatest difference between a served score and the offline one of that film


def compare(
    ranker: Ranker, tokens: Tokens, targets: Targets, time: Time, depth: int, served: Sequence[Listed]
) -> dict[str, Any]:
    """Shares and figures of the lists `served` to the viewers of `targets`, who asked for `depth` films each."""
    scorer = evaluate.of_ranker(ranker, time)
    ranks = evaluate.rank(tokens, targets, scorer)
    verdicts: list[Verdict] = []
    for block in evaluate.blocks(targets):
        scores, wanted = scorer(tokens, block), tokens.items[block.rows] - 1
        for row, seen in enumerate(evaluate.seen(tokens, block)):
            scores[row, seen] = -np.inf
            films, told = served[len(verdicts)]
            verdicts.append(judge(scores[row], int(wanted[row]), depth, ranker.index(films), told))
    inside = [one.same_rank for one in verdicts if one.inside]
    return {
        "asked": len(verdicts),
        "depth": depth,
        "identical_lists": float(np.mean([one.same for one in verdicts])),
        "identical_top20": float(np.mean([one.same_top for one in verdicts])),
        "targets_inside": len(inside),
        "identical_ranks": float(np.mean(inside)) if inside else 1.0,
        "apart": max(one.apart for one in verdicts),
        "offline": figures(ranks),
        "served": figures(np.array([one.rank for one in verdicts])),
    }


def judge(scores: np.ndarray, wanted: int, depth: int, columns: np.ndarray, told: np.ndarray) -> Verdict:
    """`scores` [N] of all films offline, -inf for those that must not be listed; the target stands in column `wanted`.
    Served were the films in `columns` [k] (-1: not known to the model) with the scores `told` [k], best first.
    """
    own = np.where(columns >= 0, scores[columns], -np.inf)
    best = np.sort(scores[scores > -np.inf])[::-1][:depth]
    if len(own) != len(best) or len(np.unique(columns)) != len(columns):
        return Verdict(False, False, np.inf, True, False, np.inf)
    level = np.abs(own - best) <= NOISE
    place = float(np.argmax(columns == wanted)) + 1 if wanted in columns else np.inf
    first, last = 1 + (scores > scores[wanted] + NOISE).sum(), (scores >= scores[wanted] - NOISE).sum()
    listed = place <= len(own)
    return Verdict(
        same=bool(level.all()),
        same_top=bool(level[:TOP].all()),
        rank=place,
        inside=bool(listed or first <= len(own)),
        same_rank=bool(first <= place <= last if listed else last > len(own)),
        apart=float(np.abs(told - own).max(initial=0)),
    )


def figures(ranks: np.ndarray) -> dict[str, float]:
    """HR@10 and NDCG@10."""
    return {"hr10": round(metrics.hit_rate(ranks, 10), 4), "ndcg10": round(metrics.ndcg(ranks, 10), 4)}
