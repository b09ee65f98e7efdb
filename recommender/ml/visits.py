"""Visits: what a viewer watches at one go, and the figures of a list that was made for the next one.

A visit is a run of one viewer's tokens without a gap of over an hour. A list for a visit is judged by all of its films
that its viewer had not seen before: several films are relevant, unlike in `metrics`.
"""

from typing import NamedTuple

import numpy as np

from recommender.ml.data import MIN_LIKED_STARS, Tokens

MAX_GAP = 3_600  # seconds: a longer pause ends a visit
DAY = 86_400  # seconds


class Visits(NamedTuple):
    """Runs of tokens: rows `starts[i]` to `stops[i]` of the tokens, all of viewer `viewers[i]`."""

    viewers: np.ndarray  # int64 [n]
    starts: np.ndarray  # int64 [n]
    stops: np.ndarray  # int64 [n]

    def select(self, keep: np.ndarray) -> "Visits":
        """Selects the visits of a mask or of positions."""
        return Visits(*(column[keep] for column in self))


def find_visits(tokens: Tokens) -> Visits:
    """Splits every viewer's tokens, which have times, into visits, in the order of the tokens."""
    owner = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    begins = (np.diff(owner, prepend=-1) != 0) | (np.diff(tokens.times, prepend=0) > MAX_GAP)
    starts = np.flatnonzero(begins)
    return Visits(owner[starts], starts, np.append(starts[1:], len(owner)))


def find_visits_after(tokens: Tokens, cut: float, until: float = np.inf) -> Visits:
    """Finds the visits that begin after the moment `cut`, and not after `until`, of viewers with a token before."""
    visits = find_visits(tokens)
    began = tokens.times[visits.starts]
    known = visits.starts > tokens.indptr[visits.viewers]
    return visits.select((began > cut) & (began <= until) & known)


def first_visit_mask(visits: Visits) -> np.ndarray:
    """Marks the first visit of each viewer, bool [n]."""
    return np.diff(visits.viewers, prepend=-1) != 0


class RelevantItems(NamedTuple):
    """The films that a list for each visit should have: films `films[indptr[i]:indptr[i + 1]]` for visit i, 0..N - 1,
    none twice and none that its viewer had seen before."""

    indptr: np.ndarray  # int64 [n + 1]
    items: np.ndarray  # int64 [m]
    liked: np.ndarray  # bool [m]: rated with four stars or more, or watched without a rating

    def select(self, keep: np.ndarray) -> "RelevantItems":
        """Selects some of the films, bool [m], for the same visits."""
        counts = np.append(0, np.cumsum(keep))[self.indptr]
        return RelevantItems(counts, self.items[keep], self.liked[keep])


def relevant_items(tokens: Tokens, visits: Visits) -> RelevantItems:
    """Finds what is new to the viewer in each visit."""
    counts: list[int] = [0]
    films: list[int] = []
    liked: list[bool] = []
    good = (tokens.stars == 0) | (tokens.stars >= 2 * MIN_LIKED_STARS)
    for viewer, start, stop in zip(*visits, strict=True):
        before = set(tokens.items[tokens.indptr[viewer] : start].tolist())
        new: dict[int, bool] = {}
        for film, is_good in zip(tokens.items[start:stop].tolist(), good[start:stop].tolist(), strict=True):
            if film not in before:
                new[film - 1] = new.get(film - 1, False) or is_good
        films += new.keys()
        liked += new.values()
        counts.append(len(films))
    return RelevantItems(np.array(counts), np.array(films, np.int64), np.array(liked, bool))


def rank_relevant_items(scores: np.ndarray, relevant: RelevantItems, seen: list[np.ndarray]) -> np.ndarray:
    """Ranks every relevant film of B visits among all films that were not seen, float64 [m]; 1 is best, ties give the
    middle rank.

    `scores` [B, N] is changed: seen films get -inf. Raises FloatingPointError on scores that are not finite.
    """
    if not np.isfinite(scores).all():
        raise FloatingPointError("The scores are not finite; no rank can be computed from them.")
    found = []
    for row, films in enumerate(np.split(relevant.items, relevant.indptr[1:-1])):
        own = scores[row, films]
        scores[row, seen[row]] = -np.inf
        ordered = np.sort(scores[row])
        above = len(ordered) - np.searchsorted(ordered, own, side="right")
        level = np.searchsorted(ordered, own, side="right") - np.searchsorted(ordered, own, side="left")
        found.append(1.0 + above + (level - 1) / 2)
    return np.concatenate([np.empty(0), *found])


def ndcg(ranks: np.ndarray, relevant: RelevantItems, k: int = 10) -> np.ndarray:
    """Computes NDCG@k of each visit with a relevant film, NaN for others, float64 [n]: the sum of 1 / log2(rank + 1)
    over its relevant films within the first k, over that of the best order (Järvelin and Kekäläinen 2002)."""
    gained = _sums(np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0), relevant)
    best = np.append(0.0, np.cumsum(1.0 / np.log2(np.arange(1, k + 1) + 1.0)))[np.minimum(_counts(relevant), k)]
    return np.divide(gained, best, out=np.full(len(gained), np.nan), where=best > 0)


def recall(ranks: np.ndarray, relevant: RelevantItems, k: int) -> np.ndarray:
    """Computes of each visit the share of its relevant films within the first k, of as many as can be: over
    min(k, relevant); NaN where there are none, float64 [n]."""
    most = np.minimum(_counts(relevant), k)
    found = _sums((ranks <= k).astype(float), relevant)
    return np.divide(found, most, out=np.full(len(found), np.nan), where=most > 0)


def best_rank(ranks: np.ndarray, relevant: RelevantItems) -> np.ndarray:
    """Finds the rank of the best relevant film of each visit, inf where there is none, float64 [n]."""
    best = np.full(len(relevant.indptr) - 1, np.inf)
    np.minimum.at(best, np.repeat(np.arange(len(best)), _counts(relevant)), ranks)
    return best


def summary(ranks: np.ndarray, relevant: RelevantItems) -> dict[str, float]:
    """Averages the figures over the visits that have a relevant film."""
    counted = _counts(relevant) > 0
    if not counted.any():
        return {"visits": 0}
    best = best_rank(ranks, relevant)[counted]
    return {
        "ndcg10": round(float(ndcg(ranks, relevant, 10)[counted].mean()), 4),
        "recall10": round(float(recall(ranks, relevant, 10)[counted].mean()), 4),
        "recall50": round(float(recall(ranks, relevant, 50)[counted].mean()), 4),
        "hr10": round(float((best <= 10).mean()), 4),
        "mrr": round(float((1.0 / best).mean()), 4),
        "visits": int(counted.sum()),
    }


def _counts(relevant: RelevantItems) -> np.ndarray:
    return np.diff(relevant.indptr)


def _sums(values: np.ndarray, relevant: RelevantItems) -> np.ndarray:
    """Sums [m] values by visit."""
    total = np.append(0.0, np.cumsum(values))
    return np.asarray(total[relevant.indptr[1:]] - total[relevant.indptr[:-1]])
