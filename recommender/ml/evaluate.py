"""Split histories and rank held-out targets among all films; no sampled metrics."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from recommender.ml import metrics
from recommender.ml.data import Tokens
from recommender.ml.popularity import DAY, DailyPopularity, Popularity
from recommender.ml.ranker import Ranker
from recommender.ml.token_files import release_pages, token_blocks, viewer_blocks
from recommender.ml.visits import RelevantItems, Visits, rank_relevant_items, visit_stops

QUANTILE_BINS = 1 << 16
CHUNK_SIZE = 256  # targets whose scores are held at a time

# Times given to the model: the history's and the request's, only the history's, none at all.
TimeMode = Literal["request", "unknown", "none"]
TIME_MODES: tuple[TimeMode, ...] = ("request", "unknown", "none")


class Targets(NamedTuple):
    """What has to be predicted: row `rows[i]` of the tokens, from all of that viewer's tokens before it."""

    viewers: np.ndarray  # int64 [n]
    rows: np.ndarray  # int64 [n]


class Split(NamedTuple):
    """Training uses each viewer's tokens before row `ends`; the targets come after."""

    ends: np.ndarray  # int64 [U]
    validation: Targets
    test: Targets


def leave_one_out(tokens: Tokens) -> Split:
    """Hold out each viewer's last token as the test and the one before it as validation (protocols P1 and A)."""
    viewers = np.flatnonzero(tokens.lengths() >= 3)
    stops = tokens.indptr[1:]
    ends = np.where(tokens.lengths() >= 3, stops - 2, stops)
    return Split(ends, Targets(viewers, stops[viewers] - 2), Targets(viewers, stops[viewers] - 1))


class TimeSplit(NamedTuple):
    """Protocol P2: training sees nothing after one moment."""

    ends: np.ndarray  # int64 [U]: training's tokens
    known_ends: np.ndarray  # int64 [U]: all tokens up to the moment
    validation: Targets  # the last token before the moment, kept out of the training
    last: Targets  # the very last token of each viewer with tokens after the moment
    successive: Targets  # every token after the moment, the history growing


def time_split(tokens: Tokens, cut: float) -> TimeSplit:
    """Split at the moment `cut`. Films without a token up to it must have been removed already."""
    viewer_of_token = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    before = np.bincount(viewer_of_token[tokens.times <= cut], minlength=len(tokens.indptr) - 1)
    ends = tokens.indptr[:-1] + before
    later = np.flatnonzero((tokens.times > cut) & (np.arange(len(tokens.items)) > tokens.indptr[viewer_of_token]))
    viewers = np.unique(viewer_of_token[later])
    with_validation = np.flatnonzero(before >= 3)
    return TimeSplit(
        ends=np.where(before >= 3, ends - 1, ends),
        known_ends=ends,
        validation=Targets(with_validation, ends[with_validation] - 1),
        last=Targets(viewers, tokens.indptr[viewers + 1] - 1),
        successive=Targets(viewer_of_token[later], later),
    )


def recent_holdout(tokens: Tokens, share: float, max_viewers: int, rng: np.random.Generator) -> Split:
    """Hold out the newest `share` of all tokens by time; the targets are the first tokens after the cut of up to
    `max_viewers` viewers with tokens on both sides. Validation and test are halves of these viewers.
    """
    cut = _time_quantile(tokens, 1 - share) if len(tokens.times) else 0
    before = np.zeros(len(tokens.indptr) - 1, np.int64)
    for block in viewer_blocks(tokens):
        indptr = tokens.indptr[block.start : block.stop + 1]
        passed = np.append(0, np.cumsum(tokens.times[indptr[0] : indptr[-1]] <= cut))
        before[block] = np.diff(passed[indptr - indptr[0]])
    ends = tokens.indptr[:-1] + before
    viewers = np.flatnonzero((before > 0) & (before < tokens.lengths()))
    viewers = np.sort(rng.permutation(viewers)[:max_viewers])
    targets = Targets(viewers, ends[viewers])
    half = np.arange(len(viewers)) % 2 == 0
    return Split(ends, *(Targets(*(column[side] for column in targets)) for side in (half, ~half)))


def _time_quantile(tokens: Tokens, share: float) -> float:
    """Return what `np.quantile` does of all times, which are looked at in blocks."""
    place = (len(tokens.times) - 1) * share
    low = _nth_time(tokens, math.floor(place))
    high = _nth_time(tokens, math.ceil(place))
    return low + (high - low) * (place - math.floor(place))


