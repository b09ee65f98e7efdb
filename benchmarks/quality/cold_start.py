"""The cold-start curve of viewers: the same targets and candidates, with shorter and shorter histories.

The scorers get the n tokens just before the target, with their times, ratings and taste, and nothing older. All films
that the viewer had really seen stay out of the ranking, so that only the history differs from point to point. In ml-1m
every viewer has at least 20 ratings; on P2 the slices history_* are of targets before which there really were so few.
"""

from collections.abc import Mapping

from benchmarks.protocols import Task
from benchmarks.quality.summaries import MAIN_METRICS, summary
from recommender.ml import evaluate
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.truncated_histories import truncate_histories

HISTORY_LENGTHS = (1, 2, 5, 10, 20)  # tokens
MAX_TARGETS = 2_000  # at each point


def cold_start_curve(task: Task, scorers: Mapping[str, Scorer]) -> dict[str, dict[str, dict[str, float]]]:
    """Return HR@10 and NDCG@10 of each scorer by the number of known tokens, or "all"."""
    targets = evaluate.sample_targets(next(iter(task.tests.values())), MAX_TARGETS)
    return {
        str(n or "all"): {
            name: _accuracy(task.tokens, targets, with_history_length(score, n)) for name, score in scorers.items()
        }
        for n in (*HISTORY_LENGTHS, None)
    }


def _accuracy(tokens: Tokens, targets: Targets, score: Scorer) -> dict[str, float]:
    figures = summary(evaluate.rank_targets(tokens, targets, score))
    return {name: figures[name] for name in MAIN_METRICS}


def with_history_length(score: Scorer, n: int | None) -> Scorer:
    """Return the scorer with histories truncated to the n tokens before each target; None keeps them whole."""
    return score if n is None else lambda tokens, targets: score(*truncate_histories(tokens, targets, n))
