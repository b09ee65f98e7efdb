"""What a candidate must reach to go live. Each check states what it saw, so that its reader need not trust it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from catalog.plurals import count_noun
from recommender.ml import metrics
from recommender.training.evidence import ACTIVE, CANDIDATE, POPULARITY, TITLES

FALLBACK_BASELINES = ("popularity", "recent_popularity")  # what viewers would get without any model
TOLERANCE = 0.03  # below the active model or transition counts, as a share of them; a test need not be sure of it
MAX_SEGMENT_LOSS = 0.10  # of a segment, as a share of what the active model has there
MIN_COVERAGE_SHARE = 0.5  # of the active model's
MAX_BIAS_INCREASE = 0.5  # above the active model's popularity bias, natural logarithm: lists 1.6 times as popular
MAX_OVERLAP_SHARE = 0.9  # of what popularity's lists have in common
MIN_MOVIES_FOR_OVERLAP = 100  # in a smaller catalogue all lists overlap


class Check(NamedTuple):
    """One thing that a candidate was checked for."""

    name: str
    passed: bool
    detail: str  # what was seen

    def as_dict(self) -> dict[str, str | bool]:
        """Return the check as it is stored in a version's metrics, where its detail is called `told`."""
        return {"name": self.name, "passed": self.passed, "told": self.detail}


def better_than_baseline(
    name: str, candidate: np.ndarray, baseline: np.ndarray, active: np.ndarray | None = None
) -> Check:
    """Compare the candidate with a baseline, by their ranks of the targets, [targets].

    It must surely be better than what viewers would get without a model. Transition counts are a part of the
    candidate, and where order is everything nothing beats them: it must come near them.

    `active`: the active model's ranks. Where that is not better than the recently popular either, keeping it would
    serve nobody better, and this check passes.
    """
    mean, low, high = metrics.paired_bootstrap(metrics.ndcg_gains(candidate, 10), metrics.ndcg_gains(baseline, 10))
    detail = _difference(candidate, baseline, mean, low, high)
    title = TITLES.get(name, name)
    if name not in FALLBACK_BASELINES:
        return Check(f"Not worse than {title}", mean >= -TOLERANCE * metrics.ndcg(baseline, 10), detail)
    passed = low > 0
    if not passed and name == "recent_popularity" and active is not None:
        _, lowest, _ = metrics.paired_bootstrap(metrics.ndcg_gains(active, 10), metrics.ndcg_gains(baseline, 10))
        passed = lowest <= 0
        detail += f"; the active model is not better either: {metrics.ndcg(active, 10):.4f}" if passed else ""
    return Check(f"Better than {title}", passed, detail)


def not_worse_than_active(name: str, candidate: np.ndarray, active: np.ndarray) -> Check:
    """Compare the candidate with the active model `name`, by their ranks of the targets, [targets].

    It passes where no test says that it is worse, and the means are not far apart.
    """
    mean, low, high = metrics.paired_bootstrap(metrics.ndcg_gains(candidate, 10), metrics.ndcg_gains(active, 10))
    passed = high >= 0 and mean >= -TOLERANCE * metrics.ndcg(active, 10)
    return Check(f"Not worse than the active model {name}", passed, _difference(candidate, active, mean, low, high))


def _difference(candidate: np.ndarray, other: np.ndarray, mean: float, low: float, high: float) -> str:
    both = f"NDCG@10 {metrics.ndcg(candidate, 10):.4f} against {metrics.ndcg(other, 10):.4f}"
    return f"{both}: {mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}"


