"""Ranking metrics from the ranks of held-out targets. With one target per row HR@k equals Recall@k."""

import numpy as np


def compute_ranks(scores: np.ndarray, targets: np.ndarray, seen: list[np.ndarray]) -> np.ndarray:
    """Return the rank of each row's target among the films not seen, float64 [B]; 1 is best, ties give the middle rank.

    `scores` [B, N] is changed: seen films get -inf, the target never. Raises `FloatingPointError` on scores that are
    not finite, which would otherwise look like perfect ranks.
    """
    if not np.isfinite(scores).all():
        raise FloatingPointError("The model gave scores that are not finite; no rank can be computed from them.")
    rows = np.arange(len(scores))
    own = scores[rows, targets].copy()
    counts = [len(columns) for columns in seen]
    if sum(counts):
        scores[np.repeat(rows, counts), np.concatenate(seen)] = -np.inf
    scores[rows, targets] = -np.inf
    above = (scores > own[:, None]).sum(1)
    ties = (scores == own[:, None]).sum(1)
    return 1.0 + above + ties / 2


def hit_rate(ranks: np.ndarray, k: int) -> float:
    """Return the share of targets within the first k (HR@k)."""
    return float((ranks <= k).mean()) if len(ranks) else 0.0


def ndcg(ranks: np.ndarray, k: int) -> float:
    """Return the mean of 1 / log2(rank + 1) where rank <= k, else 0: NDCG@k with one relevant film (Järvelin and
    Kekäläinen 2002)."""
    return float(ndcg_gains(ranks, k).mean()) if len(ranks) else 0.0


def ndcg_gains(ranks: np.ndarray, k: int) -> np.ndarray:
    """Return each target's part of NDCG@k, float64 [n], for paired tests."""
    return np.where(ranks <= k, 1.0 / np.log2(ranks + 1.0), 0.0)


def mrr(ranks: np.ndarray) -> float:
    """Return the mean of 1 / rank."""
    return float((1.0 / ranks).mean()) if len(ranks) else 0.0


def summary(ranks: np.ndarray) -> dict[str, float]:
    """Return the metrics that are reported everywhere, by name; the names are stored with results."""
    values = {f"hr{k}": hit_rate(ranks, k) for k in (10, 50, 200)} | {f"ndcg{k}": ndcg(ranks, k) for k in (10, 50, 200)}
    return values | {"mrr": mrr(ranks), "targets": float(len(ranks))}


def paired_bootstrap(
    a: np.ndarray, b: np.ndarray, viewers: np.ndarray | None = None, *, rounds: int = 2000, seed: int = 1
) -> tuple[float, float, float]:
    """Return the mean of a - b over the same targets, and the bounds of its 95 % interval by bootstrap over viewers:
    one viewer's targets are not independent. `viewers` [targets] gives each target's viewer, by default all different.
    """
    difference = a - b
    viewer_index = np.arange(len(difference)) if viewers is None else np.unique(viewers, return_inverse=True)[1]
    sums, targets = np.bincount(viewer_index, difference), np.bincount(viewer_index)
    draws = np.random.default_rng(seed).integers(0, len(sums), (rounds, len(sums)))
    low, high = np.quantile(sums[draws].sum(1) / targets[draws].sum(1), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
