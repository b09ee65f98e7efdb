"""What is chosen on validation when a training is over: how much the prior weighs."""

import numpy as np
import torch

from recommender.ml import evaluate, metrics
from recommender.ml.baselines import TrainingTokens
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.transitions import WINDOW, last_items
from recommender.ml.truncated_histories import truncate_histories

MAX_TARGETS = 2_000  # asked
CANDIDATE_WEIGHTS = (
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
    1.25,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    12.0,
    16.0,
)  # among which validation chooses
HISTORY_LENGTHS = (1, 2, 5)  # films to which the viewers are cut short; between them and WINDOW the weight is on a line


def fit_prior(ranker: Ranker, tokens: Tokens, ends: np.ndarray, validation: Targets) -> Ranker:
    """`ranker`, whose model learned from the tokens before row `ends` [U], joined by transitions counted on the same.

    Each weight is the one with the best NDCG@10 on `validation`, mean over the three ways of telling the time: for
    viewers as they are, and cut short to their last films.
    """
    counted = _counted(TrainingTokens(tokens, ends, len(ranker.vocab)))
    targets = evaluate.sample_targets(validation, MAX_TARGETS)
    chosen = [_best_weight(ranker, counted, tokens, targets, known) for known in (*HISTORY_LENGTHS, None)]
    weights = np.interp(np.arange(WINDOW + 1), (*HISTORY_LENGTHS, WINDOW), chosen).astype(np.float32)
    prior = counted._replace(weights=torch.from_numpy(weights))
    return Ranker(ranker.model, ranker.vocab, prior, version=ranker.version, metadata=ranker.metadata)


def _counted(prefix: TrainingTokens) -> TransitionPrior:
    return TransitionPrior.from_tokens(prefix.viewers, prefix.items, prefix.num_items, 1.0)


def _best_weight(
    ranker: Ranker, counted: TransitionPrior, tokens: Tokens, targets: Targets, known: int | None
) -> float:
    """The best of WEIGHTS where `known` films are told of each viewer (None: all)."""
    figures = np.mean(
        [_ndcg_by_weight(ranker, counted, tokens, targets, time, known) for time in evaluate.TIME_MODES], axis=0
    )
    return CANDIDATE_WEIGHTS[int(np.argmax(figures))]


def _ndcg_by_weight(
    ranker: Ranker, counted: TransitionPrior, tokens: Tokens, targets: Targets, time: TimeMode, known: int | None
) -> np.ndarray:
    """NDCG@10 at each of WEIGHTS; every viewer is encoded once."""
    gains = []
    for block in evaluate.chunks(targets):
        told = (tokens, block) if known is None else truncate_histories(tokens, block, known)
        scores = evaluate.ranker_scorer(ranker, time)(*told)
        added = counted.scores(torch.from_numpy(last_items(told[0], *told[1]))).numpy()
        own, seen = tokens.items[block.rows] - 1, evaluate.seen_items(tokens, block)
        ranks = [metrics.compute_ranks(scores + np.float32(weight) * added, own, seen) for weight in CANDIDATE_WEIGHTS]
        gains.append([metrics.ndcg_gains(r, 10) for r in ranks])
    return np.concatenate(gains, axis=1).mean(1) if gains else np.zeros(len(CANDIDATE_WEIGHTS))
