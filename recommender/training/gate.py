"""The promotion gate: is a candidate good enough to go live?

It is measured beside the baselines and the active model on the same recent viewers; `gate_checks` says what it must
reach.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import beyond_accuracy, evaluate, metrics
from recommender.ml.baselines import RECENT_DAYS, Markov, fit_popularity, rolling_popularity
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Split
from recommender.ml.features import Features
from recommender.ml.popularity import WINDOW_DAYS, DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.training_tokens import TrainingTokens
from recommender.training import gate_checks, next_visit, segments
from recommender.training.evidence import ACTIVE, CANDIDATE
from recommender.training.gate_checks import Check
from recommender.training.vocabulary_mapping import scorer_for_vocabulary

HOLDOUT_SHARE = 0.05  # share of all events, the newest ones
MAX_VIEWERS = 10_000  # measured; half of them after each epoch, the other half at the end
MIN_VIEWERS = 200  # below it the newest events say too little, and each viewer's last two are taken
MAX_LISTS = 1_000  # looked at as a whole
LIST_LENGTH = 10  # movies of such a list
MAX_MARKOV_SUCCESSORS = 500  # of a film, for the baseline: its lists are the same with all (docs/lab-log.md, 69)


class Verdict(NamedTuple):
    """The gate's answer."""

    passed: bool
    reason: str
    figures: dict[str, Any]  # hr10, ndcg10, ... of the candidate; "baselines" and "active" with the same; "gate"


def split_holdout(tokens: Tokens, seed: int) -> tuple[Split, str]:
    """Split off what is measured on. Returns the split and a description of it."""
    recent = evaluate.recent_holdout(tokens, HOLDOUT_SHARE, MAX_VIEWERS, np.random.default_rng(seed))
    if len(recent.test.rows) >= MIN_VIEWERS // 2:
        return recent, f"each viewer's first event among the newest {HOLDOUT_SHARE:.0%} of all events"
    return evaluate.leave_one_out(tokens), "each viewer's last event"


def judge(
    candidate: Ranker,
    active: Ranker | None,
    tokens: Tokens,
    held_out: Split,
    features: Features,
    popularity: DailyPopularity,
) -> Verdict:
    """Measure a candidate and check it. A candidate whose scores are not finite is measured no further.

    `tokens` and `features` are in the candidate's vocabulary. Stored lists are made without a request time, and so is
    this. What is popular is known up to the midnight before each target, to the baselines and to both models.
    """
    training = TrainingTokens(tokens, held_out.ends, len(candidate.vocab))
    markov = Markov(training, MAX_MARKOV_SUCCESSORS)
    references = _reference_scorers(candidate, active, training, markov, popularity)
    candidate_scorer = evaluate.ranker_scorer(candidate, popularity=popularity)
    ranks = {name: evaluate.rank_targets(tokens, held_out.test, scorer) for name, scorer in references.items()}
    try:
        candidate_ranks = evaluate.rank_targets(tokens, held_out.test, candidate_scorer)
    except FloatingPointError as error:
        return reject_non_finite(error)
    active_ranks = ranks.pop("active", None)
    figures: dict[str, Any] = metrics.summary(candidate_ranks)
    figures["baselines"] = {name: metrics.summary(baseline) for name, baseline in ranks.items()}
    figures["active"] = None
    checks = [
        gate_checks.better_than_baseline(name, candidate_ranks, baseline, active_ranks)
        for name, baseline in ranks.items()
    ]
    models = {CANDIDATE: candidate_scorer}
    if active is not None:
        models[ACTIVE] = references[ACTIVE]
    next_visits = next_visit.measure_next_visits(models, training, held_out, popularity, markov)
    if next_visits["visits"]:
        checks.append(gate_checks.follows_what_is_popular(next_visits))
    by_segment: dict[str, Any] = {}
    surely_better = False
    if active is not None and active_ranks is not None:
        figures["active"] = metrics.summary(active_ranks) | {"name": active.version}
        checks.append(gate_checks.not_worse_than_active(active.version, candidate_ranks, active_ranks))
        if next_visits["visits"]:
            checks.append(gate_checks.serves_next_visit(active.version, next_visits))
        surely_better = gate_checks.is_surely_better(candidate_ranks, active_ranks)
        masks = segments.segment_masks(tokens, held_out.test, features)
        by_segment = segments.compare_segments(candidate_ranks, active_ranks, masks)
        checks.append(gate_checks.no_segment_falls(by_segment))
    lists = _summarise_lists({"candidate": candidate_scorer, **references}, training, held_out, features)
    checks += gate_checks.check_lists(lists, len(candidate.vocab), surely_better=surely_better)
    return Verdict(*_decide(checks, figures), figures | {"gate": _evidence(checks, by_segment, lists, next_visits)})


