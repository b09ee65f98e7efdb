"""What the promotion gate noted with a version, for pages and commands that do without torch."""

from collections.abc import Mapping
from typing import Any

from catalog.plurals import count_noun

CANDIDATE, ACTIVE = "candidate", "active"
POPULARITY = ("popularity", "popularity_1", "popularity_3", "popularity_7", "popularity_30", "popularity_365")
LEARNED = ("markov", "ease", "recency_ease", "blend")
WITHOUT_A_MODEL = ("popularity", "popularity_30")  # near to what viewers get where there is none

VERDICTS = {"better": "better", "level": "no sure difference", "worse": "worse"}  # of this model, in words
TITLES = {
    "popularity": "the most popular films",
    "recent_popularity": "the films popular in the last 30 days",
    "popularity_1": "the films popular yesterday",
    "popularity_3": "the films popular in the last 3 days",
    "popularity_7": "the films popular in the last 7 days",
    "popularity_30": "the films popular in the last 30 days",
    "popularity_365": "the films popular in the last year",
    "markov": "counting which film follows which",
    "ease": "films that the same people watch (EASE)",
    "recency_ease": "films that watchers of the last films watch (recency EASE)",
    "blend": "Markov and recency EASE together (blend)",
}


def next_visit_ranks(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return what was measured of lists for the next visit, by ranker; empty for a version that was not measured so."""
    return dict(metrics.get("gate", {}).get("next_visit", {}).get("ranked", {}))


def better_without_it(metrics: Mapping[str, Any]) -> str | None:
    """Return what is surely better for the next visit than the measured model and needs none: viewers get the like of
    it where no model is active."""
    ranked = next_visit_ranks(metrics)
    better = [name for name in WITHOUT_A_MODEL if name in ranked and ranked[name]["high"] < 0]
    return TITLES[max(better, key=lambda name: ranked[name]["ndcg10"])] if better else None


def verdict(ranked: Mapping[str, float]) -> str:
    """Return how the candidate compares with a ranker: better, level or worse, where its interval is without 0."""
    if ranked["low"] > 0:
        return "better"
    return "worse" if ranked["high"] < 0 else "level"


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """Say to what the training is bounded, and what that leaves out: `left_out` of a snapshot of its data."""
    bounds = []
    if left_out["events_per_viewer"]:
        bounds.append(f"the newest {count_noun(left_out['events_per_viewer'], 'event')} of a viewer")
    if left_out["active_days"]:
        bounds.append(f"viewers with an event in the last {count_noun(left_out['active_days'], 'day')}")
    events, viewers = count_noun(left_out["events"], "event"), count_noun(left_out["viewers"], "viewer")
    return f"{' and '.join(bounds)} alone: {events} and {viewers} left out"
