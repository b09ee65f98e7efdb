"""Choose on validation, after training, what the transition prior holds and how much it weighs."""

from collections.abc import Sequence

import numpy as np
import torch

from recommender.ml import evaluate, metrics
from recommender.ml.data import Tokens
from recommender.ml.ease import ItemWeights
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.transition_prior import TransitionPrior
from recommender.ml.transitions import WINDOW, last_items
from recommender.ml.truncated_histories import truncate_histories

MAX_TARGETS = 2_000  # of validation that are ranked
CANDIDATE_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
EASE_SHARES = (0.0, 0.3, 1.0)  # of EASE's weights, beside the shares of transitions
HISTORY_LENGTHS = (1, 2, 5)  # films to which histories are truncated; up to WINDOW the weight is interpolated


def fit_prior(
    ranker: Ranker, tokens: Tokens, ends: np.ndarray, validation: Targets, ease: ItemWeights | None = None
) -> Ranker:
    """Return `ranker`, whose model learned from the tokens before row `ends` [U], with transitions counted on the same.

    The share of EASE's weights beside them, and then each weight, is the one with the best NDCG@10 on `validation`,
    mean over the three time modes: for viewers as they are, and with histories truncated to their last films. `ease`:
    fitted on these tokens.
    """
    training = TrainingTokens(tokens, ends, len(ranker.vocab))
    counted = TransitionPrior.from_training(training, 1.0)
    ease = ease or ItemWeights.from_training(training)
    priors = [counted.with_item_weights(ease, share) if share else counted for share in EASE_SHARES]
    targets = evaluate.sample_targets(validation, MAX_TARGETS)

    def measure(priors: Sequence[TransitionPrior], length: int | None) -> np.ndarray:
        """Return NDCG@10 of each prior at each weight, mean over the time modes."""
        modes = evaluate.TIME_MODES
        return np.mean([_ndcg_by_weight(ranker, priors, tokens, targets, time, length) for time in modes], axis=0)

    whole = measure(priors, None)
    best_prior = int(np.argmax(whole.max(axis=1)))
    prior = priors[best_prior]
    by_length = [*(measure([prior], length)[0] for length in HISTORY_LENGTHS), whole[best_prior]]
    best = [CANDIDATE_WEIGHTS[int(np.argmax(gains))] for gains in by_length]
    weights = np.interp(np.arange(WINDOW + 1), (*HISTORY_LENGTHS, WINDOW), best).astype(np.float32)
    return ranker.with_prior(prior._replace(weights=torch.from_numpy(weights)))


def _ndcg_by_weight(
    ranker: Ranker,
    priors: Sequence[TransitionPrior],
    tokens: Tokens,
    targets: Targets,
    time: TimeMode,
    length: int | None,
) -> np.ndarray:
    """Return NDCG@10 of each of P priors at each of CANDIDATE_WEIGHTS, [P, W], with histories of `length` films (None:
    whole)."""
    gains = []
    for chunk in evaluate.chunks(targets):
        known = (tokens, chunk) if length is None else truncate_histories(tokens, chunk, length)
        scores = evaluate.ranker_scorer(ranker, time)(*known)  # every viewer is encoded once for all weights
        columns, seen = tokens.items[chunk.rows] - 1, evaluate.seen_items(tokens, chunk)
        history = torch.from_numpy(last_items(known[0], *known[1]))
        gains.append(
            [
                [
                    metrics.ndcg_gains(metrics.compute_ranks(scores + np.float32(weight) * added, columns, seen), 10)
                    for weight in CANDIDATE_WEIGHTS
                ]
                for added in (prior.scores(history).numpy() for prior in priors)
            ]
        )
    return np.concatenate(gains, axis=2).mean(2) if gains else np.zeros((len(priors), len(CANDIDATE_WEIGHTS)))
