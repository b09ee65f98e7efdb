"""Visits: sessions of a viewer, and the metrics of a list that was made for the next one.

A visit is a run of one viewer's tokens without a gap of over an hour. All films of a visit that its viewer had not
seen before are relevant: several per list, unlike in `metrics`.
"""

from typing import NamedTuple

import numpy as np

from recommender.ml.data import MIN_LIKED_STARS, Tokens
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.token_files import release_pages

MAX_GAP = 3_600  # seconds: a longer pause ends a visit
DAY = 86_400  # seconds
VISITS = 256  # that are looked at until pages of mapped tokens are given back


class Visits(NamedTuple):
    """Runs of tokens: rows `starts[i]` to `stops[i]` of the tokens, all of viewer `viewers[i]`."""

    viewers: np.ndarray  # int64 [n]
    starts: np.ndarray  # int64 [n]
    stops: np.ndarray  # int64 [n]

    def select(self, keep: np.ndarray) -> "Visits":
        """Return the visits of a mask or of positions."""
        return Visits(*(column[keep] for column in self))


def find_visits(tokens: Tokens) -> Visits:
    """Split every viewer's tokens, which have times, into visits, in the order of the tokens."""
    viewers = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    begins = (np.diff(viewers, prepend=-1) != 0) | (np.diff(tokens.times, prepend=0) > MAX_GAP)
    starts = np.flatnonzero(begins)
    return Visits(viewers[starts], starts, np.append(starts[1:], len(viewers)))


