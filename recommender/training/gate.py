"""Is a candidate good enough to go live? It is measured beside the baselines and the active model on the same recent
viewers; `bounds` says what each figure has to be."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.ml import beyond_accuracy, evaluate, metrics
from recommender.ml.baselines import Markov, TrainingTokens, fit_popularity, fit_recent_popularity
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Split
from recommender.ml.features import Features
from recommender.ml.ranker import Ranker
from recommender.training import gate_checks, segments
from recommender.training.gate_checks import Check
from recommender.training.vocabulary_mapping import scorer_for_vocabulary

HOLDOUT_SHARE = 0.05  # share of all events, the newest ones
MAX_VIEWERS = 10_000  # measured; half of them after each epoch, the other half at the end
MIN_VIEWERS = 200  # below it the newest events say too little, and each viewer's last two are taken
MAX_LISTS = 1_000  # looked at as a whole
LIST_LENGTH = 10  # films of such a list


class Verdict(NamedTuple):
    passed: bool
    reason: str
    figures: dict[str, Any]  # hr10, ndcg10, ... of the candidate; "baselines" and "active" with the same; "gate"


def split_holdout(tokens: Tokens, seed: int) -> tuple[Split, str]:
    """What is held out, and that in words."""
    recent = evaluate.recent_holdout(tokens, HOLDOUT_SHARE, MAX_VIEWERS, np.random.default_rng(seed))
    if len(recent.test.rows) >= MIN_VIEWERS // 2:
        return recent, f"each viewer's first event among the newest {HOLDOUT_SHARE:.0%} of all events"
    return evaluate.leave_one_out(tokens), "each viewer's last event"


def judge(candidate: Ranker, active: Ranker | None, tokens: Tokens, held_out: Split, features: Features) -> Verdict:
    """`tokens` and `features` are in the candidate's vocabulary. The lists are made without a time of asking, and so is
    this. A candidate whose scores are not finite is measured no further."""
    others = _reference_scorers(candidate, active, tokens, held_out)
    ranks = {name: evaluate.rank_targets(tokens, held_out.test, scorer) for name, scorer in others.items()}
    try:
        own = evaluate.rank_targets(tokens, held_out.test, evaluate.ranker_scorer(candidate))
    except FloatingPointError as error:
        return reject_non_finite(error)
    figures: dict[str, Any] = metrics.summary(own)
    before = ranks.pop("active", None)
    figures["baselines"] = {name: metrics.summary(those) for name, those in ranks.items()}
    figures["active"] = None
    checks = [gate_checks.better_than_baseline(name, own, those, before) for name, those in ranks.items()]
    parts: dict[str, Any] = {}
    if active is not None and before is not None:
        figures["active"] = metrics.summary(before) | {"name": active.version}
        checks.append(gate_checks.not_worse_than_active(active.version, own, before))
        parts = segments.compare_segments(own, before, segments.segment_masks(tokens, held_out.test, features))
        checks.append(gate_checks.no_segment_falls(parts))
    lists = _lists(candidate, others, tokens, held_out, features)
    checks += gate_checks.check_lists(lists, len(candidate.vocab))
    return Verdict(*_decision(checks, figures), figures | {"gate": _evidence(checks, parts, lists)})


def reject_non_finite(error: FloatingPointError) -> Verdict:
    """The verdict on a candidate that cannot rank at all."""
    check = Check("Scores are finite", False, str(error))
    nothing: dict[str, Any] = metrics.summary(np.empty(0)) | {"baselines": {}, "active": None}
    return Verdict(False, check.told, nothing | {"gate": _evidence([check], {}, {})})


def _reference_scorers(candidate: Ranker, active: Ranker | None, tokens: Tokens, held_out: Split) -> dict[str, Scorer]:
    scorers = _baselines(TrainingTokens(tokens, held_out.ends, len(candidate.vocab)))
    return scorers if active is None else scorers | {"active": scorer_for_vocabulary(active, candidate.vocab, tokens)}


def _baselines(prefix: TrainingTokens) -> dict[str, Scorer]:
    return {
        "popularity": fit_popularity(prefix),
        "recent_popularity": fit_recent_popularity(prefix),
        "markov": Markov(prefix),
    }


def _lists(
    candidate: Ranker, others: Mapping[str, Scorer], tokens: Tokens, held_out: Split, features: Features
) -> dict[str, dict[str, float]]:
    """What the lists of a sample of viewers are like, of the candidate and of those it has to stand beside."""
    films = len(candidate.vocab)
    targets = evaluate.sample_targets(held_out.test, MAX_LISTS)
    watched = np.bincount(TrainingTokens(tokens, held_out.ends, films).items, minlength=films)
    seen, of_film = evaluate.seen_items(tokens, targets), beyond_accuracy.genre_matrix_of(features)
    scorers = {"candidate": evaluate.ranker_scorer(candidate)} | {
        name: scorer for name, scorer in others.items() if name in ("popularity", "active")
    }
    found = {}
    for name, scorer in scorers.items():
        lists = beyond_accuracy.top_k_lists(tokens, targets, scorer, min(LIST_LENGTH, films))
        found[name] = beyond_accuracy.summary(lists, seen, watched, of_film, len(held_out.ends))
        found[name]["alike"] = beyond_accuracy.inter_list_overlap(lists)
    return found


def _decision(checks: list[Check], figures: Mapping[str, Any]) -> tuple[bool, str]:
    failed = [check for check in checks if not check.passed]
    if failed:
        return False, "failed checks: " + "; ".join(f"{check.name} ({check.told})" for check in failed)
    before = figures["active"]
    beside = f"the active model {before['name']} {before['ndcg10']:.4f}" if before else "there is no other model"
    popular = figures["baselines"]["popularity"]["ndcg10"]
    return True, f"NDCG@10 {figures['ndcg10']:.4f}, {beside}, popular films {popular:.4f}; all checks passed"


def _evidence(checks: list[Check], parts: Mapping[str, Any], lists: Mapping[str, Any]) -> dict[str, Any]:
    return {"checks": [check._asdict() for check in checks], "segments": dict(parts), "lists": dict(lists)}
