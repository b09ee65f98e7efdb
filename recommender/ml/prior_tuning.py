"""Choose on validation, after training, how much the transition prior weighs."""

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

MAX_TARGETS = 2_000  # of validation that are ranked
CANDIDATE_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
HISTORY_LENGTHS = (1, 2, 5)  # films to which histories are truncated; up to WINDOW the weight is interpolated


def fit_prior(ranker: Ranker, tokens: Tokens, ends: np.ndarray, validation: Targets) -> Ranker:
    """Return `ranker`, whose model learned from the tokens before row `ends` [U], with transitions counted on the same.

    Each weight is the one with the best NDCG@10 on `validation`, mean over the three time modes: for viewers as they
    are, and with histories truncated to their last films.
    """
    training = TrainingTokens(tokens, ends, len(ranker.vocab))
    prior = TransitionPrior.from_tokens(training.viewers, training.items, training.num_items, 1.0)
    targets = evaluate.sample_targets(validation, MAX_TARGETS)
    best = []
    for length in (*HISTORY_LENGTHS, None):
        by_mode = [_ndcg_by_weight(ranker, prior, tokens, targets, time, length) for time in evaluate.TIME_MODES]
        best.append(CANDIDATE_WEIGHTS[int(np.argmax(np.mean(by_mode, axis=0)))])
    weights = np.interp(np.arange(WINDOW + 1), (*HISTORY_LENGTHS, WINDOW), best).astype(np.float32)
    prior = prior._replace(weights=torch.from_numpy(weights))
    return ranker.with_prior(prior)


def _ndcg_by_weight(
    ranker: Ranker, prior: TransitionPrior, tokens: Tokens, targets: Targets, time: TimeMode, length: int | None
) -> np.ndarray:
    """Return NDCG@10 at each of CANDIDATE_WEIGHTS, with histories of `length` films (None: whole)."""
    gains = []
    for chunk in evaluate.chunks(targets):
        known = (tokens, chunk) if length is None else truncate_histories(tokens, chunk, length)
        scores = evaluate.ranker_scorer(ranker, time)(*known)  # every viewer is encoded once for all weights
        prior_scores = prior.scores(torch.from_numpy(last_items(known[0], *known[1]))).numpy()
        columns, seen = tokens.items[chunk.rows] - 1, evaluate.seen_items(tokens, chunk)
        gains.append(
            [
                metrics.ndcg_gains(metrics.compute_ranks(scores + np.float32(weight) * prior_scores, columns, seen), 10)
                for weight in CANDIDATE_WEIGHTS
            ]
        )
    return np.concatenate(gains, axis=1).mean(1) if gains else np.zeros(len(CANDIDATE_WEIGHTS))