def visit_stops(tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    """Return where the visits of the tokens at `rows` end, int64 [n]."""
    parts = [np.empty(0, np.int64)]
    for start in range(0, len(rows), VISITS):
        parts.append(_visit_stops(tokens, rows[start : start + VISITS]))
        release_pages(tokens)
    return np.concatenate(parts)


def _visit_stops(tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    last = tokens.indptr[np.searchsorted(tokens.indptr, rows, side="right")]  # where the viewers' tokens end
    later, indptr = concatenate_ranges(rows, last)
    pauses = np.diff(tokens.times[later], append=0) > MAX_GAP
    pauses[indptr[1:] - 1] = True
    ends = np.flatnonzero(pauses)  # of visits, the last tokens
    return np.asarray(later[ends[np.searchsorted(ends, indptr[:-1])]] + 1)


def find_visits_after(tokens: Tokens, cut: float, until: float = np.inf) -> Visits:
    """Find the visits that begin after the moment `cut`, and not after `until`, of viewers with a token before."""
    visits = find_visits(tokens)
    began = tokens.times[visits.starts]
    known = visits.starts > tokens.indptr[visits.viewers]
    return visits.select((began > cut) & (began <= until) & known)


def rest_of_visits(tokens: Tokens, viewers: np.ndarray, rows: np.ndarray) -> Visits:
    """Return for each row of the tokens [n] what is left of its visit, from this row on."""
    return Visits(viewers, rows, visit_stops(tokens, rows))


def first_visit_mask(visits: Visits) -> np.ndarray:
    """Mark the first visit of each viewer, bool [n]."""
    return np.diff(visits.viewers, prepend=-1) != 0


class RelevantItems(NamedTuple):
    """The films that a list for each visit should have: columns `items[indptr[i]:indptr[i + 1]]` for visit i, none
    twice and none that its viewer had seen before."""

    indptr: np.ndarray  # int64 [n + 1]
    items: np.ndarray  # int64 [m], 0..N - 1
    liked: np.ndarray  # bool [m]: rated with four stars or more, or watched without a rating

    def select(self, keep: np.ndarray) -> "RelevantItems":
        """Return some of the films, bool [m], for the same visits."""
        counts = np.append(0, np.cumsum(keep))[self.indptr]
        return RelevantItems(counts, self.items[keep], self.liked[keep])


def relevant_items(tokens: Tokens, visits: Visits) -> RelevantItems:
    """Find the films of each visit that are new to its viewer."""
    indptr: list[int] = [0]
    items: list[int] = []
    liked: list[bool] = []
    for viewer, start, stop in zip(*visits, strict=True):
        before = set(tokens.items[tokens.indptr[viewer] : start].tolist())
        new: dict[int, bool] = {}
        stars = tokens.stars[start:stop]
        good = (stars == 0) | (stars >= 2 * MIN_LIKED_STARS)
        for token_id, is_good in zip(tokens.items[start:stop].tolist(), good.tolist(), strict=True):
            if token_id not in before:
                new[token_id - 1] = new.get(token_id - 1, False) or is_good
        items += new.keys()
        liked += new.values()
        indptr.append(len(items))
        if len(indptr) % VISITS == 0:
            release_pages(tokens)
    return RelevantItems(np.array(indptr), np.array(items, np.int64), np.array(liked, bool))


def rank_relevant_items(scores: np.ndarray, relevant: RelevantItems, seen: list[np.ndarray]) -> np.ndarray:
    """Rank every relevant film of B visits among all films that were not seen, float64 [m]; 1 is best, ties give the
    middle rank.

    `scores` [B, N] is changed: seen films get -inf. Raises FloatingPointError on scores that are not finite.
    """
    if not np.isfinite(scores).all():
        raise FloatingPointError("The scores are not finite; no rank can be computed from them.")
    ranks = []
    for row, columns in enumerate(np.split(relevant.items, relevant.indptr[1:-1])):
        own = scores[row, columns]
        scores[row, seen[row]] = -np.inf
        ordered = np.sort(scores[row])
        above = len(ordered) - np.searchsorted(ordered, own, side="right")
        ties = np.searchsorted(ordered, own, side="right") - np.searchsorted(ordered, own, side="left")
        ranks.append(1.0 + above + (ties - 1) / 2)
    return np.concatenate([np.empty(0), *ranks])


def ndcg(ranks: np.ndarray, relevant: RelevantItems, k: int = 10) -> np.ndarray:
    """Compute NDCG@k of each visit with a relevant film, NaN for others, float64 [n]: the sum of 1 / log2(rank + 1)
    over its relevant films within the first k, over that of the best order (Järvelin and Kekäläinen 2002)."""
    gains = _sums(np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0), relevant)
    best = np.append(0.0, np.cumsum(1.0 / np.log2(np.arange(1, k + 1) + 1.0)))[np.minimum(_counts(relevant), k)]
    return np.divide(gains, best, out=np.full(len(gains), np.nan), where=best > 0)


def recall(ranks: np.ndarray, relevant: RelevantItems, k: int) -> np.ndarray:
    """Compute recall@k of each visit: its relevant films within the first k over min(k, relevant films); NaN where
    there are none, float64 [n]."""
    possible = np.minimum(_counts(relevant), k)
    hits = _sums((ranks <= k).astype(float), relevant)
    return np.divide(hits, possible, out=np.full(len(hits), np.nan), where=possible > 0)


def best_rank(ranks: np.ndarray, relevant: RelevantItems) -> np.ndarray:
    """Find the rank of the best relevant film of each visit, inf where there is none, float64 [n]."""
    best = np.full(len(relevant.indptr) - 1, np.inf)
    np.minimum.at(best, np.repeat(np.arange(len(best)), _counts(relevant)), ranks)
    return best


def summary(ranks: np.ndarray, relevant: RelevantItems) -> dict[str, float]:
    """Average the metrics over the visits that have a relevant film; the names are stored with results."""
    has_relevant = _counts(relevant) > 0
    if not has_relevant.any():
        return {"visits": 0}
    best = best_rank(ranks, relevant)[has_relevant]
    return {
        "ndcg10": round(float(ndcg(ranks, relevant, 10)[has_relevant].mean()), 4),
        "recall10": round(float(recall(ranks, relevant, 10)[has_relevant].mean()), 4),
        "recall50": round(float(recall(ranks, relevant, 50)[has_relevant].mean()), 4),
        "hr10": round(float((best <= 10).mean()), 4),
        "mrr": round(float((1.0 / best).mean()), 4),
        "visits": int(has_relevant.sum()),
    }


def _counts(relevant: RelevantItems) -> np.ndarray:
    return np.diff(relevant.indptr)


def _sums(values: np.ndarray, relevant: RelevantItems) -> np.ndarray:
    """Add up values [m] by visit."""
    total = np.append(0.0, np.cumsum(values))
    return np.asarray(total[relevant.indptr[1:]] - total[relevant.indptr[:-1]])