def reject_non_finite(error: FloatingPointError) -> Verdict:
    """Return the verdict on a candidate that cannot rank at all."""
    check = Check("Scores are finite", False, str(error))
    unmeasured: dict[str, Any] = metrics.summary(np.empty(0)) | {"baselines": {}, "active": None}
    return Verdict(False, check.detail, unmeasured | {"gate": _evidence([check], {}, {}, {})})


def _reference_scorers(
    candidate: Ranker,
    active: Ranker | None,
    training: TrainingTokens,
    markov: Markov,
    popularity: DailyPopularity,
) -> dict[str, Scorer]:
    """Return what the candidate is compared with: the baselines and, under "active", the active model."""
    scorers: dict[str, Scorer] = {
        "popularity": fit_popularity(training),
        "recent_popularity": rolling_popularity(popularity, RECENT_DAYS),
        **{f"popularity_{days}": rolling_popularity(popularity, days) for days in WINDOW_DAYS if days != RECENT_DAYS},
        "markov": markov,
    }
    if active is not None:
        scorers["active"] = scorer_for_vocabulary(active, candidate.vocab, popularity)
    return scorers


def _summarise_lists(
    scorers: Mapping[str, Scorer], training: TrainingTokens, held_out: Split, features: Features
) -> dict[str, dict[str, float]]:
    """Summarise the lists of a sample of viewers: the candidate's, popularity's and the active model's."""
    movies = len(features.indptr) - 2
    targets = evaluate.sample_targets(held_out.test, MAX_LISTS)
    tokens, watch_counts = training.tokens, training.counts()
    seen, genres = evaluate.seen_items(tokens, targets), beyond_accuracy.genre_matrix_of(features)
    summaries = {}
    for name in ("candidate", "popularity", "active"):
        if name not in scorers:
            continue
        lists = beyond_accuracy.top_k_lists(tokens, targets, scorers[name], min(LIST_LENGTH, movies))
        summaries[name] = beyond_accuracy.summary(lists, seen, watch_counts, genres, len(held_out.ends))
        summaries[name]["alike"] = beyond_accuracy.inter_list_overlap(lists)
    return summaries


def _decide(checks: list[Check], figures: Mapping[str, Any]) -> tuple[bool, str]:
    failed = [check for check in checks if not check.passed]
    if failed:
        return False, "failed checks: " + "; ".join(f"{check.name} ({check.detail})" for check in failed)
    active = figures["active"]
    beside = f"the active model {active['name']} {active['ndcg10']:.4f}" if active else "there is no other model"
    popular = figures["baselines"]["popularity"]["ndcg10"]
    return True, f"NDCG@10 {figures['ndcg10']:.4f}, {beside}, popular films {popular:.4f}; all checks passed"


def _evidence(
    checks: list[Check], by_segment: Mapping[str, Any], lists: Mapping[str, Any], next_visits: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "checks": [check.as_dict() for check in checks],
        "segments": dict(by_segment),
        "lists": dict(lists),
        "next_visit": dict(next_visits),
    }