def follows_what_is_popular(next_visits: Mapping[str, Any]) -> Check:
    """Check that the lists for the next visit are not surely worse than the best of the popular ones, from
    `next_visit.measure_next_visits`.

    An active model that is worse than them too is not kept for that: this check passes then.
    """
    ranked = next_visits["ranked"]
    best = max(POPULARITY, key=lambda name: ranked[name]["ndcg10"])
    passed = ranked[best]["high"] >= 0
    detail = _next_visit_difference(ranked, best)
    if not passed and ACTIVE in ranked:
        passed = ranked[ACTIVE]["ndcg10"] < ranked[best]["ndcg10"]
        detail += f"; the active model is not better either: {ranked[ACTIVE]['ndcg10']:.4f}" if passed else ""
    return Check(f"Next visit: not worse than {TITLES[best]}", passed, detail)


def serves_next_visit(name: str, next_visits: Mapping[str, Any]) -> Check:
    """Check that the lists for the next visit are not surely worse than those of the active model `name`."""
    ranked = next_visits["ranked"]
    title = f"Next visit: not worse than the active model {name}"
    return Check(title, ranked[ACTIVE]["high"] >= 0, _next_visit_difference(ranked, ACTIVE))


def _next_visit_difference(ranked: Mapping[str, Mapping[str, float]], name: str) -> str:
    candidate, other = ranked[CANDIDATE], ranked[name]
    both = f"NDCG@10 {candidate['ndcg10']:.4f} against {other['ndcg10']:.4f}"
    return f"{both}: {other['difference']:+.4f}, 95 % interval {other['low']:+.4f} to {other['high']:+.4f}"


def no_segment_falls(segments: Mapping[str, Mapping[str, float]]) -> Check:
    """Check that no segment loses more than MAX_SEGMENT_LOSS, and surely so. `segments` from `compare_segments`."""
    fallen = [
        f"{name} {segment['active']:.4f} to {segment['candidate']:.4f}"
        for name, segment in segments.items()
        if segment["high"] < 0 and segment["difference"] < -MAX_SEGMENT_LOSS * segment["active"]
    ]
    detail = ", ".join(fallen) or f"{count_noun(len(segments), 'segment')} compared"
    return Check(f"No segment falls by more than {MAX_SEGMENT_LOSS:.0%}", not fallen, detail)


def is_surely_better(candidate: np.ndarray, other: np.ndarray) -> bool:
    """Return whether the candidate's NDCG@10 is higher with 95 % confidence, by the ranks of the targets, [targets]."""
    return metrics.paired_bootstrap(metrics.ndcg_gains(candidate, 10), metrics.ndcg_gains(other, 10))[1] > 0


def check_lists(lists: Mapping[str, Mapping[str, float]], movies: int, *, surely_better: bool = False) -> list[Check]:
    """Check whole lists: are they personal, do they show the catalogue, do they drift to popular movies?

    Where the candidate is surely better than the active model, its lists may show less of the catalogue and more
    popular films: that is what viewers watch.

    `lists`: `beyond_accuracy.summary` and "alike" of the candidate, of popularity and, if there is one, of the active
    model. `movies`: in the vocabulary.
    """
    candidate, popular, active = lists["candidate"], lists["popularity"], lists.get("active")
    checks = []
    if movies >= MIN_MOVIES_FOR_OVERLAP:
        detail = f"two lists share {candidate['alike']:.0%} of their films, popularity's {popular['alike']:.0%}"
        passed = candidate["alike"] < MAX_OVERLAP_SHARE * popular["alike"]
        checks.append(Check("Lists are personal", passed, detail))
    if active is not None:
        min_coverage = MIN_COVERAGE_SHARE * active["coverage"]
        max_bias = active["popularity_bias"] + MAX_BIAS_INCREASE
        unless = " unless surely better than the active model, as it is" if surely_better else ""
        checks += [
            Check(
                "Enough of the catalogue is shown",
                surely_better or candidate["coverage"] >= min_coverage,
                f"coverage {candidate['coverage']:.3f}, at least {min_coverage:.3f}{unless}",
            ),
            Check(
                "Lists do not drift to popular films",
                surely_better or candidate["popularity_bias"] <= max_bias,
                f"popularity bias {candidate['popularity_bias']:+.2f}, at most {max_bias:+.2f}{unless}",
            ),
        ]
    return checks
