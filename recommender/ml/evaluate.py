"""Splits of histories and full-ranking evaluation; no sampled metrics."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from recommender.ml import metrics
from recommender.ml.data import Tokens
from recommender.ml.ranker import Ranker

CHUNK_SIZE = 512  # targets whose scores are held at a time

TimeMode = Literal[
    "request", "unknown", "none"
]  # what is told: the moment of asking, only the history's times, nothing
TIME_MODES: tuple[TimeMode, ...] = ("request", "unknown", "none")


class Targets(NamedTuple):
    """What is to be predicted: row `rows[i]` of the tokens, from all of that viewer's tokens before it."""

    viewers: np.ndarray  # int64 [n]
    rows: np.ndarray  # int64 [n]


class Split(NamedTuple):
    """Training may use each viewer's tokens before row `ends`; everything after is for measuring."""

    ends: np.ndarray  # int64 [U]
    validation: Targets
    test: Targets


def leave_one_out(tokens: Tokens) -> Split:
    """The last token of each viewer is the test, the one before it the validation (protocols P1 and A)."""
    viewers = np.flatnonzero(tokens.lengths() >= 3)
    stops = tokens.indptr[1:]
    ends = np.where(tokens.lengths() >= 3, stops - 2, stops)
    return Split(ends, Targets(viewers, stops[viewers] - 2), Targets(viewers, stops[viewers] - 1))


class TimeSplit(NamedTuple):
    """Protocol P2: nobody trains on anything after one moment."""

    ends: np.ndarray  # int64 [U]: training's tokens
    known_ends: np.ndarray  # int64 [U]: all tokens up to the moment
    validation: Targets  # the last token before the moment, kept out of the training
    last: Targets  # the very last token of each viewer with tokens after the moment
    successive: Targets  # every token after the moment, the history growing


def time_split(tokens: Tokens, cut: float) -> TimeSplit:
    """Cuts at the moment `cut`. Films without a token up to it must have been removed already."""
    owner = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    before = np.bincount(owner[tokens.times <= cut], minlength=len(tokens.indptr) - 1)
    ends = tokens.indptr[:-1] + before
    later = np.flatnonzero((tokens.times > cut) & (np.arange(len(owner)) > tokens.indptr[owner]))
    viewers = np.unique(owner[later])
    validated = np.flatnonzero(before >= 3)
    return TimeSplit(
        ends=np.where(before >= 3, ends - 1, ends),
        known_ends=ends,
        validation=Targets(validated, ends[validated] - 1),
        last=Targets(viewers, tokens.indptr[viewers + 1] - 1),
        successive=Targets(owner[later], later),
    )


def recent_holdout(tokens: Tokens, share: float, max_viewers: int, rng: np.random.Generator) -> Split:
    """Holds out the newest `share` of all tokens by time; up to `most` viewers with tokens on both sides are measured
    on their first token after the cut. No future leaks into training; validation and test are halves of the viewers.
    """
    cut = np.quantile(tokens.times, 1 - share) if len(tokens.times) else 0
    owner = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    kept = np.bincount(owner[tokens.times <= cut], minlength=len(tokens.indptr) - 1)
    ends = tokens.indptr[:-1] + kept
    viewers = np.flatnonzero((kept > 0) & (kept < tokens.lengths()))
    viewers = np.sort(rng.permutation(viewers)[:max_viewers])
    targets = Targets(viewers, ends[viewers])
    half = np.arange(len(viewers)) % 2 == 0
    return Split(ends, *(Targets(*(column[side] for column in targets)) for side in (half, ~half)))


def request_times(tokens: Tokens, targets: Targets, time: TimeMode) -> np.ndarray | None:
    """The moment of asking by target: the target's own time, or None where it is not told."""
    return tokens.times[targets.rows] if time == "request" else None


def seen_items(tokens: Tokens, targets: Targets) -> list[np.ndarray]:
    """Columns of the films that each target's viewer saw before it: the full history, not the window."""
    return [tokens.items[tokens.indptr[v] : row] - 1 for v, row in zip(*targets, strict=True)]


Scorer = Callable[[Tokens, Targets], np.ndarray]  # scores float32 [n, N] of all films


def sample_targets(targets: Targets, max_targets: int) -> Targets:
    """Up to `most` of the targets, the same each time, in their order."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(targets.rows))[:max_targets])
    return Targets(*(column[chosen] for column in targets))


def chunks(targets: Targets) -> Iterator[Targets]:
    """The targets in parts whose scores fit into memory."""
    for start in range(0, len(targets.rows), CHUNK_SIZE):
        yield Targets(*(column[start : start + CHUNK_SIZE] for column in targets))


def rank_targets(tokens: Tokens, targets: Targets, score: Scorer) -> np.ndarray:
    """Ranks float64 [n] of the targets among all films that their viewers had not seen."""
    parts = []
    for block in chunks(targets):
        scores = np.array(score(tokens, block), np.float32)
        parts.append(metrics.compute_ranks(scores, tokens.items[block.rows] - 1, seen_items(tokens, block)))
    return np.concatenate([np.empty(0), *parts])


def ranker_scorer(ranker: Ranker, time: TimeMode = "unknown") -> Scorer:
    """The model as a scorer, told as much about time as `time` says."""

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        if time == "none":
            tokens = tokens._replace(timed=np.zeros_like(tokens.timed))
        states = ranker.encode_tokens(tokens, targets.viewers, targets.rows, request_times(tokens, targets, time))
        # Only an MLP's shortlist depends on what is left out; the caller leaves it out of the ranks.
        exclude = (
            [ranker.movie_ids[columns] for columns in seen_items(tokens, targets)] if ranker.model.scorer else None
        )
        return ranker.scores(states, exclude)

    return score
