"""The cold-start curve of viewers: the same targets and candidates, with shorter and shorter histories.

The scorers get the n tokens just before the target, with their times, ratings and taste, and nothing older. All films
that the viewer had really seen stay out of the ranking, so that only the history differs from point to point. In ml-1m
every viewer has at least 20 ratings; on P2 the slices history_* are of targets before which there really were so few.
"""

from collections.abc import Mapping

from benchmarks.protocols import Task
from benchmarks.quality.summaries import MAIN_METRICS, summary
from recommender.ml import evaluate
from recommender.ml.evaluate import Scorer
from recommender.ml.truncated_histories import truncate_histories

HISTORY_LENGTHS = (1, 2, 5, 10, 20)  # tokens
MAX_TARGETS = 2_000  # at each point


def cold_start_curve(task: Task, scorers: Mapping[str, Scorer]) -> dict[str, dict[str, dict[str, float]]]:
    """Return HR@10 and NDCG@10 of each scorer by the number of known tokens, or "all"."""
    targets = evaluate.sample_targets(next(iter(task.tests.values())), MAX_TARGETS)
    curve: dict[str, dict[str, dict[str, float]]] = {}
    for length in (*HISTORY_LENGTHS, None):
        by_scorer = curve.setdefault(str(length or "all"), {})
        for name, score in scorers.items():
            metrics = summary(evaluate.rank_targets(task.tokens, targets, with_history_length(score, length)))
            by_scorer[name] = {metric: metrics[metric] for metric in MAIN_METRICS}
    return curve


def with_history_length(score: Scorer, length: int | None) -> Scorer:
    """Return the scorer with histories truncated to `length` tokens before each target; None keeps them whole."""
    return score if length is None else lambda tokens, targets: score(*truncate_histories(tokens, targets, length))