def _nth_time(tokens: Tokens, place: int) -> int:
    """Return the time at `place` of all times in ascending order."""
    low = min(int(tokens.times[rows].min(initial=2**62)) for rows in token_blocks(tokens))
    high = max(int(tokens.times[rows].max(initial=-(2**62))) for rows in token_blocks(tokens))
    while low < high:  # each round looks at a share of the range before
        width = -(-(high - low + 1) // QUANTILE_BINS)
        counts = np.zeros(QUANTILE_BINS, np.int64)
        for rows in token_blocks(tokens):
            times = tokens.times[rows]
            counts += np.bincount((times[(times >= low) & (times <= high)] - low) // width, minlength=QUANTILE_BINS)
        below = np.cumsum(counts)
        chosen = int(np.searchsorted(below, place, side="right"))
        place -= int(below[chosen] - counts[chosen])
        low, high = low + chosen * width, min(high, low + (chosen + 1) * width - 1)
    return low


def validation_visits(tokens: Tokens, split: Split) -> Visits:
    """Return the visits that the validation's targets begin, up to their viewers' test targets."""
    test_rows = np.full(len(tokens.indptr) - 1, np.iinfo(np.int64).max)
    test_rows[split.test.viewers] = split.test.rows
    viewers, rows = split.validation
    return Visits(viewers, rows, np.minimum(visit_stops(tokens, rows), test_rows[viewers]))


def request_times(tokens: Tokens, targets: Targets, time: TimeMode) -> np.ndarray | None:
    """Return the request time of each target, int64 [n]: the target's own time, or None where the mode gives none."""
    return tokens.times[targets.rows] if time == "request" else None


def seen_items(tokens: Tokens, targets: Targets) -> list[np.ndarray]:
    """Return the columns of the films that each target's viewer saw before it: the full history, not the window."""
    seen = [tokens.items[tokens.indptr[v] : row] - 1 for v, row in zip(*targets, strict=True)]
    release_pages(tokens)  # whatever ranks in chunks comes by here
    return seen


Scorer = Callable[[Tokens, Targets], np.ndarray]  # scores float32 [n, N] of all films


def sample_targets(targets: Targets, max_targets: int) -> Targets:
    """Return up to `max_targets` of the targets, the same each time, in their order."""
    sample = np.sort(np.random.default_rng(0).permutation(len(targets.rows))[:max_targets])
    return Targets(*(column[sample] for column in targets))


def chunks(targets: Targets) -> Iterator[Targets]:
    """Yield the targets in chunks whose scores fit into memory."""
    for start in range(0, len(targets.rows), CHUNK_SIZE):
        yield Targets(*(column[start : start + CHUNK_SIZE] for column in targets))


def rank_targets(tokens: Tokens, targets: Targets, score: Scorer) -> np.ndarray:
    """Return the ranks float64 [n] of the targets among all films that their viewers had not seen."""
    # Targets of one day are looked at together, as what is popular is counted for each day.
    order = np.argsort(tokens.times[targets.rows] // DAY, kind="stable")
    ranks = np.empty(len(order))
    for start in range(0, len(order), CHUNK_SIZE):
        rows = order[start : start + CHUNK_SIZE]
        chunk = Targets(*(column[rows] for column in targets))
        scores = np.array(score(tokens, chunk), np.float32)
        ranks[rows] = metrics.compute_ranks(scores, tokens.items[chunk.rows] - 1, seen_items(tokens, chunk))
    return ranks


def rank_relevant(tokens: Tokens, targets: Targets, relevant: RelevantItems, score: Scorer) -> np.ndarray:
    """Return the ranks float64 [m] of the films that are relevant to each target's list, among all films that its
    viewer had not seen."""
    ranks = [np.empty(0)]
    for start in range(0, len(targets.rows), CHUNK_SIZE):
        chunk = Targets(*(column[start : start + CHUNK_SIZE] for column in targets))
        indptr = relevant.indptr[start : start + CHUNK_SIZE + 1]
        part = slice(indptr[0], indptr[-1])
        own = RelevantItems(indptr - indptr[0], relevant.items[part], relevant.liked[part])
        scores = np.array(score(tokens, chunk), np.float32)
        ranks.append(rank_relevant_items(scores, own, seen_items(tokens, chunk)))
    return np.concatenate(ranks)


def by_day(
    ranker: Ranker, popularity: DailyPopularity, movie_ids: np.ndarray, times: np.ndarray
) -> Iterator[tuple[np.ndarray, Ranker]]:
    """Yield the positions of `times` [n] (unix seconds) of one day, and the ranker at the counts of the midnight
    before; `movie_ids` are the films that `popularity` counts. Without an ensemble all are of one day."""
    if ranker.ensemble is None:
        yield np.arange(len(times)), ranker
        return
    days = times // DAY
    for day in np.unique(days).tolist():
        yield np.flatnonzero(days == day), ranker.with_popularity(Popularity(movie_ids, popularity.at_day(day)))


def ranker_scorer(ranker: Ranker, time: TimeMode = "unknown", popularity: DailyPopularity | None = None) -> Scorer:
    """Return the ranker as a scorer that is given the times of the mode `time`, at the counts of the midnight before
    each target, or at those that are stored with the model."""

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        if time == "none":
            tokens = tokens._replace(timed=np.zeros_like(tokens.timed))
        states = ranker.encode_tokens(tokens, targets.viewers, targets.rows, request_times(tokens, targets, time))
        exclude = None
        if ranker.model.scorer:  # its candidates depend on what is excluded; others are excluded from the ranks later
            exclude = [ranker.movie_ids[columns] for columns in seen_items(tokens, targets)]
        return scores_by_day(ranker, states, popularity, tokens.times[targets.rows], exclude)

    return score


def scores_by_day(
    ranker: Ranker,
    states: np.ndarray,
    popularity: DailyPopularity | None,
    times: np.ndarray,
    exclude: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Return the scores of all films, float32 [B, N], at the counts of the midnight before each of `times` [B] (unix
    seconds), or at those that are stored with the model."""
    if popularity is None:
        return ranker.scores(states, exclude)
    scores = np.empty((len(states), len(ranker.vocab)), np.float32)
    for rows, then in by_day(ranker, popularity, ranker.movie_ids, times):
        scores[rows] = then.scores(states[rows], exclude and [exclude[row] for row in rows])
    return scores
