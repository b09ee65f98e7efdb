"""Metrics beyond accuracy: how much of the catalogue lists show, how far from the popular they are, how much alike.

`lists` is int64 [B, k], films 0..N - 1; `watched` int64 [N] how many viewers (in MovieLens: tokens) each film has in
training. A film without any counts as watched once where a logarithm is taken.
"""

from collections.abc import Sequence

import numpy as np

from recommender.ml import evaluate
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.features import Features

HEAD_SHARE = 0.8  # share of all interactions that the most popular films make up
SMOOTHING = 0.01  # alpha of Steck 2018


def top_k_lists(tokens: Tokens, targets: Targets, score: Scorer, k: int) -> np.ndarray:
    """Return the best k films of each target's viewer, best first, without films seen before the target."""
    lists = [np.empty((0, k), np.int64)]
    for chunk in evaluate.chunks(targets):
        scores = np.array(score(tokens, chunk), np.float32)
        for row, seen in zip(scores, evaluate.seen_items(tokens, chunk), strict=True):
            row[seen] = -np.inf
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        lists.append(np.take_along_axis(best, order, 1))
    return np.concatenate(lists)


def genre_matrix_of(features: Features) -> np.ndarray:
    """Return which film has which genre: float64 [N, G]; rows of films without any are 0."""
    columns = {i: g for g, i in enumerate(i for i, name in enumerate(features.names) if name.startswith("genre:"))}
    items = np.repeat(np.arange(len(features.indptr) - 1), np.diff(features.indptr)) - 1
    matrix = np.zeros((len(features.indptr) - 2, len(columns)))
    for item, feature in zip(items, features.indices, strict=True):
        if feature in columns:
            matrix[item, columns[feature]] = 1
    return matrix


def coverage(lists: np.ndarray, num_items: int) -> float:
    """Return the share of the catalogue that is in any list: |union of the lists| / N (Ge et al. 2010)."""
    return len(np.unique(lists)) / num_items


def inter_list_overlap(lists: np.ndarray) -> float:
    """Return the mean share of films that two viewers' lists have in common: 0 all different, 1 the same list for
    everyone (1 - personalisation, Zhou et al. 2010)."""
    n, k = lists.shape
    exposure = np.unique(lists, return_counts=True)[1].astype(np.float64)
    return float((exposure * (exposure - 1)).sum() / (n * (n - 1) * k)) if n > 1 else 0.0


def gini(lists: np.ndarray, num_items: int) -> float:
    """Return the Gini coefficient of how often films are listed: 0 all equally, near 1 always the same few.

    sum over i of (2i - N - 1) e_i / (N sum e), e_1 <= ... <= e_N (as Fleder and Hosanagar 2009 use it).
    """
    exposure = np.sort(np.bincount(lists.ravel(), minlength=num_items))
    return float(((2 * np.arange(1, num_items + 1) - num_items - 1) * exposure).sum() / (num_items * exposure.sum()))


def long_tail_share(lists: np.ndarray, watched: np.ndarray) -> float:
    """Return the share of list positions that go to films outside the head: the fewest films with 80 % of the
    interactions (Abdollahpouri et al. 2019, average percentage of long-tail items).
    """
    order = np.argsort(-watched, kind="stable")
    head = int(np.searchsorted(watched[order].cumsum(), HEAD_SHARE * watched.sum())) + 1
    return float(1 - np.isin(lists, order[:head]).mean())


def popularity_bias(lists: np.ndarray, histories: Sequence[np.ndarray], watched: np.ndarray) -> float:
    """Return the mean over viewers of the mean log popularity of the list minus that of the history.

    Above 0 the list is more popular. After the change in group average popularity (Abdollahpouri et al. 2019), in
    natural logarithms and by viewer.
    """
    logs = np.log(np.maximum(watched, 1))
    return float(np.mean([logs[top].mean() - logs[own].mean() for top, own in zip(lists, histories, strict=True)]))


def diversity(lists: np.ndarray, vectors: np.ndarray) -> float:
    """Return the intra-list diversity: mean of 1 - cosine over the pairs of a list (Ziegler et al. 2005); `vectors`
    [N, G]. A row of 0 is similar to none.
    """
    k = lists.shape[1]
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    of_list = units[lists]
    similarity = ((of_list.sum(1) ** 2).sum(1) - (of_list**2).sum((1, 2))) / (k * (k - 1))
    return float(1 - similarity.mean())


def novelty(lists: np.ndarray, watched: np.ndarray, viewers: int) -> float:
    """Return the mean of -log2 p, p the share of viewers who watched the film (Zhou et al. 2010), in bits."""
    return float(-np.log2(np.maximum(watched, 1) / viewers)[lists].mean())


def calibration(lists: np.ndarray, histories: Sequence[np.ndarray], genre_matrix: np.ndarray) -> float:
    """Return the mean of C_KL = sum over genres of p log(p / q~), q~ = 0.99 q + 0.01 p (Steck 2018, Calibrated
    Recommendations), in natural logarithms; 0: as the viewer's own mix.

    p and q are the genre mixes of history and list, every film's genres sharing one vote; `genre_matrix` [N, G].
    Viewers whose history has no genre are left out, and so are lists without any.
    """
    votes = genre_matrix / np.maximum(genre_matrix.sum(1, keepdims=True), 1)
    p = np.array([votes[own].sum(0) for own in histories])
    q = votes[lists].sum(1)
    known = (p.sum(1) > 0) & (q.sum(1) > 0)
    if not known.any():
        return 0.0
    p, q = (mix[known] / mix[known].sum(1, keepdims=True) for mix in (p, q))
    smoothed = (1 - SMOOTHING) * q + SMOOTHING * p
    ratio = np.divide(p, smoothed, out=np.ones_like(p), where=p > 0)
    return float((p * np.log(ratio)).sum(1).mean())


def summary(
    lists: np.ndarray, histories: Sequence[np.ndarray], watched: np.ndarray, genre_matrix: np.ndarray, viewers: int
) -> dict[str, float]:
    """Return all metrics of this module by name; the names are stored with results."""
    return {
        "coverage": coverage(lists, len(watched)),
        "gini": gini(lists, len(watched)),
        "long_tail_share": long_tail_share(lists, watched),
        "popularity_bias": popularity_bias(lists, histories, watched),
        "diversity": diversity(lists, genre_matrix),
        "novelty": novelty(lists, watched, viewers),
        "calibration": calibration(lists, histories, genre_matrix),
    }
