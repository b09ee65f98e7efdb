"""What a candidate's figures have to be. Each check says what it saw, so that whoever reads it need not trust it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from catalog.plurals import count_noun
from recommender.ml import metrics

FALLBACK_BASELINES = ("popularity", "recent_popularity")  # what viewers would get without any model
TOLERANCE = 0.03  # below the active model or transition counts, as a share of them; a test need not be sure of it
MAX_SEGMENT_LOSS = 0.10  # of a segment, as a share of what the active model has there
MIN_COVERAGE_SHARE = 0.5  # of the active model's
MAX_BIAS_INCREASE = 0.5  # above the active model's popularity bias, natural logarithm: lists 1.6 times as popular
MAX_OVERLAP_SHARE = 0.9  # of what popularity's lists have in common
MIN_MOVIES_FOR_OVERLAP = 100  # in a smaller catalogue all lists are alike


_NAMES = {
    "popularity": "the most popular films",
    "recent_popularity": "the recently popular films",
    "markov": "counting which film follows which",
}


class Check(NamedTuple):
    name: str
    passed: bool
    told: str


def better_than_baseline(name: str, own: np.ndarray, those: np.ndarray, before: np.ndarray | None = None) -> Check:
    """Better than a baseline, by ranks [targets]: surely so where viewers would be served by it otherwise. Transition
    counts are a part of the candidate, and where order is everything nothing beats them: there it must come near.

    `before` are the active model's ranks. Where that does not beat the recently popular either, keeping it would serve
    nobody better: it is what viewers would get otherwise, and what the candidate is measured by.
    """
    mean, low, high = metrics.paired_bootstrap(metrics.ndcg_gains(own, 10), metrics.ndcg_gains(those, 10))
    told = _difference(own, those, mean, low, high)
    if name not in FALLBACK_BASELINES:
        return Check(f"Not worse than {_NAMES.get(name, name)}", mean >= -TOLERANCE * metrics.ndcg(those, 10), told)
    passed = low > 0
    if not passed and name == "recent_popularity" and before is not None:
        _, least, _ = metrics.paired_bootstrap(metrics.ndcg_gains(before, 10), metrics.ndcg_gains(those, 10))
        passed = least <= 0
        told += f"; the active model is not better either: {metrics.ndcg(before, 10):.4f}" if passed else ""
    return Check(f"Better than {_NAMES.get(name, name)}", passed, told)


def not_worse_than_active(active: str, own: np.ndarray, before: np.ndarray) -> Check:
    """Not worse than the active model: no test says so, and the means are not far apart."""
    mean, low, high = metrics.paired_bootstrap(metrics.ndcg_gains(own, 10), metrics.ndcg_gains(before, 10))
    passed = high >= 0 and mean >= -TOLERANCE * metrics.ndcg(before, 10)
    return Check(f"Not worse than the active model {active}", passed, _difference(own, before, mean, low, high))


def _difference(own: np.ndarray, those: np.ndarray, mean: float, low: float, high: float) -> str:
    both = f"NDCG@10 {metrics.ndcg(own, 10):.4f} against {metrics.ndcg(those, 10):.4f}"
    return f"{both}: {mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"


def no_segment_falls(parts: Mapping[str, Mapping[str, float]]) -> Check:
    """`parts` as `segments.compared` gives them. One that fell has fallen by more than the bound, and surely so."""
    fallen = [
        f"{name} {of['active']:.4f} to {of['candidate']:.4f}"
        for name, of in parts.items()
        if of["high"] < 0 and of["difference"] < -MAX_SEGMENT_LOSS * of["active"]
    ]
    told = ", ".join(fallen) or f"{count_noun(len(parts), 'segment')} compared"
    return Check(f"No segment falls by more than {MAX_SEGMENT_LOSS:.0%}", not fallen, told)


def check_lists(lists: Mapping[str, Mapping[str, float]], films: int) -> list[Check]:
    """`lists` as `beyond.summary` tells of them, with `alike`: of the candidate, of popularity, of the active model."""
    own, popular, before = lists["candidate"], lists["popularity"], lists.get("active")
    checks = []
    if films >= MIN_MOVIES_FOR_OVERLAP:
        told = f"two lists share {own['alike']:.0%} of their films, popularity's {popular['alike']:.0%}"
        checks.append(Check("Lists are personal", own["alike"] < MAX_OVERLAP_SHARE * popular["alike"], told))
    if before is not None:
        least, most = MIN_COVERAGE_SHARE * before["coverage"], before["popularity_bias"] + MAX_BIAS_INCREASE
        checks += [
            Check(
                "Enough of the catalogue is shown",
                own["coverage"] >= least,
                f"coverage {own['coverage']:.3f}, at least {least:.3f}",
            ),
            Check(
                "Lists do not drift to popular films",
                own["popularity_bias"] <= most,
                f"popularity bias {own['popularity_bias']:+.2f}, at most {most:+.2f}",
            ),
        ]
    return checks
