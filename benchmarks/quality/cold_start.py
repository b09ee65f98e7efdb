"""The cold-start curve of viewers: the same targets and the same candidates, but less and less known of the viewer.

Known are the n tokens just before the target, with their times, ratings and taste, and nothing older. All films that
the viewer had really seen stay out of the ranking, so that only what is known differs from point to point. In ml-1m
every viewer has at least 20 ratings; on P2 the slices history_* are of targets before which there really were so few.
"""

from collections.abc import Mapping

import numpy as np

from benchmarks.protocols import Task
from benchmarks.quality.figures import MAIN, summary
from recommender.ml import evaluate
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets

KNOWN = (1, 2, 5, 10, 20)  # tokens
MOST = 2_000  # targets asked at each point


def curve(task: Task, scorers: Mapping[str, Scorer]) -> dict[str, dict[str, dict[str, float]]]:
    """HR@10 and NDCG@10 of each scorer by how many tokens it is told; "all" are all of them."""
    targets = evaluate.sample(next(iter(task.tests.values())), MOST)
    return {
        str(n or "all"): {name: _asked(task.tokens, targets, told(score, n)) for name, score in scorers.items()}
        for n in (*KNOWN, None)
    }


def _asked(tokens: Tokens, targets: Targets, score: Scorer) -> dict[str, float]:
    figures = summary(evaluate.rank(tokens, targets, score))
    return {name: figures[name] for name in MAIN}


def told(score: Scorer, n: int | None) -> Scorer:
    """The scorer that is told only the n tokens just before each target."""
    return score if n is None else lambda tokens, targets: score(*shortened(tokens, targets, n))


def shortened(tokens: Tokens, targets: Targets, n: int) -> tuple[Tokens, Targets]:
    """For each target a viewer of its own, who has the target and the n tokens before it, with the taste from there
    on. `targets` [m] become viewers 0..m - 1."""
    viewers, rows = targets
    first = np.maximum(tokens.indptr[viewers], rows - n)
    kept, indptr = _ranges(first, rows + 1)
    older = tokens.taste_before[np.maximum(first - 1, 0)]
    low = np.where(first > tokens.indptr[viewers], older, tokens.taste_indptr[viewers])
    tasted, taste_indptr = _ranges(low, tokens.taste_before[rows])
    owner = np.repeat(np.arange(len(rows)), np.diff(indptr))
    short = Tokens(
        indptr=indptr,
        items=tokens.items[kept],
        times=tokens.times[kept],
        stars=tokens.stars[kept],
        timed=tokens.timed[viewers],
        taste_indptr=taste_indptr,
        taste_items=tokens.taste_items[tasted],
        taste_weights=tokens.taste_weights[tasted],
        taste_before=tokens.taste_before[kept] + (taste_indptr[:-1] - low)[owner],
    )
    return short, Targets(np.arange(len(rows)), indptr[1:] - 1)


def _ranges(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rows of the ranges [m] one after the other, and where each range begins: int64 [sum], [m + 1]."""
    indptr = np.concatenate([[0], np.cumsum(stops - starts)])
    return np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], np.diff(indptr)), indptr
